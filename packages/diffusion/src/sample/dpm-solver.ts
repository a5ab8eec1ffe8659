import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import type { NoiseSchedule } from "../schedule/noise-schedule.js";
import { type IntegerPathOptions, integerPath } from "../schedule/sigma-path.js";
import type { Denoiser } from "./denoiser.js";
import { dataStep, type ExponentialStep, lambdaOf, noiseStep } from "./exponential-step.js";
import { type Move, movesAlong, type Plan, singleEvaluationPlan, variancePreserving } from "./plan.js";
import { march, type RunOptions, requireNoise, type SampleRun, type Sampler } from "./sampler.js";
import { type Term, weightedSum } from "./weighted-sum.js";

/** What is held constant in a step (x0 with `++`, else eps), and whether noise is added, by diffusers' names. */
export type DpmAlgorithm = "dpmsolver++" | "sde-dpmsolver++" | "dpmsolver" | "sde-dpmsolver";

export const DPM_ALGORITHMS: readonly DpmAlgorithm[] = ["dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"];

export interface DpmSolverOptions extends Omit<IntegerPathOptions, "finalOfNew"> {
  readonly algorithm?: DpmAlgorithm;
  /** How many evaluations a step draws on. */
  readonly order?: 1 | 2 | 3;
  /** How the second order weighs the slope: to the first order in h, or exactly. */
  readonly solverType?: "midpoint" | "heun";
  /** Lower the order towards the end of runs of fewer than 15 steps, which is more stable. */
  readonly lowerOrderFinal?: boolean;
  /** Take the last step with order 1. */
  readonly eulerAtFinal?: boolean;
}

/** Runs shorter than this lower their order at the end. */
const SHORT_RUN = 15;

/** The multistep DPM-Solver family; as it stands, DPM++ 2M. */
export function dpmSolver(options: DpmSolverOptions = {}): Sampler {
  const { algorithm = "dpmsolver++", order = 2, solverType = "midpoint", finalSigma = "zero" } = options;
  if (!algorithm.endsWith("++") && finalSigma === "zero")
    throw invalid("finalSigma", `sigma_min (${algorithm} cannot end without noise)`, finalSigma);
  if (algorithm === "sde-dpmsolver" && order === 3) throw invalid("order", "1 or 2 for sde-dpmsolver", order);
  if (![1, 2, 3].includes(order)) throw invalid("order", "1, 2 or 3", order);
  return {
    plan: (schedule, steps) => planDpmSolver(schedule, steps, options),
    run: (denoise, x, run) => sampleDpmSolver(denoise, x, { ...run, algorithm, solverType }),
  };
}

export function planDpmSolver(schedule: NoiseSchedule, steps: number, options: DpmSolverOptions = {}): Plan {
  const { order = 2, lowerOrderFinal = true, eulerAtFinal = false, finalSigma = "zero" } = options;
  const moves = movesAlong(integerPath(schedule, steps, options), variancePreserving);
  const lowered = lowerOrderFinal && moves.length < SHORT_RUN;
  const cap = ({ index }: Move): number => {
    const left = moves.length - index;
    if (left === 1 && (eulerAtFinal || lowered || finalSigma === "zero")) return 1;
    return left === 2 && lowered ? Math.min(order, 2) : order;
  };
  return singleEvaluationPlan(moves.map((move) => ({ ...move, order: cap(move) })));
}

/**
 * Lu et al. 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", algorithm 2 (2M), with
 * its extensions to the third order and to the SDE; "DPM-Solver" for the algorithms that hold eps. Memory: the last
 * answers of the network, newest first.
 */
export function sampleDpmSolver(
  denoise: Denoiser,
  x: Tensor,
  { plan, noise, algorithm, solverType }: RunOptions & { algorithm: DpmAlgorithm; solverType: "midpoint" | "heun" },
): SampleRun {
  const draw = algorithm.startsWith("sde") ? requireNoise(noise) : null;
  const holdsData = algorithm.endsWith("++");
  return march(x, plan.evaluations, (state, step) => {
    const move = plan.moves[step]!;
    const { x0, eps } = denoise(state.x, move.from);
    const answers = [holdsData ? x0 : eps, ...state.memory];
    const order = Math.min(move.order, step + 1);
    const { carry, gain, h, deviation } = stepOf(algorithm, move);
    const terms: Term[] = [[carry, state.x]];
    const lambdas = [move.to, ...recent(plan.moves, step, order)].map(lambdaOf);
    const weights = answerWeights(h, lambdas, { solverType, offset: algorithm === "sde-dpmsolver++" ? -0.5 : 0.5 });
    for (const [i, weight] of weights.entries()) terms.push([-gain * weight, answers[i]!]);
    if (draw !== null && deviation > 0) terms.push([deviation, draw(step)]);
    return { x: weightedSum(terms), denoised: x0, memory: answers.slice(0, 2) };
  });
}

/** The SDE's step shrinks the sample further and makes up for it with noise of this deviation. */
function stepOf(algorithm: DpmAlgorithm, { from, to }: Move): ExponentialStep & { deviation: number } {
  if (algorithm === "dpmsolver++") return { ...dataStep(from, to), deviation: 0 };
  if (algorithm === "dpmsolver") return { ...noiseStep(from, to), deviation: 0 };
  if (algorithm === "sde-dpmsolver++") {
    const { carry, gain, h } = dataStep(from, to);
    return { carry: carry * Math.exp(h), gain, h: 2 * h, deviation: to.sigma * Math.sqrt(-Math.expm1(2 * h)) };
  }
  if (algorithm === "sde-dpmsolver") {
    const { carry, gain, h } = noiseStep(from, to);
    return { carry, gain: 2 * gain, h, deviation: to.sigma * Math.sqrt(Math.expm1(2 * h)) };
  }
  throw invalid("algorithm", `one of ${DPM_ALGORITHMS.join(", ")}`, algorithm);
}

/** Where the last `count` evaluations up to this step were made, newest first. */
const recent = (moves: readonly Move[], step: number, count: number) =>
  moves
    .slice(step + 1 - count, step + 1)
    .map((move) => move.from)
    .reverse();

/**
 * Weights of the network's last answers, newest first: the integral of the polynomial through them against e^h.
 * `lambdas` holds the end of the step, then the places of the answers.
 */
function answerWeights(
  h: number,
  lambdas: readonly number[],
  { solverType, offset }: { solverType: "midpoint" | "heun"; offset: number },
): number[] {
  const first = Math.expm1(h);
  const [span, ...earlier] = lambdas.slice(1).map((lambda, i) => lambdas[i]! - lambda);
  // A step of no length changes nothing, and the ratios have no value.
  if (earlier.length === 0 || h === 0) return [first];
  const [r0, r1] = earlier.map((s) => s / span!);
  const second = first / h - 1;
  if (r1 === undefined) {
    const slope = (solverType === "midpoint" ? first / 2 : second) / r0!;
    return [first + slope, -slope];
  }
  // diffusers subtracts 1/2 in the ODE, where the term then vanishes with h, and adds it in the SDE, where it does not.
  const third = (first - h) / h ** 2 - offset;
  const newer = (second * (2 * r0! + r1) + third) / (r0! + r1) / r0!;
  const older = (second * r0! + third) / (r0! + r1) / r1;
  return [first + newer, -newer - older, older];
}
