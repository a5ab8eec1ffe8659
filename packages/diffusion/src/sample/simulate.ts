import { scope, type Tensor } from "@stillframe/torch";
import type { SchedulerConfig } from "../schedule/scheduler-config.js";
import { denoiser } from "./denoiser.js";
import { samplerFromDiffusers } from "./from-diffusers.js";
import { sigmasOf, timestepsOf } from "./plan.js";
import type { NoiseSource } from "./sampler.js";

/** A diffusers scheduler with its configuration, and the inputs of one run. */
export interface SimulationCase {
  readonly className: string;
  readonly config: SchedulerConfig;
  readonly steps: number;
  /** Settings that diffusers takes with every step. */
  readonly stepOptions?: { readonly eta?: number };
  /** Noise of unit variance to start with, float32. */
  readonly start: Tensor;
  readonly noise?: NoiseSource;
}

/** A network that also hears how often it was asked before. */
export type SimulatedModel = (input: Tensor, at: { timestep: number; evaluation: number }) => Tensor;

/** Every state of a run. The tensors belong to the caller. */
export interface Trajectory {
  readonly timesteps: readonly number[];
  readonly sigmas: readonly number[];
  readonly initNoiseSigma: number;
  /** The scaled start, then the sample after each evaluation. */
  readonly states: readonly Tensor[];
  readonly denoised: readonly Tensor[];
}

/** Runs the sampler that a diffusers configuration stands for and keeps everything, to compare it number by number. */
export function simulate(spec: SimulationCase, model: SimulatedModel): Trajectory {
  const { schedule, sampler } = samplerFromDiffusers(spec.className, spec.config, spec.stepOptions);
  const plan = sampler.plan(schedule, spec.steps);
  let evaluation = 0;
  const denoise = denoiser((input, timestep) => model(input, { timestep, evaluation: evaluation++ }), schedule);
  return scope(() => {
    const start = spec.start.mul(plan.initNoiseSigma);
    const [states, denoised] = [[start], [] as Tensor[]];
    const options = spec.noise === undefined ? { plan } : { plan, noise: spec.noise };
    for (const step of sampler.run(denoise, start, options)) {
      states.push(step.x.clone());
      denoised.push(step.denoised.clone());
    }
    return {
      timesteps: timestepsOf(plan),
      sigmas: sigmasOf(plan),
      initNoiseSigma: plan.initNoiseSigma,
      states,
      denoised,
    };
  });
}
