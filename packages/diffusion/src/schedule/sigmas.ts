import { symmetricBetaQuantile } from "./beta-quantile.js";
import { linspace } from "./linspace.js";
import type { NoiseSchedule } from "./noise-schedule.js";

/** With a zero terminal SNR the noise-to-signal ratio is infinite at the end; diffusers stops at this share of signal. */
const LEAST_SIGNAL = 2 ** -24;

/** Karras et al. 2022, section 3: steps are short where the noise is low. */
const KARRAS_RHO = 7;

/** Lee et al. 2024, "Beta Sampling is All You Need": steps are short where the noise is high and where it is low. */
const BETA_SHAPE = 0.6;

/** The noise-to-signal ratio `sqrt((1 - a) / a)` of every training timestep: `[trainSteps]`, in float32, rising. */
export function sigmaTable(schedule: NoiseSchedule): Float32Array {
  const f = Math.fround;
  const signal = Float32Array.from(schedule.alphasCumprod);
  if (schedule.zeroTerminalSnr) signal[signal.length - 1] = LEAST_SIGNAL;
  return signal.map((a) => Math.sqrt(f(f(1 - a) / a)));
}

/** The noise-to-signal ratio at any timestep, linear between two training timesteps and constant outside. */
export function sigmaAt(table: Float32Array, timestep: number): number {
  const last = table.length - 1;
  if (timestep >= last) return table[last]!;
  const low = Math.max(0, Math.floor(timestep));
  const [a, b] = [table[low]!, table[low + 1]!];
  return (b - a) * (Math.max(0, timestep) - low) + a;
}

/**
 * The timestep at which the schedule has this noise-to-signal ratio, linear in its logarithm between two training
 * timesteps and constant outside. The inverse of the table, not of `sigmaAt`, which is linear in sigma itself.
 */
export function timestepAt(table: Float32Array, sigma: number): number {
  // The logarithms of the table are rounded to float32: solvers that cut the timestep to an integer depend on it.
  const wanted = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  for (let high = table.length; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if (wanted >= log32(table[middle]!)) low = middle;
    else high = middle;
  }
  low = Math.min(low, table.length - 2);
  const [a, b] = [log32(table[low]!), log32(table[low + 1]!)];
  const share = Math.min(1, Math.max(0, (a - wanted) / Math.fround(a - b)));
  return (1 - share) * low + share * (low + 1);
}

/** The natural logarithm in float32. */
export const log32 = (value: number): number => Math.fround(Math.log(value));

/** A stretch of noise-to-signal ratios, `max` first. */
export interface SigmaRange {
  readonly max: number;
  readonly min: number;
}

/** `count` ratios that fall evenly in the seventh root: Karras et al. 2022, equation 5. */
export function karrasSigmas({ max, min }: SigmaRange, count: number): number[] {
  const [high, low] = [max ** (1 / KARRAS_RHO), min ** (1 / KARRAS_RHO)];
  return linspace(0, 1, count).map((ramp) => (high + ramp * (low - high)) ** KARRAS_RHO);
}

/** `count` ratios that fall evenly in the logarithm. */
export function exponentialSigmas({ max, min }: SigmaRange, count: number): number[] {
  return linspace(Math.log(max), Math.log(min), count).map(Math.exp);
}

/** `count` ratios at the quantiles of a beta distribution between the ends. */
export function betaSigmas({ max, min }: SigmaRange, count: number): number[] {
  return linspace(0, 1, count).map((share) => min + symmetricBetaQuantile(1 - share, BETA_SHAPE) * (max - min));
}
