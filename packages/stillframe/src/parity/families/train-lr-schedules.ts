import { LR_SCHEDULES, type LrScheduleOptions, lrSchedule } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { absolute } from "../comparison.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";

export const LR_FILE = "train/lr_schedules.json";

interface LrJson {
  total_steps: number;
  warmup_steps: number;
  base_lr: number;
  values: Record<string, number[]>;
}

/** The reference's polynomial decay ends at this learning rate. */
const POLYNOMIAL_END = 1e-7;

/** Every schedule at every step, in float64. */
export function checkLrSchedules(context: ParityContext): void {
  const { total_steps, warmup_steps, base_lr, values } = context.folder.json<LrJson>(LR_FILE);
  for (const part of ["total_steps", "warmup_steps", "base_lr"]) context.folder.use(LR_FILE, part);
  for (const [name, expected] of Object.entries(values)) {
    const options: LrScheduleOptions = {
      warmupSteps: warmup_steps,
      totalSteps: total_steps,
      end: POLYNOMIAL_END / base_lr,
    };
    const factor = scheduleOf(name, options);
    context.check(LR_FILE, jsonPath("values", name), {
      actual: expected.map((_, step) => base_lr * factor(step)),
      expected,
      tolerance: absolute(1e-12),
    });
  }
}

/** `cosine_with_restarts_cycles3`, `polynomial_power2`: a schedule's name, then what differs from its defaults. */
function scheduleOf(name: string, options: LrScheduleOptions): (step: number) => number {
  const [, base, setting, number] = /^(.+?)(?:_(cycles|power)([\d.]+))?$/.exec(name) ?? [];
  const known = LR_SCHEDULES.find((n) => n === base);
  if (known === undefined) throw invalid("learning-rate schedule", `one of ${LR_SCHEDULES.join(", ")}`, name);
  return lrSchedule(known, setting === undefined ? options : { ...options, [setting]: Number(number) });
}
