import { invalid } from "@stillframe/torch/errors";
import { alphasCumprod, BETA_SCHEDULES, type BetaSchedule, betas, rescaleZeroTerminalSnr } from "./betas.js";
import type { NoiseLevel } from "./noise-level.js";
import {
  checkKnownKeys,
  readChoice,
  readFlag,
  readInteger,
  readNumber,
  type SchedulerConfig,
} from "./scheduler-config.js";
import { TIMESTEP_SPACINGS, type TimestepSpacing } from "./timesteps.js";

/** What the network's output is, by diffusers' names. */
export type PredictionType = "epsilon" | "v_prediction" | "sample";

export const PREDICTION_TYPES: readonly PredictionType[] = ["epsilon", "v_prediction", "sample"];

/** What a model was trained with: the noise at each timestep, what its output means, and how it wants to be sampled. */
export interface NoiseSchedule {
  /** Number of training timesteps. */
  readonly trainSteps: number;
  readonly betaSchedule: BetaSchedule;
  /** `[trainSteps]`, float32. */
  readonly betas: Float32Array;
  /** `[trainSteps]`, float32; the last is 0 with a zero terminal SNR. */
  readonly alphasCumprod: Float32Array;
  readonly predictionType: PredictionType;
  readonly timestepSpacing: TimestepSpacing;
  /** Added to every timestep of `leading` spacing. */
  readonly stepsOffset: number;
  /** Whether the last timestep is pure noise (Lin et al. 2023). */
  readonly zeroTerminalSnr: boolean;
}

/** Settings that a file may leave out and that diffusers' classes fill in differently. */
export interface ScheduleDefaults {
  readonly timestepSpacing: TimestepSpacing;
}

/**
 * The part of a diffusers `scheduler_config.json` that all schedulers share. The betas must be in the file: diffusers'
 * classes disagree on what they are otherwise.
 *
 * @throws InvalidArgumentError on an unknown key, a missing beta, or a value that is not supported
 */
function fromConfig(
  config: SchedulerConfig,
  { timestepSpacing }: ScheduleDefaults = { timestepSpacing: "leading" },
): NoiseSchedule {
  checkKnownKeys(config);
  const trainSteps = readInteger(config, "num_train_timesteps", { min: 2, fallback: 1000 });
  const betaSchedule = readChoice(config, "beta_schedule", { among: BETA_SCHEDULES });
  const zeroTerminalSnr = readFlag(config, "rescale_betas_zero_snr", false);
  const plain = betas({
    schedule: betaSchedule,
    betaStart: readNumber(config, "beta_start"),
    betaEnd: readNumber(config, "beta_end"),
    steps: trainSteps,
    trained: readTrainedBetas(config),
  });
  const used = zeroTerminalSnr ? rescaleZeroTerminalSnr(plain) : plain;
  return {
    trainSteps,
    betaSchedule,
    betas: used,
    alphasCumprod: alphasCumprod(used),
    predictionType: readChoice(config, "prediction_type", { among: PREDICTION_TYPES, fallback: "epsilon" }),
    timestepSpacing: readChoice(config, "timestep_spacing", { among: TIMESTEP_SPACINGS, fallback: timestepSpacing }),
    stepsOffset: readInteger(config, "steps_offset", { min: 0, fallback: 0 }),
    zeroTerminalSnr,
  };
}

function readTrainedBetas(config: SchedulerConfig): readonly number[] | null {
  const value = config.trained_betas ?? null;
  if (value === null || (Array.isArray(value) && value.every((b) => typeof b === "number"))) return value;
  throw invalid("trained_betas", "an array of numbers or null", value);
}

export const NoiseSchedule = { fromConfig };

/**
 * Signal and noise at an integer training timestep: `alpha² + sigma² = 1`. The variances are float32 numbers, as in diffusers.
 *
 * @throws InvalidArgumentError when the timestep is not one of the schedule
 */
export function noiseLevel(schedule: NoiseSchedule, timestep: number): NoiseLevel {
  const signal = schedule.alphasCumprod[timestep];
  if (signal === undefined)
    throw invalid("timestep", `an integer from 0 to ${schedule.alphasCumprod.length - 1}`, timestep);
  return { alpha: Math.sqrt(signal), sigma: Math.sqrt(Math.fround(1 - signal)) };
}
