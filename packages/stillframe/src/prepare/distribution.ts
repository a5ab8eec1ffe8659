import { median } from "../train/captions.js";

export interface Range {
  least: number;
  median: number;
  most: number;
}

/** Least, middle and most; zeros of none. */
export function rangeOf(numbers: readonly number[]): Range {
  const bound = (choose: (a: number, b: number) => number) =>
    numbers.length === 0 ? 0 : numbers.reduce((a, b) => choose(a, b));
  return { least: bound(Math.min), median: median(numbers), most: bound(Math.max) };
}

/** An interval, its end excluded but for the last, and how many values lie in it. */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Numbers in about `bins` equal intervals, whose length is 1, 2 or 5 times a power of ten. */
export function histogramOf(numbers: readonly number[], bins: number): Bin[] {
  if (numbers.length === 0) return [];
  const { least, most } = rangeOf(numbers);
  const step = roundStep((most - least) / bins);
  const first = Math.floor(least / step);
  const count = Math.max(1, Math.ceil(most / step) - first + (most % step === 0 && most === least ? 1 : 0));
  const counts = new Array<number>(count).fill(0);
  for (const n of numbers) {
    const i = Math.min(count - 1, Math.floor(n / step) - first);
    counts[i] = (counts[i] as number) + 1;
  }
  return counts.map((c, i) => ({ from: (first + i) * step, to: (first + i + 1) * step, count: c }));
}

/** The number of 1, 2 or 5 times a power of ten that is not below `least`; 1 for 0. */
export function roundStep(least: number): number {
  if (!(least > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((f) => f * power >= least * (1 - 1e-9)) as number;
  return factor * power;
}

/** Of fewer numbers nothing can be said of their spread. */
const LEAST_NUMBERS = 8;

/**
 * Which of some positive numbers are far below the others: less than a quarter of the median, and 2.5 standard deviations
 * below it on a logarithmic scale. The deviation is estimated from the median distance (Hampel 1974), which the low ones
 * themselves do not move. None of fewer than eight is.
 */
export function farBelow(numbers: readonly number[]): boolean[] {
  if (numbers.length < LEAST_NUMBERS) return numbers.map(() => false);
  const logs = numbers.map((n) => Math.log(Math.max(n, 1e-12)));
  const middle = median(logs);
  const deviation = 1.4826 * median(logs.map((l) => Math.abs(l - middle)));
  const limit = middle - Math.max(2.5 * deviation, Math.log(4));
  return logs.map((l) => l < limit);
}
