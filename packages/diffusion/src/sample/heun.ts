import type { Tensor } from "@stillframe/torch";
import { fractionalPath, type SigmaOptions } from "../schedule/sigma-path.js";
import { clampedDenoiser, type Denoiser } from "./denoiser.js";
import { explodingStart, type Move, movesAlong, type Point, varianceExploding } from "./plan.js";
import { march, type RunOptions, type SampleRun, type Sampler } from "./sampler.js";

export interface HeunOptions extends Omit<SigmaOptions, "finalSigma"> {
  /** Clamp the predicted x0 to ±this; null for none. */
  readonly clip?: number | null;
}

/** Heun's method: two evaluations a step, one in the last; `n` steps yield `2n - 1` times. */
export function heun({ clip = null, ...options }: HeunOptions = {}): Sampler {
  return {
    plan(schedule, steps) {
      const path = fractionalPath(schedule, steps, options);
      const moves = movesAlong(path, varianceExploding);
      return { moves, evaluations: evaluationsOf(moves), initNoiseSigma: explodingStart(schedule, path) };
    },
    run: (denoise, x, run) => sampleHeun(clip === null ? denoise : clampedDenoiser(denoise, clip), x, run),
  };
}

/** Where each move begins and, but for the last, where it ends. */
const evaluationsOf = (moves: readonly Move[]): Point[] =>
  moves.flatMap(({ from }, i) => (i + 1 < moves.length ? [from, moves[i + 1]!.from] : [from]));

/**
 * Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", algorithm 1: an Euler step,
 * then the same step again with the mean of the slopes at both of its ends.
 */
export function sampleHeun(denoise: Denoiser, x: Tensor, { plan }: RunOptions): SampleRun {
  return march(x, plan.evaluations, (state, step) => {
    const { from, to } = plan.moves[Math.floor(step / 2)]!;
    const point = plan.evaluations[step]!;
    const { x0 } = denoise(state.x, point);
    const slope = state.x.sub(x0).div(point.sigma);
    const [start, startSlope] = state.memory;
    if (start === undefined || startSlope === undefined)
      return { x: state.x.add(slope.mul(to.sigma - from.sigma)), denoised: x0, memory: [state.x, slope] };
    return { x: start.add(startSlope.add(slope).mul((to.sigma - from.sigma) / 2)), denoised: x0 };
  });
}
