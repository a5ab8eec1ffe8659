import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { type NoiseSchedule, noiseLevel } from "../schedule/noise-schedule.js";
import { checkSteps } from "../schedule/timesteps.js";
import { clampedDenoiser, type Denoiser } from "./denoiser.js";
import { type Plan, singleEvaluationPlan } from "./plan.js";
import { march, type RunOptions, requireNoise, type SampleRun, type Sampler } from "./sampler.js";
import { weightedSum } from "./weighted-sum.js";

export interface LcmOptions {
  /** Steps of the teacher that the model was distilled from; the sampler's timesteps are some of the teacher's. */
  readonly originalSteps?: number;
  /** Scale of the timestep in the boundary condition. */
  readonly timestepScaling?: number;
  /** Clamp the predicted x0 to ±this; null for none. */
  readonly clip?: number | null;
}

/** Latent consistency models: for networks distilled to go to the picture in few steps. */
export function lcm({ originalSteps = 50, timestepScaling = 10, clip = null }: LcmOptions = {}): Sampler {
  return {
    plan: (schedule, steps) => planLcm(schedule, steps, { originalSteps }),
    run: (denoise, x, options) =>
      sampleLcm(clip === null ? denoise : clampedDenoiser(denoise, clip), x, { ...options, timestepScaling }),
  };
}

/** `steps` of the teacher's timesteps, evenly by their place from the noisy end; the schedule's spacing has no say. */
export function planLcm(schedule: NoiseSchedule, steps: number, { originalSteps }: { originalSteps: number }): Plan {
  if (!Number.isInteger(originalSteps) || originalSteps < 1 || originalSteps > schedule.trainSteps)
    throw invalid("originalSteps", `an integer from 1 to ${schedule.trainSteps}`, originalSteps);
  checkSteps(steps, originalSteps);
  const stride = Math.floor(schedule.trainSteps / originalSteps);
  const skip = originalSteps / steps;
  const timesteps = Array.from({ length: steps }, (_, i) => (originalSteps - Math.floor(i * skip)) * stride - 1);
  const moves = timesteps.map((timestep, index) => {
    const next = timesteps[index + 1];
    return {
      index,
      from: { timestep, ...noiseLevel(schedule, timestep) },
      to: next === undefined ? { alpha: 1, sigma: 0 } : noiseLevel(schedule, next),
      order: 1,
    };
  });
  return singleEvaluationPlan(moves);
}

/** The deviation of the data that the boundary condition assumes: Song et al. 2023, "Consistency Models", appendix C. */
const SIGMA_DATA = 0.5;

/**
 * Luo et al. 2023, "Latent Consistency Models", multistep sampling: jump to the picture, then noise it to the next level.
 * The jump is `c_skip · x + c_out · x0`, which is x itself at timestep 0.
 */
export function sampleLcm(
  denoise: Denoiser,
  x: Tensor,
  { plan, noise, timestepScaling }: RunOptions & { timestepScaling: number },
): SampleRun {
  const draw = requireNoise(noise);
  return march(x, plan.evaluations, (state, step) => {
    const { from, to } = plan.moves[step]!;
    const scaled = from.timestep * timestepScaling;
    const square = scaled ** 2 + SIGMA_DATA ** 2;
    const denoised = weightedSum([
      [scaled / Math.sqrt(square), denoise(state.x, from).x0],
      [SIGMA_DATA ** 2 / square, state.x],
    ]);
    if (to.sigma === 0) return { x: denoised, denoised };
    return {
      x: weightedSum([
        [to.alpha, denoised],
        [to.sigma, draw(step)],
      ]),
      denoised,
    };
  });
}
