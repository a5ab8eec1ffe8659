import { noGrad, scope, type Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import type { NoiseSchedule } from "../schedule/noise-schedule.js";
import type { Denoiser } from "./denoiser.js";
import type { Plan, Point } from "./plan.js";

/** What a sampler shows after each network evaluation. Its tensors are freed when the sampler goes on: clone to keep. */
export interface SampleStep {
  /** Counts the evaluations of this run from 0. */
  readonly step: number;
  readonly timestep: number;
  /** Of the point where the network was evaluated. */
  readonly sigma: number;
  /** The sample after the step: `[b, ...]`, float32. */
  readonly x: Tensor;
  /** The picture that the network sees in the sample before the step: `[b, ...]`, float32. */
  readonly denoised: Tensor;
}

/** Yields after every network evaluation; returns the final sample, which belongs to the caller. */
export type SampleRun = Generator<SampleStep, Tensor, void>;

/** Fresh standard normal noise of the sample's shape for a step; the sampler does not free it. */
export type NoiseSource = (step: number) => Tensor;

export interface RunOptions {
  readonly plan: Plan;
  /** Needed by the samplers that add noise on the way. */
  readonly noise?: NoiseSource;
}

/** A sampling algorithm with its settings. */
export interface Sampler {
  /** @throws InvalidArgumentError when the schedule does not have that many steps */
  plan(schedule: NoiseSchedule, steps: number): Plan;
  /** From starting noise `x` (float32, `initNoiseSigma` times unit noise), which stays the caller's. */
  run(denoise: Denoiser, x: Tensor, options: RunOptions): SampleRun;
}

/** A sampler's state between two evaluations. */
export interface SampleState {
  readonly x: Tensor;
  /** What a multistep sampler remembers of earlier evaluations. */
  readonly memory: readonly Tensor[];
}

/** What one evaluation leads to. */
export interface Advance {
  readonly x: Tensor;
  readonly denoised: Tensor;
  readonly memory?: readonly Tensor[];
}

/**
 * Runs `advance` over the points, each in a scope of its own and without gradients, and frees what is no longer needed,
 * also when the caller leaves the loop.
 */
export function* march(
  x: Tensor,
  points: readonly Point[],
  advance: (state: SampleState, step: number) => Advance,
): SampleRun {
  if (x.dtype !== "float32") throw invalid("x", "a float32 tensor", x.dtype);
  let state: SampleState = { x, memory: [] };
  let owned = new Set<Tensor>();
  try {
    for (const [step, { timestep, sigma }] of points.entries()) {
      const next = scope(() => noGrad(() => advance(state, step)));
      const kept = new Set([next.x, next.denoised, ...(next.memory ?? [])]);
      kept.delete(x);
      for (const tensor of owned) if (!kept.has(tensor)) tensor.dispose();
      owned = kept;
      state = { x: next.x, memory: next.memory ?? [] };
      yield { step, timestep, sigma, x: next.x, denoised: next.denoised };
    }
    owned.delete(state.x);
    return state.x;
  } finally {
    for (const tensor of owned) tensor.dispose();
  }
}

/** @throws InvalidArgumentError when a sampler that adds noise was given none */
export function requireNoise(noise: NoiseSource | undefined): NoiseSource {
  if (noise === undefined) throw invalid("noise", "a function from step to tensor", noise);
  return noise;
}
