import { invalid } from "@stillframe/torch/errors";
import type { NoiseLevel } from "../schedule/noise-level.js";
import type { NoiseSchedule } from "../schedule/noise-schedule.js";
import type { SigmaPath } from "../schedule/sigma-path.js";

/** A point of the process, where the network can be asked: `x = alpha · x0 + sigma · eps`. */
export interface Point extends NoiseLevel {
  /** As the network is told it. */
  readonly timestep: number;
}

/** One step of a sampler. */
export interface Move {
  /** Its place in the whole plan, also when the plan was cut. */
  readonly index: number;
  readonly from: Point;
  readonly to: NoiseLevel;
  /** The highest order that a multistep solver may use in this step. */
  readonly order: number;
}

/** The way from noise to picture. Made before the first step, of numbers alone. */
export interface Plan {
  readonly moves: readonly Move[];
  /** The points where the network is evaluated, one for each step that the sampler yields. */
  readonly evaluations: readonly Point[];
  /** The standard deviation of the noise to start with. */
  readonly initNoiseSigma: number;
}

/** The timestep of each network evaluation. */
export const timestepsOf = (plan: Plan): number[] => plan.evaluations.map((point) => point.timestep);

/** The noise-to-signal ratio at each network evaluation, and where the last move ends: one more than timesteps. */
export function sigmasOf({ evaluations, moves }: Plan): number[] {
  return [...evaluations, moves[moves.length - 1]!.to].map(({ alpha, sigma }) => sigma / alpha);
}

/**
 * The evaluation at this timestep, to noise a picture as diffusers' `add_noise` does: of several at one timestep the
 * second. Fractional timesteps may differ in their last digits.
 *
 * @throws InvalidArgumentError when no evaluation is within 0.01 of it
 */
export function evaluationAt({ evaluations }: Plan, timestep: number): Point {
  const [first, second] = evaluations.filter((point) => Math.abs(point.timestep - timestep) < 0.01);
  const found = second ?? first;
  if (found === undefined) throw invalid("timestep", "a timestep of the plan", timestep);
  return found;
}

/**
 * The plan without its first `moves` moves, to start from a noised picture: noise it to the level of the first
 * move that is left (`addNoise` with `moves[0].from`).
 */
export function skipMoves(plan: Plan, moves: number): Plan {
  const { length } = plan.moves;
  if (!Number.isInteger(moves) || moves < 0 || moves >= length)
    throw invalid("moves", `an integer from 0 to ${length - 1}`, moves);
  const perMove = Math.ceil(plan.evaluations.length / length);
  return { ...plan, moves: plan.moves.slice(moves), evaluations: plan.evaluations.slice(moves * perMove) };
}

/** Moves along a path, each ending where the next begins, with the levels that `levelOf` gives to the ratios. */
export function movesAlong({ timesteps, sigmas }: SigmaPath, levelOf: (sigma: number) => NoiseLevel): Move[] {
  return timesteps.map((timestep, index) => ({
    index,
    from: { timestep, ...levelOf(sigmas[index]!) },
    to: levelOf(sigmas[index + 1]!),
    order: 1,
  }));
}

/** The signal keeps its size and noise is added: `alpha = 1`. */
export const varianceExploding = (sigma: number): NoiseLevel => ({ alpha: 1, sigma });

/** Signal gives way to noise: `alpha² + sigma² = 1` at this noise-to-signal ratio. */
export function variancePreserving(ratio: number): NoiseLevel {
  const alpha = 1 / Math.sqrt(ratio * ratio + 1);
  return { alpha, sigma: ratio * alpha };
}

/** A plan in which the network is evaluated once a move. */
export function singleEvaluationPlan(moves: readonly Move[], initNoiseSigma = 1): Plan {
  return { moves, evaluations: moves.map((move) => move.from), initNoiseSigma };
}

/**
 * The starting noise of the variance-exploding samplers. `leading` spacing starts below the highest timestep, so the
 * start holds as much as a picture at that level would: its own unit variance too.
 */
export function explodingStart(schedule: NoiseSchedule, { sigmas }: SigmaPath): number {
  const max = Math.max(...sigmas);
  return schedule.timestepSpacing === "leading" ? Math.sqrt(max * max + 1) : max;
}
