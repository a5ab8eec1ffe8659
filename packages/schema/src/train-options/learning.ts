import { z } from "zod";
import { field } from "../field.js";
import { option } from "../option.js";

/** Which weights are trained, and in what form. */
export const adapterOptions = {
  method: option(z.enum(["lora", "full"]).default("lora"), {
    group: "adapter",
    effect: "result",
    help: "lora trains a small adapter beside the frozen model; full trains the model's own weights.",
  }),
  rank: option(field.count.default(4), {
    group: "adapter",
    effect: "result",
    help: "Inner dimension of the LoRA matrices: what the adapter can hold. 4 to 64 is usual.",
  }),
  lora_alpha: option(z.number().positive().nullable().default(null), {
    group: "adapter",
    effect: "result",
    unset: "equal to rank",
    help: "The adapter's output is scaled by lora_alpha / rank.",
  }),
  use_rslora: option(field.flag, {
    group: "adapter",
    effect: "result",
    help: "Scale by lora_alpha / sqrt(rank) instead, which keeps large ranks learning.",
  }),
  lora_dropout: option(z.number().min(0).lt(1).default(0), {
    group: "adapter",
    effect: "result",
    help: "Share of the adapter's inputs that are dropped at each step.",
  }),
  target_modules: option(z.array(z.string().min(1)).min(1).nullable().default(null), {
    group: "adapter",
    metavar: "A,B",
    separator: ",",
    effect: "result",
    unset: "to_q,to_k,to_v,to_out.0",
    help: "Which UNet layers get an adapter, by the end of their names: linear ones or convolutions (conv1, conv2, conv_shortcut, conv).",
  }),
  train_text_encoder: option(field.flag, {
    group: "adapter",
    effect: "result",
    help: "Train both text encoders too (their attention layers when method is lora).",
  }),
  use_ema: option(field.flag, {
    group: "adapter",
    effect: "result",
    help: "Keep a moving average of the trained weights; it is what validation uses and what is saved in the end.",
  }),
  ema_decay: option(z.number().min(0).lt(1).default(0.9999), {
    group: "adapter",
    effect: "result",
    help: "How slowly the moving average follows.",
  }),
};

/** How long is trained, and by which rule weights change. */
export const optimizationOptions = {
  train_batch_size: option(field.count.default(16), {
    group: "optimization",
    effect: "result",
    help: "Pictures a batch.",
  }),
  gradient_accumulation_steps: option(field.count.default(1), {
    group: "optimization",
    effect: "result",
    help: "Batches a step: gradients of this many batches are averaged before the weights change.",
  }),
  num_train_epochs: option(field.count.default(100), {
    group: "optimization",
    effect: "result",
    help: "How often each picture is shown.",
  }),
  max_train_steps: option(field.optionalCount, {
    group: "optimization",
    effect: "result",
    unset: "by num_train_epochs",
    help: "Stop after this many steps, whatever the number of epochs. Here and everywhere a step is one change of the weights.",
  }),
  seed: option(z.int().min(0).nullable().default(null), {
    group: "optimization",
    effect: "result",
    unset: "drawn, and noted in the manifest",
    help: "Where all randomness comes from. The same options, data and seed give the same weights.",
  }),
  optimizer: option(z.enum(["adamw", "prodigy"]).default("adamw"), {
    group: "optimization",
    effect: "result",
    help: "AdamW, or Prodigy, which finds the learning rate itself (give learning_rate=1).",
  }),
  learning_rate: option(z.number().min(0).default(1e-4), {
    group: "optimization",
    metavar: "LR",
    effect: "result",
    help: "Highest learning rate.",
  }),
  text_encoder_lr: option(z.number().min(0).nullable().default(null), {
    group: "optimization",
    metavar: "LR",
    effect: "result",
    unset: "learning_rate",
    help: "Learning rate of the text encoders.",
  }),
  scale_lr: option(field.flag, {
    group: "optimization",
    effect: "result",
    help: "Multiply the learning rates by the number of pictures that a step sees.",
  }),
  use_8bit_adam: option(field.flag, {
    group: "optimization",
    effect: "result",
    help: "Keep AdamW's two moments in 8 bits, quantized by blocks: a quarter of their memory.",
  }),
  adam_beta1: option(z.number().min(0).lt(1).default(0.9), {
    group: "optimization",
    effect: "result",
    help: "Decay of the first moment (AdamW and Prodigy).",
  }),
  adam_beta2: option(z.number().min(0).lt(1).default(0.999), {
    group: "optimization",
    effect: "result",
    help: "Decay of the second moment (AdamW and Prodigy).",
  }),
  adam_weight_decay: option(z.number().min(0).default(1e-2), {
    group: "optimization",
    effect: "result",
    help: "Decoupled weight decay (AdamW and Prodigy).",
  }),
  adam_epsilon: option(z.number().positive().default(1e-8), {
    group: "optimization",
    effect: "result",
    help: "Added to the denominator (AdamW and Prodigy).",
  }),
  max_grad_norm: option(z.number().positive().default(1), {
    group: "optimization",
    effect: "result",
    help: "Clip the gradient to this norm, taken over all trained weights together.",
  }),
  prodigy_d_coef: option(z.number().positive().default(1), {
    group: "optimization",
    effect: "result",
    help: "Prodigy: factor on the step size that it finds; below 1 is more careful.",
  }),
  prodigy_use_bias_correction: option(z.boolean().default(true), {
    group: "optimization",
    effect: "result",
    help: "Prodigy: correct the moments' bias as Adam does.",
  }),
  prodigy_safeguard_warmup: option(z.boolean().default(true), {
    group: "optimization",
    effect: "result",
    help: "Prodigy: leave the warm-up's small learning rates out of its estimate.",
  }),
};

/** How the learning rate changes over the run. */
export const scheduleOptions = {
  lr_scheduler: option(
    z
      .enum(["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"])
      .default("constant"),
    { group: "schedule", metavar: "NAME", effect: "result", help: "How the learning rate falls after warm-up." },
  ),
  lr_warmup_steps: option(z.int().min(0).default(500), {
    group: "schedule",
    effect: "result",
    help: "Steps over which the learning rate rises from 0. Every schedule has it but constant: use constant_with_warmup.",
  }),
  lr_num_cycles: option(field.count.default(1), {
    group: "schedule",
    effect: "result",
    help: "How often cosine_with_restarts starts again.",
  }),
  lr_power: option(z.number().positive().default(1), {
    group: "schedule",
    effect: "result",
    help: "Exponent of the polynomial schedule.",
  }),
};

/** What is predicted, and how errors count. */
export const objectiveOptions = {
  prediction_type: option(z.enum(["epsilon", "v_prediction"]).nullable().default(null), {
    group: "objective",
    effect: "result",
    unset: "as the model's scheduler says",
    help: "What the UNet predicts: the noise, or the velocity.",
  }),
  snr_gamma: option(z.number().positive().nullable().default(null), {
    group: "objective",
    metavar: "G",
    effect: "result",
    unset: "all timesteps weigh the same",
    help: "Weigh timesteps by min(SNR, G) (Hang et al. 2023), which often learns faster; 5 is usual.",
  }),
  region_weight: option(z.number().positive().default(4), {
    group: "objective",
    metavar: "W",
    effect: "result",
    help: "What a box of regions_column without a weight of its own counts, beside 1 for the rest of the picture; below 1 it counts less. The mean over a picture stays 1.",
  }),
  noise_offset: option(z.number().min(0).default(0), {
    group: "objective",
    effect: "result",
    help: "Add this much noise that is constant over the picture, so that very dark and very bright pictures can be learned.",
  }),
};
