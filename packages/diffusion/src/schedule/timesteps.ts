import { invalid } from "@stillframe/torch/errors";
import { descending, linspace, roundHalfEven } from "./linspace.js";

/** How a few timesteps are chosen among the training timesteps: Lin et al. 2023, table 2. */
export type TimestepSpacing = "leading" | "trailing" | "linspace";

export const TIMESTEP_SPACINGS: readonly TimestepSpacing[] = ["leading", "trailing", "linspace"];

export interface SpacingOptions {
  readonly spacing: TimestepSpacing;
  /** Number of timesteps wanted, from 1 to `trainSteps`. */
  readonly steps: number;
  readonly trainSteps: number;
  /** Added to every timestep of `leading` spacing, so that it does not end at 0. */
  readonly offset: number;
  /** Space one more and leave out the last, for samplers that go on from the last timestep to a noise-free end. */
  readonly dropLast?: boolean;
  /** Use the training timesteps below this one only; all of them when absent. */
  readonly end?: number;
}

/**
 * Falling timesteps. `leading` and `trailing` give integers; `linspace` gives fractions, for samplers that interpolate
 * (round them with `roundHalfEven` for the others).
 *
 * @throws InvalidArgumentError when there are fewer training timesteps than steps
 */
export function spacedTimesteps(options: SpacingOptions): number[] {
  const { spacing, steps, trainSteps, offset, dropLast = false, end = trainSteps } = options;
  checkSteps(steps, trainSteps);
  const points = dropLast ? steps + 1 : steps;
  switch (spacing) {
    case "linspace":
      return linspace(0, end - 1, points)
        .reverse()
        .slice(0, steps);
    case "leading": {
      const ratio = Math.floor(end / points);
      if (ratio < 1) throw invalid("steps", `an integer of which ${end} timesteps hold ${points}`, steps);
      return Array.from({ length: points }, (_, i) => (points - 1 - i) * ratio + offset).slice(0, steps);
    }
    case "trailing": {
      const ratio = trainSteps / steps;
      // Rounding can lift the quotient above the number of steps (61 of 1000, for instance), which would ask for one
      // more timestep, -1. diffusers does so; there is no such timestep.
      const count = Math.min(steps, Math.ceil(end / ratio));
      return descending(end, ratio, count).map((t) => roundHalfEven(t) - 1);
    }
    default:
      throw invalid("spacing", `one of ${TIMESTEP_SPACINGS.join(", ")}`, spacing);
  }
}

/** @throws InvalidArgumentError unless `steps` is an integer from 1 to `trainSteps` */
export function checkSteps(steps: number, trainSteps: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > trainSteps)
    throw invalid("steps", `an integer from 1 to ${trainSteps}`, steps);
}
