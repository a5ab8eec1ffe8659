import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { roundHalfEven } from "../schedule/linspace.js";
import { type NoiseSchedule, noiseLevel } from "../schedule/noise-schedule.js";
import { spacedTimesteps } from "../schedule/timesteps.js";
import { clampedDenoiser, type Denoiser } from "./denoiser.js";
import { type Move, type Plan, singleEvaluationPlan } from "./plan.js";
import { march, type RunOptions, requireNoise, type SampleRun, type Sampler } from "./sampler.js";
import { weightedSum } from "./weighted-sum.js";

export interface DdimOptions {
  /** 0: no noise on the way; 1: as much as DDPM. */
  readonly eta?: number;
  /** End at the clean picture; otherwise at the schedule's first timestep, as Stable Diffusion's files ask. */
  readonly setAlphaToOne?: boolean;
  /** Clamp the predicted x0 to ±this; null for none. */
  readonly clip?: number | null;
}

/** Denoising diffusion implicit models. */
export function ddim({ eta = 0, setAlphaToOne = true, clip = null }: DdimOptions = {}): Sampler {
  if (!(eta >= 0 && eta <= 1)) throw invalid("eta", "a number from 0 to 1", eta);
  return {
    plan: (schedule, steps) => planDdim(schedule, steps, { setAlphaToOne }),
    run: (denoise, x, options) =>
      sampleDdim(clip === null ? denoise : clampedDenoiser(denoise, clip), x, { ...options, eta }),
  };
}

/**
 * Each step leads `trainSteps / steps` (rounded down) timesteps back, whatever the next timestep is: diffusers' rule,
 * which other spacings than `leading` follow only nearly.
 */
export function planDdim(schedule: NoiseSchedule, steps: number, { setAlphaToOne }: { setAlphaToOne: boolean }): Plan {
  const { timestepSpacing: spacing, trainSteps, stepsOffset: offset } = schedule;
  const back = Math.floor(trainSteps / steps);
  const final = setAlphaToOne ? { alpha: 1, sigma: 0 } : noiseLevel(schedule, 0);
  const moves = spacedTimesteps({ spacing, steps, trainSteps, offset })
    .map(roundHalfEven)
    .map((timestep, index) => ({
      index,
      from: { timestep, ...noiseLevel(schedule, timestep) },
      to: timestep < back ? final : noiseLevel(schedule, timestep - back),
      order: 1,
    }));
  return singleEvaluationPlan(moves);
}

/** Song et al. 2021, "Denoising Diffusion Implicit Models", equations 12 and 16. */
export function sampleDdim(
  denoise: Denoiser,
  x: Tensor,
  { plan, noise, eta }: RunOptions & { eta: number },
): SampleRun {
  const draw = eta > 0 ? requireNoise(noise) : null;
  return march(x, plan.evaluations, (state, step) => {
    const { from, to } = plan.moves[step]!;
    const { x0, eps } = denoise(state.x, from);
    const { deviation, direction } = shares(plan.moves[step]!, eta);
    const terms: [number, Tensor][] = [
      [to.alpha, x0],
      [direction, eps],
    ];
    if (draw !== null && deviation > 0) terms.push([deviation, draw(step)]);
    return { x: weightedSum(terms), denoised: x0 };
  });
}

/**
 * What becomes of the noise in a step: `deviation` of it is new, `direction` of it is old (equation 16 and the factor of
 * equation 12). Rounded as in diffusers, whose difference of two equal variances shows at eta 1 and no signal.
 */
function shares({ from, to }: Move, eta: number): { deviation: number; direction: number } {
  const f = Math.fround;
  const [now, next] = [f(from.sigma ** 2), f(to.sigma ** 2)];
  const variance = f(f(next / now) * f(1 - f(from.alpha ** 2 / to.alpha ** 2)));
  const deviation = f(eta * f(Math.sqrt(variance)));
  return { deviation, direction: Math.sqrt(Math.max(0, next - f(deviation ** 2))) };
}
