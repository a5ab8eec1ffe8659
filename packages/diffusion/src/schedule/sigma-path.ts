import { invalid } from "@stillframe/torch/errors";
import { roundHalfEven } from "./linspace.js";
import type { NoiseSchedule } from "./noise-schedule.js";
import {
  betaSigmas,
  exponentialSigmas,
  karrasSigmas,
  log32,
  type SigmaRange,
  sigmaAt,
  sigmaTable,
  timestepAt,
} from "./sigmas.js";
import { spacedTimesteps } from "./timesteps.js";

/** Noise-to-signal ratios on the way from noise to picture, and the timestep at each of them. */
export interface SigmaPath {
  /** Where the network is evaluated: `[n]`. */
  readonly timesteps: readonly number[];
  /** `[n + 1]`, float32: the ratio at each timestep, then where the last step ends. */
  readonly sigmas: readonly number[];
}

/** How the ratios are spaced: as the schedule has them at the spaced timesteps, or anew between the same ends. */
export type SigmaSpacing = "schedule" | "karras" | "exponential" | "beta";

export interface SigmaOptions {
  readonly sigmas?: SigmaSpacing;
  /** Ends of a new spacing; the schedule's when absent or null. */
  readonly sigmaMin?: number | null;
  readonly sigmaMax?: number | null;
  /** Where the last step ends: without noise, or at the least noise of the schedule. */
  readonly finalSigma?: "zero" | "sigma_min";
}

/**
 * Ratios at fractional timesteps, as diffusers' Euler and Heun schedulers have them. A new spacing lies between the
 * ratios of the first and the last spaced timestep.
 */
export function fractionalPath(schedule: NoiseSchedule, steps: number, options: SigmaOptions = {}): SigmaPath {
  const { sigmas: spacing = "schedule", finalSigma = "zero" } = options;
  const table = sigmaTable(schedule);
  const timesteps = spacedTimesteps({ ...spacingOf(schedule), steps }).map(Math.fround);
  const sigmas = timesteps.map((t) => sigmaAt(table, t));
  const final = finalSigma === "zero" ? 0 : table[0]!;
  if (spacing === "schedule") return path(timesteps, [...sigmas, final]);
  const anew = respaced(spacing, rangeOf(options, { max: sigmas[0]!, min: sigmas[steps - 1]! }), steps);
  return path(
    anew.map((sigma) => Math.fround(timestepAt(table, sigma))),
    [...anew, final],
  );
}

export interface IntegerPathOptions extends SigmaOptions {
  /** What becomes of the fractional timesteps of a new spacing. */
  readonly fractions?: "round" | "cut";
  /** Where the last step of a new spacing ends with `finalSigma: "sigma_min"`: at the schedule's or at its own least. */
  readonly finalOfNew?: "schedule" | "own";
  /** Leave out the timesteps where log(alpha / sigma) is below this. */
  readonly lambdaMin?: number;
}

/**
 * Ratios at integer timesteps, as diffusers' multistep solvers have them. A new spacing lies between the ratios of the
 * first and the last training timestep.
 */
export function integerPath(schedule: NoiseSchedule, steps: number, options: IntegerPathOptions = {}): SigmaPath {
  const { sigmas: spacing = "schedule", finalSigma = "zero", fractions = "round", finalOfNew = "schedule" } = options;
  const table = sigmaTable(schedule);
  const end = table.length - clipped(table, options.lambdaMin ?? Number.NEGATIVE_INFINITY);
  const timesteps = spacedTimesteps({ ...spacingOf(schedule), steps, dropLast: true, end }).map(roundHalfEven);
  const final = finalSigma === "zero" ? 0 : table[0]!;
  if (spacing === "schedule") return path(timesteps, [...timesteps.map((t) => sigmaAt(table, t)), final]);
  const anew = respaced(spacing, rangeOf(options, { max: table[table.length - 1]!, min: table[0]! }), steps);
  const whole = fractions === "round" ? roundHalfEven : Math.trunc;
  return path(
    anew.map((sigma) => whole(timestepAt(table, sigma))),
    [...anew, finalSigma === "sigma_min" && finalOfNew === "own" ? anew[steps - 1]! : final],
  );
}

const path = (timesteps: number[], sigmas: number[]): SigmaPath => ({ timesteps, sigmas: sigmas.map(Math.fround) });

const spacingOf = ({ timestepSpacing, trainSteps, stepsOffset }: NoiseSchedule) => ({
  spacing: timestepSpacing,
  trainSteps,
  offset: stepsOffset,
});

function respaced(spacing: SigmaSpacing, range: SigmaRange, count: number): number[] {
  if (spacing === "karras") return karrasSigmas(range, count);
  if (spacing === "exponential") return exponentialSigmas(range, count);
  if (spacing === "beta") return betaSigmas(range, count);
  throw invalid("sigmas", "one of schedule, karras, exponential, beta", spacing);
}

function rangeOf({ sigmaMin, sigmaMax }: SigmaOptions, own: SigmaRange): SigmaRange {
  const range = { max: sigmaMax ?? own.max, min: sigmaMin ?? own.min };
  if (!(range.min > 0)) throw invalid("sigmaMin", "a number above 0", range.min);
  if (!(range.max >= range.min)) throw invalid("sigmaMax", `a number of at least ${range.min}`, range.max);
  return range;
}

/** How many timesteps at the noisy end have less log(alpha / sigma) than `lambdaMin`. */
function clipped(table: Float32Array, lambdaMin: number): number {
  return table.filter((sigma) => -log32(sigma) < lambdaMin).length;
}
