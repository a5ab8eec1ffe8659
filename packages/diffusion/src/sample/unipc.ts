import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import type { NoiseLevel } from "../schedule/noise-level.js";
import type { NoiseSchedule } from "../schedule/noise-schedule.js";
import { integerPath, type SigmaOptions } from "../schedule/sigma-path.js";
import type { Denoiser } from "./denoiser.js";
import { dataStep, lambdaOf, noiseStep } from "./exponential-step.js";
import { movesAlong, type Plan, singleEvaluationPlan, variancePreserving } from "./plan.js";
import { march, type RunOptions, type SampleRun, type Sampler } from "./sampler.js";
import { type Term, weightedSum } from "./weighted-sum.js";

export interface UniPcOptions extends SigmaOptions {
  /** How many evaluations a step draws on. */
  readonly order?: number;
  /** The paper's B(h): h, or e^h - 1. */
  readonly solverType?: "bh1" | "bh2";
  /** Lower the order in the last steps; a run that ends without noise needs it. */
  readonly lowerOrderFinal?: boolean;
  /** Hold x0 constant in a step, or else eps. */
  readonly predictX0?: boolean;
  /** Steps after which the sample is not corrected, counted from 0. */
  readonly disableCorrector?: readonly number[];
}

type Settings = Required<Pick<UniPcOptions, "solverType" | "predictX0" | "disableCorrector">>;

const MAX_ORDER = 3;

/** The unified predictor-corrector; the corrector uses the evaluation that the next step needs anyway. */
export function unipc(options: UniPcOptions = {}): Sampler {
  const { order = 2, lowerOrderFinal = true, finalSigma = "zero" } = options;
  const { solverType = "bh2", predictX0 = true, disableCorrector = [] } = options;
  if (!Number.isInteger(order) || order < 1 || order > MAX_ORDER)
    throw invalid("order", `an integer from 1 to ${MAX_ORDER}`, order);
  if (finalSigma === "zero" && order > 1 && !lowerOrderFinal)
    throw invalid("lowerOrderFinal", "true (only order 1 can end without noise)", lowerOrderFinal);
  if (finalSigma === "zero" && !predictX0)
    throw invalid("finalSigma", "sigma_min (a solver that holds eps cannot end without noise)", finalSigma);
  return {
    plan: (schedule, steps) => planUniPc(schedule, steps, options),
    run: (denoise, x, run) => sampleUniPc(denoise, x, { ...run, solverType, predictX0, disableCorrector }),
  };
}

export function planUniPc(schedule: NoiseSchedule, steps: number, options: UniPcOptions = {}): Plan {
  const { order = 2, lowerOrderFinal = true } = options;
  const fractions = options.sigmas === "karras" ? "round" : "cut";
  const moves = movesAlong(
    integerPath(schedule, steps, { ...options, fractions, finalOfNew: "own" }),
    variancePreserving,
  );
  const cap = (index: number) => (lowerOrderFinal ? Math.min(order, moves.length - index) : order);
  return singleEvaluationPlan(moves.map((move, index) => ({ ...move, order: cap(index) })));
}

/**
 * Zhao et al. 2023, "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models", the multistep
 * variant. Memory: the sample before the last predictor step, then the answers that led to it, newest first.
 */
export function sampleUniPc(denoise: Denoiser, x: Tensor, { plan, ...settings }: RunOptions & Settings): SampleRun {
  const { predictX0, disableCorrector } = settings;
  const orderOf = (step: number) => Math.min(plan.moves[step]!.order, step + 1);
  const levels = plan.moves.map((move) => move.from);
  return march(x, plan.evaluations, (state, step) => {
    const { from, to, index } = plan.moves[step]!;
    const { x0, eps } = denoise(state.x, from);
    const answer = predictX0 ? x0 : eps;
    const [before, ...earlier] = state.memory;
    let sample = state.x;
    if (before !== undefined && !disableCorrector.includes(index - 1)) {
      const places = levels.slice(step - orderOf(step - 1), step).reverse();
      sample = transfer({ sample: before, places, answers: earlier, to: from, arrival: answer, settings });
    }
    const answers = [answer, ...earlier].slice(0, MAX_ORDER);
    const places = levels.slice(step + 1 - orderOf(step), step + 1).reverse();
    return {
      x: transfer({ sample, places, answers, to, arrival: null, settings }),
      denoised: x0,
      memory: [sample, ...answers],
    };
  });
}

interface Transfer {
  readonly sample: Tensor;
  /** Where the answers were given, newest first; the first is where the sample is. As many as the order. */
  readonly places: readonly NoiseLevel[];
  readonly answers: readonly Tensor[];
  readonly to: NoiseLevel;
  /** The answer at `to`, for the corrector. */
  readonly arrival: Tensor | null;
  readonly settings: Settings;
}

/** UniC (with the answer on arrival) or UniP (without): section 3.1's update over the exponential step of x0 or eps. */
function transfer({ sample, places, answers, to, arrival, settings }: Transfer): Tensor {
  const from = places[0]!;
  const { carry, gain, h } = settings.predictX0 ? dataStep(from, to) : noiseStep(from, to);
  const [start, end] = [lambdaOf(from), lambdaOf(to)];
  const ratios = places.slice(1).map((place) => (lambdaOf(place) - start) / (end - start));
  const weights = differenceWeights(h, ratios, { corrector: arrival !== null, solverType: settings.solverType });
  const others = arrival === null ? answers.slice(1, places.length) : [...answers.slice(1, places.length), arrival];
  const terms: Term[] = others.map((answer, i) => [-gain * weights[i]!, answer]);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weightedSum([[carry, sample], [-gain * (Math.expm1(h) - sum), answers[0]!], ...terms]);
}

/**
 * Weights of the differences between the other answers and the newest, in units of the step: `B(h) a_m / r_m`, where a
 * solves `sum of a_m r_m^(k-1) = k! phi_(k+1)(h) h / B(h)` for k = 1, 2, … (theorem 3.1). The corrector's last answer
 * is at the end of the step, r = 1.
 */
function differenceWeights(
  h: number,
  ratios: readonly number[],
  { corrector, solverType }: { corrector: boolean; solverType: "bh1" | "bh2" },
): number[] {
  const all = corrector ? [...ratios, 1] : ratios;
  // A step of no length changes nothing, and the ratios have no value.
  if (all.length === 0 || h === 0) return all.map(() => 0);
  const scale = solverType === "bh1" ? h : Math.expm1(h);
  // With one unknown the authors take the limit of the solution for short steps.
  if (all.length === 1) return [(scale * 0.5) / all[0]!];
  const right: number[] = [];
  let [phi, factorial] = [Math.expm1(h) / h - 1, 1];
  for (let k = 1; k <= all.length; k++) {
    right.push((phi * factorial) / scale);
    factorial *= k + 1;
    phi = phi / h - 1 / factorial;
  }
  return solveVandermonde(all, right).map((a, m) => (a * scale) / all[m]!);
}

/** Solves `sum over m of a_m nodes_m^k = right_k`, k = 0, 1, …: Björck and Pereyra 1970. */
function solveVandermonde(nodes: readonly number[], right: readonly number[]): number[] {
  const n = nodes.length;
  const a = [...right];
  for (let k = 0; k < n - 1; k++) for (let i = n - 1; i > k; i--) a[i]! -= nodes[k]! * a[i - 1]!;
  for (let k = n - 2; k >= 0; k--) {
    for (let i = k + 1; i < n; i++) a[i]! /= nodes[i]! - nodes[i - k - 1]!;
    for (let i = k; i < n - 1; i++) a[i]! -= a[i + 1]!;
  }
  return a;
}
