import type { Tensor } from "@stillframe/torch";
import { fractionalPath } from "../schedule/sigma-path.js";
import type { Denoiser } from "./denoiser.js";
import { explodingStart, movesAlong, singleEvaluationPlan, varianceExploding } from "./plan.js";
import { march, type RunOptions, requireNoise, type SampleRun, type Sampler } from "./sampler.js";

/** Euler's method with fresh noise in every step. */
export function eulerAncestral(): Sampler {
  return {
    plan(schedule, steps) {
      const path = fractionalPath(schedule, steps);
      return singleEvaluationPlan(movesAlong(path, varianceExploding), explodingStart(schedule, path));
    },
    run: sampleEulerAncestral,
  };
}

/**
 * Each step goes down to less noise than wanted and adds the rest anew, in the shares of DDPM's posterior (Ho et al.
 * 2020, equation 7) with `alpha = 1`: `up² = to² (from² - to²) / from²`, `down² = to² - up²`.
 */
export function sampleEulerAncestral(denoise: Denoiser, x: Tensor, { plan, noise }: RunOptions): SampleRun {
  const draw = requireNoise(noise);
  return march(x, plan.evaluations, (state, step) => {
    const { from, to } = plan.moves[step]!;
    const { x0 } = denoise(state.x, from);
    const slope = state.x.sub(x0).div(from.sigma);
    const { up, down } = shares(from.sigma, to.sigma);
    const lower = state.x.add(slope.mul(down - from.sigma));
    return { x: up > 0 ? lower.add(draw(step).mul(up)) : lower, denoised: x0 };
  });
}

/** In float32 and diffusers' order: from the start of a zero terminal SNR, 4096, the rounding reaches the picture. */
function shares(from: number, to: number): { up: number; down: number } {
  const f = Math.fround;
  const square = f(to * to);
  const up = f(Math.sqrt(f(f(square * f(f(from * from) - square)) / f(from * from))));
  return { up, down: f(Math.sqrt(f(square - f(up * up)))) };
}
