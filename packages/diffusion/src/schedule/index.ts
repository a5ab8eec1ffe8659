export * from "./add-noise.js";
export * from "./betas.js";
export * from "./noise-level.js";
export * from "./noise-schedule.js";
export { parseSchedulerConfig, type SchedulerConfig } from "./scheduler-config.js";
export * from "./sigma-path.js";
export * from "./sigmas.js";
export * from "./snr.js";
export * from "./timesteps.js";
