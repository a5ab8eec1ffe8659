import {
  type DiffusersSampler,
  type SchedulerConfig,
  type Sdxl,
  samplerFromDiffusers,
  sigmasOf,
  timestepsOf,
} from "@stillframe/diffusion";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import { compare, relative } from "../comparison.js";

/** The schedule of a variant as the reference stored it. */
export interface PipelineSchedule {
  /** class of the scheduler; the model's own unless said */
  scheduler?: string;
  timesteps?: number[] | null;
  sigmas?: number[] | null;
  init_noise_sigma?: number | null;
}

/** Words in a variant's name, and the settings that they stand for. */
const WORDS: readonly (readonly [RegExp, SchedulerConfig])[] = [
  [/(^|_)karras(_|$)/, { use_karras_sigmas: true }],
  [/(^|_)exponential(_|$)/, { use_exponential_sigmas: true }],
  [/(^|_)leading(_|$)/, { timestep_spacing: "leading" }],
  [/(^|_)trailing(_|$)/, { timestep_spacing: "trailing" }],
  [/(^|_)linspace(_|$)/, { timestep_spacing: "linspace" }],
  [/(^|_)(zsnr|zero_snr)(_|$)/, { rescale_betas_zero_snr: true }],
  [/(^|_)(v|v_pred|v_prediction)(_|$)/, { prediction_type: "v_prediction" }],
  [/(^|_)sde(_|$)/, { algorithm_type: "sde-dpmsolver++" }],
  [/(^|_)euler_(at_)?final(_|$)/, { euler_at_final: true }],
];

/** Settings that a stored schedule can tell apart. */
const SPACINGS: readonly SchedulerConfig[] = [
  {},
  ...["leading", "trailing", "linspace"].map((timestep_spacing) => ({ timestep_spacing })),
];
const SIGMAS: readonly SchedulerConfig[] = [{}, { use_karras_sigmas: true }, { use_exponential_sigmas: true }];
const TERMINALS: readonly SchedulerConfig[] = [{}, { rescale_betas_zero_snr: true }];

/**
 * The sampler of a pipeline variant. The vectors hold the scheduler's class and its schedule but not its settings: those
 * are the model's own and what the variant's name says. Where they do not give the stored schedule, other spacings are
 * tried; the stored schedule is compared in any case, so a wrong choice shows.
 */
export function samplerOf(
  { scheduler }: Pick<Sdxl, "scheduler">,
  name: string,
  { schedule, steps }: { schedule: PipelineSchedule; steps: number },
): DiffusersSampler {
  const className = schedule.scheduler ?? scheduler.className;
  const named: SchedulerConfig = Object.assign(
    {},
    ...WORDS.filter(([word]) => word.test(name)).map(([, setting]) => setting),
  );
  const own = { ...scheduler.config, ...named };
  const others = SPACINGS.flatMap((a) => SIGMAS.flatMap((b) => TERMINALS.map((c) => ({ ...a, ...b, ...c }))));
  for (const other of others) {
    const sampler = supported(className, { ...own, ...other });
    if (sampler !== null && fits(sampler, { schedule, steps })) return sampler;
  }
  return samplerFromDiffusers(className, own);
}

/** Null where the class knows no such combination. */
function supported(className: string, config: SchedulerConfig): DiffusersSampler | null {
  try {
    return samplerFromDiffusers(className, config);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return null;
    throw error;
  }
}

function fits({ sampler, schedule }: DiffusersSampler, stored: { schedule: PipelineSchedule; steps: number }): boolean {
  const plan = sampler.plan(schedule, stored.steps);
  const { timesteps, sigmas, init_noise_sigma } = stored.schedule;
  const near = (actual: number[], expected: readonly number[] | null | undefined) =>
    expected == null ||
    (actual.length === expected.length && compare(actual, expected, { tolerance: relative(1e-4) }).within);
  return (
    near(timestepsOf(plan), timesteps) &&
    near(sigmasOf(plan), sigmas) &&
    near([plan.initNoiseSigma], init_noise_sigma == null ? null : [init_noise_sigma])
  );
}
