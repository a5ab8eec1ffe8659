import { invalid } from "@stillframe/torch/errors";

/** How the noise variance grows over the training timesteps, by diffusers' names. */
export type BetaSchedule = "linear" | "scaled_linear" | "squaredcos_cap_v2";

export const BETA_SCHEDULES: readonly BetaSchedule[] = ["linear", "scaled_linear", "squaredcos_cap_v2"];

export interface BetaOptions {
  readonly schedule: BetaSchedule;
  /** First and last beta of the two linear schedules; the cosine schedule has none. */
  readonly betaStart: number;
  readonly betaEnd: number;
  /** Number of training timesteps. */
  readonly steps: number;
  /** Betas to use as they are, one for each training timestep. */
  readonly trained?: readonly number[] | null;
}

const MAX_COSINE_BETA = 0.999;

/**
 * Betas of the forward process, `[steps]`, in float32 arithmetic: every other constant is derived from these rounded
 * numbers, so that an engine in another language sees the same schedule.
 *
 * `linear` Ho et al. 2020; `scaled_linear` is linear in the square root (latent diffusion); `squaredcos_cap_v2`
 * Nichol and Dhariwal 2021, equation 17.
 *
 * @throws InvalidArgumentError when a beta is not between 0 and 1
 */
export function betas({ schedule, betaStart, betaEnd, steps, trained = null }: BetaOptions): Float32Array {
  if (!Number.isInteger(steps) || steps < 2) throw invalid("steps", "an integer of at least 2", steps);
  if (trained !== null) return trainedBetas(trained, steps);
  if (schedule === "squaredcos_cap_v2") return cosineBetas(steps);
  if (!(betaStart > 0 && betaStart < 1)) throw invalid("betaStart", "a number between 0 and 1", betaStart);
  if (!(betaEnd >= betaStart && betaEnd < 1)) throw invalid("betaEnd", "a number from betaStart to 1", betaEnd);
  if (schedule === "linear") return linspace32(betaStart, betaEnd, steps);
  if (schedule === "scaled_linear")
    return linspace32(Math.sqrt(betaStart), Math.sqrt(betaEnd), steps).map((root) => root * root);
  throw invalid("schedule", `one of ${BETA_SCHEDULES.join(", ")}`, schedule);
}

function trainedBetas(trained: readonly number[], steps: number): Float32Array {
  if (trained.length !== steps) throw invalid("trained", `${steps} betas`, `${trained.length} of them`);
  const wrong = trained.find((beta) => !(beta > 0 && beta < 1));
  if (wrong !== undefined) throw invalid("trained", "betas between 0 and 1", wrong);
  return Float32Array.from(trained);
}

function cosineBetas(steps: number): Float32Array {
  const alphaBar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float32Array.from({ length: steps }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / steps) / alphaBar(i / steps), MAX_COSINE_BETA),
  );
}

/** torch.linspace in float32: the lower half counts up from the start, the upper half down from the end. */
function linspace32(start: number, end: number, count: number): Float32Array {
  const f = Math.fround;
  const [first, last] = [f(start), f(end)];
  const step = f(f(last - first) / (count - 1));
  const half = Math.floor(count / 2);
  return Float32Array.from({ length: count }, (_, i) => (i < half ? first + step * i : last - step * (count - 1 - i)));
}

/** The share of signal left at each timestep, the running product of `1 - beta`: `[steps]`, each entry rounded once. */
export function alphasCumprod(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => {
    product *= Math.fround(1 - beta);
    return product;
  });
}

/**
 * Betas shifted and scaled so that the last timestep is pure noise and the first keeps its signal: `[steps]`, the last
 * beta is 1. Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1; in float32.
 */
export function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const f = Math.fround;
  const root = alphasCumprod(betas).map(Math.sqrt);
  const [first, last] = [root[0]!, root[root.length - 1]!];
  const scale = f(first / f(first - last));
  const shifted = root.map((a) => f(f(a - last) * scale)).map((a) => a * a);
  return shifted.map((a, i) => 1 - (i === 0 ? a : f(a / shifted[i - 1]!)));
}
