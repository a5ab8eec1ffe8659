export { AdamW, type AdamWOptions, type ParameterGroup } from "./adamw.js";
export { AdamW8bit, type AdamW8bitOptions } from "./adamw8bit.js";
export { clipGradNorm } from "./clip.js";
export { FlatParameters, type ParameterSlot } from "./flat-parameters.js";
export { LR_SCHEDULES, type LrScheduleName, type LrScheduleOptions, lrSchedule } from "./lr-schedule.js";
export type { Optimizer, OptimizerState } from "./optimizer.js";
export { Prodigy, type ProdigyOptions } from "./prodigy.js";
