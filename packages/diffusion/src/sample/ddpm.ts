import type { Tensor } from "@stillframe/torch";
import { roundHalfEven } from "../schedule/linspace.js";
import { type NoiseSchedule, noiseLevel } from "../schedule/noise-schedule.js";
import { spacedTimesteps } from "../schedule/timesteps.js";
import { clampedDenoiser, type Denoiser } from "./denoiser.js";
import { type Move, type Plan, singleEvaluationPlan } from "./plan.js";
import { march, type RunOptions, requireNoise, type SampleRun, type Sampler } from "./sampler.js";
import { weightedSum } from "./weighted-sum.js";

export interface DdpmOptions {
  /** The variance of a step: of the posterior (`fixed_small`) or of the forward process (`fixed_large`). */
  readonly variance?: "fixed_small" | "fixed_large";
  /** Clamp the predicted x0 to ±this; null for none. */
  readonly clip?: number | null;
}

/** Ancestral sampling of the forward process in reverse. */
export function ddpm({ variance = "fixed_small", clip = null }: DdpmOptions = {}): Sampler {
  return {
    plan: planDdpm,
    run: (denoise, x, options) =>
      sampleDdpm(clip === null ? denoise : clampedDenoiser(denoise, clip), x, { ...options, variance }),
  };
}

/** Each step leads to the next timestep, the last one to the clean picture. */
export function planDdpm(schedule: NoiseSchedule, steps: number): Plan {
  const { timestepSpacing: spacing, trainSteps, stepsOffset: offset } = schedule;
  const timesteps = spacedTimesteps({ spacing, steps, trainSteps, offset }).map(roundHalfEven);
  const clean = { alpha: 1, sigma: 0 };
  const moves = timesteps.map((timestep, index) => {
    const next = timesteps[index + 1];
    return {
      index,
      from: { timestep, ...noiseLevel(schedule, timestep) },
      to: next === undefined ? clean : noiseLevel(schedule, next),
      order: 1,
    };
  });
  return singleEvaluationPlan(moves);
}

/**
 * Ho et al. 2020, "Denoising Diffusion Probabilistic Models", algorithm 2, with the posterior mean of equation 7 between
 * any two timesteps.
 */
export function sampleDdpm(
  denoise: Denoiser,
  x: Tensor,
  { plan, noise, variance }: RunOptions & { variance: "fixed_small" | "fixed_large" },
): SampleRun {
  const draw = requireNoise(noise);
  return march(x, plan.evaluations, (state, step) => {
    const move = plan.moves[step]!;
    const { from, to } = move;
    const { x0 } = denoise(state.x, from);
    const { signal, beta } = forwardStep(move);
    const deviation = from.timestep === 0 ? 0 : Math.sqrt(variance === "fixed_large" ? beta : posterior(move));
    const terms: [number, Tensor][] = [
      [(to.alpha * beta) / from.sigma ** 2, x0],
      [(Math.sqrt(signal) * to.sigma ** 2) / from.sigma ** 2, state.x],
    ];
    if (deviation > 0) terms.push([deviation, draw(step)]);
    return { x: weightedSum(terms), denoised: x0 };
  });
}

/**
 * The share of signal that the forward process keeps from `to` to `from`, and the variance that it adds. The share is
 * rounded to float32 as in diffusers: between neighbouring timesteps the variance is what the rounding leaves of it.
 */
function forwardStep({ from, to }: Move): { signal: number; beta: number } {
  const signal = Math.fround(from.alpha ** 2 / to.alpha ** 2);
  return { signal, beta: 1 - signal };
}

/** Equation 7's variance of the sample at `to`, given the sample at `from` and x0. */
function posterior(move: Move): number {
  return (move.to.sigma ** 2 / move.from.sigma ** 2) * forwardStep(move).beta;
}
