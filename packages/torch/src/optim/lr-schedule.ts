import { invalid } from "../errors.js";

export const LR_SCHEDULES = [
  "constant",
  "constant_with_warmup",
  "linear",
  "cosine",
  "cosine_with_restarts",
  "polynomial",
] as const;
export type LrScheduleName = (typeof LR_SCHEDULES)[number];

export interface LrScheduleOptions {
  /** optimizer steps over which the rate rises from 0 */
  warmupSteps?: number;
  /** optimizer steps of the whole run */
  totalSteps: number;
  /** waves of cosine (half a wave unless said) or restarts (1 unless said) */
  cycles?: number;
  /** exponent of polynomial */
  power?: number;
  /** polynomial ends at this part of the rate */
  end?: number;
}

/**
 * The factor on the learning rate at each optimizer step, counted from 0: pure functions of the step, so that a resumed
 * run has the rate of one that never stopped. `constant` has no warm-up; all others rise linearly first. They are the
 * schedules of `transformers.optimization` (v5), whose step 0 of a warm-up has the rate 0.
 */
export function lrSchedule(name: LrScheduleName, options: LrScheduleOptions): (step: number) => number {
  const { warmupSteps = 0, totalSteps, cycles, power = 1, end = 0 } = options;
  if (!LR_SCHEDULES.includes(name)) throw invalid("lr_scheduler", `one of ${LR_SCHEDULES.join(", ")}`, name);
  for (const [option, value] of Object.entries({ warmupSteps, totalSteps, power, end, cycles: cycles ?? 1 }))
    if (!(value >= 0 && Number.isFinite(value))) throw invalid(option, "a number from 0", value);
  const progress = (step: number) => (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  const decays: Record<LrScheduleName, (step: number) => number> = {
    constant: () => 1,
    constant_with_warmup: () => 1,
    linear: (step) => Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps)),
    cosine: (step) => Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (cycles ?? 0.5) * 2 * progress(step)))),
    cosine_with_restarts: (step) =>
      progress(step) >= 1 ? 0 : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * (((cycles ?? 1) * progress(step)) % 1)))),
    polynomial: (step) => {
      if (step >= totalSteps) return end;
      const remaining = 1 - (step - warmupSteps) / (totalSteps - warmupSteps);
      return (1 - end) * remaining ** power + end;
    },
  };
  const decay = decays[name];
  if (name === "constant") return decay;
  return (step) => (step < warmupSteps ? step / Math.max(1, warmupSteps) : decay(step));
}
