import type { NoiseLevel } from "../schedule/noise-level.js";

/**
 * The exact solution of the probability-flow ODE between two noise levels when the network's answer m is constant:
 * `x_to = carry · x_from - gain · (e^h - 1) · m`. Solvers of higher order add terms in m's derivatives, with weights that
 * depend on h alone (Lu et al. 2022, "DPM-Solver", proposition 3.1, and "DPM-Solver++", proposition 4.1).
 */
export interface ExponentialStep {
  readonly carry: number;
  readonly gain: number;
  readonly h: number;
}

/** log(alpha / sigma), the time in which the ODE is linear; infinite without noise. */
export const lambdaOf = ({ alpha, sigma }: NoiseLevel): number => Math.log(alpha / sigma);

/** When the network's answer is taken as x0: h is negative, and `-Infinity` for a step that ends without noise. */
export function dataStep(from: NoiseLevel, to: NoiseLevel): ExponentialStep {
  return { carry: to.sigma / from.sigma, gain: to.alpha, h: lambdaOf(from) - lambdaOf(to) };
}

/** When the network's answer is taken as eps. */
export function noiseStep(from: NoiseLevel, to: NoiseLevel): ExponentialStep {
  return { carry: to.alpha / from.alpha, gain: to.sigma, h: lambdaOf(to) - lambdaOf(from) };
}
