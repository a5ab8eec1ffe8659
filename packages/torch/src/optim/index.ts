export { AdamW, type AdamWOptions, type ParameterGroup } from "./adamw.js";
export { clipGradNorm } from "./clip.js";
export { FlatParameters, type ParameterSlot } from "./flat-parameters.js";
export { LR_SCHEDULES, type LrScheduleName, type LrScheduleOptions, lrSchedule } from "./lr-schedule.js";
export type { Optimizer, OptimizerState } from "./optimizer.js";
