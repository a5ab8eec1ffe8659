import { ddim } from "./ddim.js";
import { ddpm } from "./ddpm.js";
import { type DpmSolverOptions, dpmSolver } from "./dpm-solver.js";
import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { heun } from "./heun.js";
import { lcm } from "./lcm.js";
import { unipc } from "./unipc.js";

/** Every sampler by the name that a user gives: a function from its settings to the sampler. */
export const samplers = {
  ddpm,
  ddim,
  euler,
  "euler-ancestral": eulerAncestral,
  heun,
  "dpmpp-2m": (options: DpmSolverOptions = {}) => dpmSolver({ algorithm: "dpmsolver++", ...options }),
  "dpmpp-2m-sde": (options: DpmSolverOptions = {}) => dpmSolver({ algorithm: "sde-dpmsolver++", ...options }),
  lcm,
  unipc,
} as const;

export type SamplerName = keyof typeof samplers;

export { type DdimOptions, ddim } from "./ddim.js";
export { type DdpmOptions, ddpm } from "./ddpm.js";
export { clampedDenoiser, type Denoised, type Denoiser, denoiser, type Network } from "./denoiser.js";
export { type DpmAlgorithm, type DpmSolverOptions, dpmSolver } from "./dpm-solver.js";
export { euler } from "./euler.js";
export { eulerAncestral } from "./euler-ancestral.js";
export { type DiffusersSampler, samplerFromDiffusers } from "./from-diffusers.js";
export { type HeunOptions, heun } from "./heun.js";
export { type LcmOptions, lcm } from "./lcm.js";
export { evaluationAt, type Move, type Plan, type Point, sigmasOf, skipMoves, timestepsOf } from "./plan.js";
export type { NoiseSource, RunOptions, SampleRun, Sampler, SampleStep } from "./sampler.js";
export { type SimulatedModel, type SimulationCase, simulate, type Trajectory } from "./simulate.js";
export { type UniPcOptions, unipc } from "./unipc.js";
