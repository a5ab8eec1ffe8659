import { invalid } from "@stillframe/torch/errors";
import { NoiseSchedule } from "../schedule/noise-schedule.js";
import { readChoice, readFlag, readInteger, readNumber, type SchedulerConfig } from "../schedule/scheduler-config.js";
import type { SigmaOptions } from "../schedule/sigma-path.js";
import { ddim } from "./ddim.js";
import { ddpm } from "./ddpm.js";
import { DPM_ALGORITHMS, dpmSolver } from "./dpm-solver.js";
import { euler } from "./euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { heun } from "./heun.js";
import { lcm } from "./lcm.js";
import type { Sampler } from "./sampler.js";
import { unipc } from "./unipc.js";

/** What a diffusers scheduler stands for: how the model was trained, and how it is sampled. */
export interface DiffusersSampler {
  readonly schedule: NoiseSchedule;
  readonly sampler: Sampler;
}

/** Settings that diffusers takes with every step instead of in the file. */
export interface StepOptions {
  /** Of DDIM. */
  readonly eta?: number;
}

interface SchedulerClass {
  /** Used when the file does not say. */
  readonly timestepSpacing: "leading" | "linspace";
  readonly read: (config: SchedulerConfig, options: StepOptions) => Sampler;
}

const CLASSES: ReadonlyMap<string, SchedulerClass> = new Map<string, SchedulerClass>([
  ["DDPMScheduler", { timestepSpacing: "leading", read: readDdpm }],
  ["DDIMScheduler", { timestepSpacing: "leading", read: readDdim }],
  ["EulerDiscreteScheduler", { timestepSpacing: "linspace", read: readEuler }],
  ["EulerAncestralDiscreteScheduler", { timestepSpacing: "linspace", read: () => eulerAncestral() }],
  ["HeunDiscreteScheduler", { timestepSpacing: "linspace", read: readHeun }],
  ["DPMSolverMultistepScheduler", { timestepSpacing: "linspace", read: readDpmSolver }],
  ["LCMScheduler", { timestepSpacing: "leading", read: readLcm }],
  ["UniPCMultistepScheduler", { timestepSpacing: "linspace", read: readUniPc }],
]);

/** Each solver reads the others' words as its own default, so that a file can be given to any of them. */
const SOLVER_TYPES = ["midpoint", "heun", "logrho", "bh1", "bh2"] as const;

/** The diffusers 0.40 schedulers that have a sampler here. */
export const SCHEDULER_CLASSES: readonly string[] = [...CLASSES.keys()];

/**
 * The sampler that behaves as a diffusers 0.40 scheduler of this class made from this configuration. As with diffusers'
 * `from_config`, the file may come from another class: give the class wanted, and settings that it has no use for
 * are passed over.
 *
 * @throws InvalidArgumentError on an unknown class or key, and on a setting of the class that is not supported here
 * @example samplerFromDiffusers("DPMSolverMultistepScheduler", { ...config, use_karras_sigmas: true })
 */
export function samplerFromDiffusers(
  className: string,
  config: SchedulerConfig,
  options: StepOptions = {},
): DiffusersSampler {
  const found = CLASSES.get(className);
  if (found === undefined) throw invalid("scheduler class", `one of ${SCHEDULER_CLASSES.join(", ")}`, className);
  if (options.eta !== undefined && options.eta !== 0 && className !== "DDIMScheduler")
    throw invalid("eta", `0 or nothing for ${className}`, options.eta);
  const schedule = NoiseSchedule.fromConfig(config, { timestepSpacing: found.timestepSpacing });
  return { schedule, sampler: found.read(config, options) };
}

function readDdpm(config: SchedulerConfig): Sampler {
  refuse(config, ["thresholding"]);
  const among = ["fixed_small", "fixed_small_log", "fixed_large"] as const;
  const variance = readChoice(config, "variance_type", { among, fallback: "fixed_small" });
  // `fixed_small_log` is the same deviation by way of a logarithm.
  return ddpm({
    variance: variance === "fixed_large" ? variance : "fixed_small",
    clip: readClip(config, { fallback: true }),
  });
}

function readDdim(config: SchedulerConfig, { eta = 0 }: StepOptions): Sampler {
  refuse(config, ["thresholding"]);
  const setAlphaToOne = readFlag(config, "set_alpha_to_one", true);
  return ddim({ eta, setAlphaToOne, clip: readClip(config, { fallback: true }) });
}

function readEuler(config: SchedulerConfig): Sampler {
  readChoice(config, "interpolation_type", { among: ["linear"], fallback: "linear" });
  readChoice(config, "timestep_type", { among: ["discrete"], fallback: "discrete" });
  return euler({ ...readSpacing(config), finalSigma: readFinalSigma(config) });
}

function readHeun(config: SchedulerConfig): Sampler {
  // diffusers' class passes over the setting and samples such a model with the wrong betas.
  refuse(config, ["rescale_betas_zero_snr"]);
  return heun({ ...readSpacing(config), clip: readClip(config, { fallback: false }) });
}

function readDpmSolver(config: SchedulerConfig): Sampler {
  refuse(config, ["thresholding", "use_flow_sigmas", "use_dynamic_shifting"]);
  if (config.variance_type === "learned" || config.variance_type === "learned_range")
    throw invalid("variance_type", "a fixed variance", config.variance_type);
  const algorithm = readChoice(config, "algorithm_type", {
    among: [...DPM_ALGORITHMS, "deis"],
    fallback: "dpmsolver++",
  });
  const solverType = readChoice(config, "solver_type", { among: SOLVER_TYPES, fallback: "midpoint" });
  const spacing = readSpacing(config);
  const cosine = config.beta_schedule === "squaredcos_cap_v2";
  const lambdaMin = config.lambda_min_clipped ?? Number.NEGATIVE_INFINITY;
  if (typeof lambdaMin !== "number" || Number.isNaN(lambdaMin))
    throw invalid("lambda_min_clipped", "a number or -Infinity", lambdaMin);
  return dpmSolver({
    ...spacing,
    ...readLu(config, spacing),
    algorithm: algorithm === "deis" ? "dpmsolver++" : algorithm,
    solverType: solverType === "heun" ? "heun" : "midpoint",
    order: readOrder(config),
    finalSigma: readFinalSigma(config),
    lowerOrderFinal: readFlag(config, "lower_order_final", true),
    eulerAtFinal: readFlag(config, "euler_at_final", false),
    fractions: !cosine && (spacing.sigmas === "karras" || config.use_lu_lambdas === true) ? "round" : "cut",
    lambdaMin,
  });
}

/** Lu et al.'s even spacing in lambda is the exponential one between the schedule's own ends. */
function readLu(config: SchedulerConfig, { sigmas }: SigmaOptions): SigmaOptions {
  if (sigmas === "karras" || !readFlag(config, "use_lu_lambdas", false)) return {};
  return { sigmas: "exponential", sigmaMin: null, sigmaMax: null };
}

function readLcm(config: SchedulerConfig): Sampler {
  refuse(config, ["thresholding"]);
  return lcm({
    originalSteps: readInteger(config, "original_inference_steps", { min: 1, fallback: 50 }),
    timestepScaling: readNumber(config, "timestep_scaling", 10),
    clip: readClip(config, { fallback: false }),
  });
}

function readUniPc(config: SchedulerConfig): Sampler {
  refuse(config, ["thresholding", "use_flow_sigmas", "use_dynamic_shifting"]);
  if ((config.solver_p ?? null) !== null) throw invalid("solver_p", "null", config.solver_p);
  const disabled = config.disable_corrector ?? [];
  if (!Array.isArray(disabled) || !disabled.every(Number.isInteger))
    throw invalid("disable_corrector", "an array of integers", disabled);
  return unipc({
    ...readSpacing(config),
    finalSigma: readFinalSigma(config),
    order: readOrder(config),
    solverType: readChoice(config, "solver_type", { among: SOLVER_TYPES, fallback: "bh2" }) === "bh1" ? "bh1" : "bh2",
    lowerOrderFinal: readFlag(config, "lower_order_final", true),
    predictX0: readFlag(config, "predict_x0", true),
    disableCorrector: disabled,
  });
}

/** @throws InvalidArgumentError when one of the switches is on */
function refuse(config: SchedulerConfig, switches: readonly string[]): void {
  for (const name of switches) if (readFlag(config, name, false)) throw invalid(name, "false (not supported)", true);
}

function readClip(config: SchedulerConfig, { fallback }: { fallback: boolean }): number | null {
  return readFlag(config, "clip_sample", fallback) ? readNumber(config, "clip_sample_range", 1) : null;
}

function readFinalSigma(config: SchedulerConfig): "zero" | "sigma_min" {
  return readChoice(config, "final_sigmas_type", { among: ["zero", "sigma_min"], fallback: "zero" });
}

function readSpacing(config: SchedulerConfig): SigmaOptions {
  const spacings = (["karras", "exponential", "beta"] as const).filter((s) =>
    readFlag(config, `use_${s}_sigmas`, false),
  );
  if (spacings.length > 1) throw invalid("use_…_sigmas", "at most one of them to be true", spacings);
  const bound = (key: string) => ((config[key] ?? null) === null ? null : readNumber(config, key));
  return {
    sigmas: spacings[0] ?? "schedule",
    sigmaMin: bound("sigma_min"),
    sigmaMax: bound("sigma_max"),
  };
}

function readOrder(config: SchedulerConfig): 1 | 2 | 3 {
  const order = readInteger(config, "solver_order", { min: 1, fallback: 2 });
  if (order === 1 || order === 2 || order === 3) return order;
  throw invalid("solver_order", "1, 2 or 3", order);
}
