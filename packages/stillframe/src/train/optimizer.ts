import type { TrainOptions } from "@stillframe/schema";
import {
  AdamW,
  AdamW8bit,
  invalid,
  type LrScheduleOptions,
  lrSchedule,
  type Optimizer,
  type ParameterGroup,
  Prodigy,
  type ProdigyOptions,
} from "@stillframe/torch";
import type { StepPlan } from "./step-plan.js";
import type { Trainable } from "./trainable.js";

/** The end of diffusers' polynomial schedule, which is a rate and not a part of one. */
const POLYNOMIAL_END = 1e-7;

/** Learning rate of each group before any schedule. */
export function baseRates(options: TrainOptions, trainable: Trainable): number[] {
  const scale = options.scale_lr ? options.gradient_accumulation_steps * options.train_batch_size : 1;
  return trainable.groups.map(
    (g) =>
      scale * (g.name === "text_encoders" ? (options.text_encoder_lr ?? options.learning_rate) : options.learning_rate),
  );
}

/** Learning rates at each optimizer step, counted from 1: pure, so that a resumed run has the right ones. */
export function rateSchedule(options: TrainOptions, trainable: Trainable, plan: StepPlan): (step: number) => number[] {
  const base = baseRates(options, trainable);
  const settings: LrScheduleOptions = {
    warmupSteps: options.lr_warmup_steps,
    totalSteps: plan.totalSteps,
    power: options.lr_power,
    ...(options.lr_scheduler === "cosine_with_restarts" ? { cycles: options.lr_num_cycles } : {}),
  };
  const factors = base.map((rate) =>
    lrSchedule(options.lr_scheduler, {
      ...settings,
      ...(options.lr_scheduler === "polynomial" && rate > 0 ? { end: POLYNOMIAL_END / rate } : {}),
    }),
  );
  return (step) => base.map((rate, i) => rate * (factors[i] as (s: number) => number)(step - 1));
}

/**
 * The optimizer that the options ask for, over all groups.
 *
 * @throws InvalidArgumentError when Prodigy is to have two rates: it finds one step size for all that is trained
 */
export function makeOptimizer(options: TrainOptions, trainable: Trainable): Optimizer {
  const base = baseRates(options, trainable);
  const groups = trainable.groups.map((g, i) => ({ parameters: [g.parameters.parameter], lr: base[i] as number }));
  const settings = {
    lr: options.learning_rate,
    betas: [options.adam_beta1, options.adam_beta2] as const,
    eps: options.adam_epsilon,
    weightDecay: options.adam_weight_decay,
  };
  if (options.optimizer === "prodigy") return makeProdigy(groups, options, settings);
  return options.use_8bit_adam ? new AdamW8bit(groups, settings) : new AdamW(groups, settings);
}

function makeProdigy(groups: readonly ParameterGroup[], options: TrainOptions, settings: ProdigyOptions): Prodigy {
  if (options.use_8bit_adam) throw invalid("use_8bit_adam", "false with optimizer=prodigy", true);
  const { learning_rate: rate, text_encoder_lr: textRate } = options;
  if (textRate !== null && textRate !== rate && textRate !== 0)
    throw invalid("text_encoder_lr", `learning_rate (${rate}), or 0, with optimizer=prodigy`, textRate);
  return new Prodigy(groups, {
    ...settings,
    dCoef: options.prodigy_d_coef,
    useBiasCorrection: options.prodigy_use_bias_correction,
    safeguardWarmup: options.prodigy_safeguard_warmup,
  });
}
