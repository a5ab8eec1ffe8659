import { invalid } from "@stillframe/torch/errors";

/** The contents of a diffusers `scheduler_config.json`. */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/**
 * Every setting that one of the supported diffusers 0.40 schedulers reads, and `skip_prk_steps`, which Stable Diffusion's
 * files carry for a scheduler that is not among them. Files hold the settings of whichever schedulers they were
 * saved through, so a setting of another class is no error; an unknown one is.
 */
const KNOWN = new Set([
  ...["num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type"],
  ...["timestep_spacing", "steps_offset", "rescale_betas_zero_snr", "final_sigmas_type", "set_alpha_to_one"],
  ...["clip_sample", "clip_sample_range", "thresholding", "dynamic_thresholding_ratio", "sample_max_value"],
  ...["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "use_flow_sigmas"],
  ...["sigma_min", "sigma_max", "interpolation_type", "timestep_type", "lambda_min_clipped", "variance_type"],
  ...["solver_order", "solver_type", "algorithm_type", "lower_order_final", "euler_at_final", "predict_x0"],
  ...["disable_corrector", "solver_p", "original_inference_steps", "timestep_scaling", "skip_prk_steps"],
  ...["flow_shift", "shift_terminal", "time_shift_type", "use_dynamic_shifting"],
]);

const STRING_OR_INFINITY = /"(?:[^"\\]|\\.)*"|-?Infinity/g;

/**
 * Reads the text of a `scheduler_config.json`. Python writes an infinite `lambda_min_clipped` as `-Infinity`, which is
 * not JSON; that word is understood as a value, and nothing else beyond JSON is.
 *
 * @throws InvalidArgumentError when the text is not JSON or holds no object
 */
export function parseSchedulerConfig(text: string): SchedulerConfig {
  let value: unknown;
  try {
    // No number is too large for JSON: 1e999 is read as infinity.
    const readable = (word: string) => (word.startsWith('"') ? word : word.replace("Infinity", "1e999"));
    value = JSON.parse(text.replace(STRING_OR_INFINITY, readable));
  } catch (error) {
    throw invalid("scheduler configuration", "JSON", `text with this fault: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("scheduler configuration", "a JSON object", value);
  return value as SchedulerConfig;
}

/** @throws InvalidArgumentError on a setting that no supported scheduler has; names that begin with `_` are notes. */
export function checkKnownKeys(config: SchedulerConfig): void {
  const unknown = Object.keys(config).find((key) => !key.startsWith("_") && !KNOWN.has(key));
  if (unknown !== undefined)
    throw invalid("scheduler configuration", "settings that a diffusers 0.40 scheduler knows", unknown);
}

/** A setting that is a finite number; absent means `fallback`, and an error when there is none. */
export function readNumber(config: SchedulerConfig, key: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value)) throw invalid(key, "a finite number", value);
  return value;
}

/** A setting that is an integer of at least `min`. */
export function readInteger(
  config: SchedulerConfig,
  key: string,
  { min, fallback }: { min: number; fallback?: number },
) {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min)
    throw invalid(key, `an integer of at least ${min}`, value);
  return value;
}

/** A setting that is true or false. */
export function readFlag(config: SchedulerConfig, key: string, fallback: boolean): boolean {
  const value = config[key] ?? fallback;
  if (typeof value !== "boolean") throw invalid(key, "true or false", value);
  return value;
}

/** A setting that is one of a few words; absent means `fallback`, and an error when there is none. */
export function readChoice<T extends string>(
  config: SchedulerConfig,
  key: string,
  { among, fallback }: { among: readonly T[]; fallback?: T },
): T {
  const value = config[key] ?? fallback;
  const found = among.find((word) => word === value);
  if (found === undefined) throw invalid(key, `one of ${among.join(", ")}`, value);
  return found;
}
