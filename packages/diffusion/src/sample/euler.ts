import type { Tensor } from "@stillframe/torch";
import { fractionalPath, type SigmaOptions } from "../schedule/sigma-path.js";
import type { Denoiser } from "./denoiser.js";
import { explodingStart, movesAlong, singleEvaluationPlan, varianceExploding } from "./plan.js";
import { march, type RunOptions, type SampleRun, type Sampler } from "./sampler.js";

/** Euler's method: one evaluation a step, no noise. SDXL's own sampler. */
export function euler(options: SigmaOptions = {}): Sampler {
  return {
    plan(schedule, steps) {
      const path = fractionalPath(schedule, steps, options);
      return singleEvaluationPlan(movesAlong(path, varianceExploding), explodingStart(schedule, path));
    },
    run: sampleEuler,
  };
}

/**
 * Karras et al. 2022, "Elucidating the Design Space of Diffusion-Based Generative Models", algorithm 1 without its
 * correction: with `alpha = 1` the slope `dx / dsigma` is `(x - x0) / sigma`.
 */
export function sampleEuler(denoise: Denoiser, x: Tensor, { plan }: RunOptions): SampleRun {
  return march(x, plan.evaluations, (state, step) => {
    const { from, to } = plan.moves[step]!;
    const { x0 } = denoise(state.x, from);
    const slope = state.x.sub(x0).div(from.sigma);
    return { x: state.x.add(slope.mul(to.sigma - from.sigma)), denoised: x0 };
  });
}
