import { z } from "zod";
import { field } from "../field.js";
import { option } from "../option.js";

/** Where and how precisely is computed, and what is spared. */
export const precisionOptions = {
  device: option(field.device, {
    group: "precision",
    metavar: "DEVICE",
    effect: "speed",
    expects: "auto, cpu, mps, cuda or cuda:N",
    help: "Where to compute: auto takes the first GPU, or else the CPU.",
  }),
  mixed_precision: option(z.enum(["no", "fp16", "bf16"]).default("no"), {
    group: "precision",
    effect: "result",
    help: "Number format of the frozen weights and of the computation. Trained LoRA weights, their gradients and the optimizer stay in fp32.",
  }),
  allow_tf32: option(field.flag, {
    group: "precision",
    effect: "result",
    help: "Let NVIDIA GPUs multiply fp32 matrices with 10 bits of mantissa, which is faster.",
  }),
  gradient_checkpointing: option(field.flag, {
    group: "precision",
    effect: "speed",
    help: "Compute activations again in the backward pass instead of keeping them: much less memory, about a fifth slower.",
  }),
  cache_latents: option(z.boolean().default(true), {
    group: "precision",
    effect: "result",
    help: "Encode each picture once and keep the result on disk; a random crop is then one of 4 places of each picture. Without it every showing draws a new place and is encoded anew.",
  }),
  vae_slicing: option(field.flag, {
    group: "precision",
    effect: "speed",
    help: "Run the VAE on one picture at a time: less memory.",
  }),
  vae_tiling: option(field.flag, {
    group: "precision",
    effect: "result",
    help: "Run the VAE on overlapping tiles: little memory at any size, seams are blended.",
  }),
};

/** What is written, and from where a run goes on. */
export const outputOptions = {
  output_dir: option(z.string().min(1).default("sd-model-finetuned-lora"), {
    group: "output",
    metavar: "DIR",
    effect: "files",
    help: "The folder of the run: weights, checkpoints, samples, events, manifest.",
  }),
  overwrite_output_dir: option(field.flag, {
    group: "output",
    effect: "files",
    help: "Start anew in a folder that holds another run, and replace what that run left.",
  }),
  checkpointing_steps: option(field.count.default(500), {
    group: "output",
    effect: "files",
    help: "Write a checkpoint every so many steps.",
  }),
  checkpoints_total_limit: option(field.optionalCount, {
    group: "output",
    effect: "files",
    unset: "keep all",
    help: "Keep this many checkpoints. The oldest goes when a new one is whole.",
  }),
  resume_from_checkpoint: option(field.optionalText, {
    group: "output",
    metavar: "PATH",
    effect: "files",
    unset: "start from the beginning",
    help: "Go on from a checkpoint as if never interrupted: its folder, or latest for the newest one in output_dir.",
  }),
};

/** How progress is judged while it happens. */
export const validationOptions = {
  validation_prompt: option(field.optionalText, {
    group: "validation",
    metavar: "TEXT",
    effect: "files",
    unset: "no pictures",
    help: "Make pictures of this prompt during training, from the same noise each time, beside the untrained model's.",
  }),
  num_validation_images: option(field.count.default(4), {
    group: "validation",
    effect: "files",
    help: "How many pictures each time.",
  }),
  validation_epochs: option(field.count.default(1), {
    group: "validation",
    effect: "files",
    help: "Validate every so many epochs.",
  }),
  validation_steps: option(field.optionalCount, {
    group: "validation",
    effect: "files",
    unset: "by validation_epochs",
    help: "Validate every so many steps instead.",
  }),
  validation_inference_steps: option(field.count.default(50), {
    group: "validation",
    effect: "files",
    help: "Denoising steps of a validation picture.",
  }),
  validation_split: option(z.number().min(0).lt(1).default(0), {
    group: "validation",
    metavar: "SHARE",
    effect: "result",
    help: "Share of the pictures that are never trained on. The loss on them, with fixed noise and timesteps, shows overfitting.",
  }),
};

/** What is recorded. */
export const loggingOptions = {
  report_to: option(z.enum(["tensorboard", "wandb", "comet_ml", "all", "none"]).default("tensorboard"), {
    group: "logging",
    metavar: "WHERE",
    effect: "files",
    instead: {
      wandb: "Weights & Biases has no maintained client for Node.js; TensorBoard files are written instead",
      comet_ml: "Comet has no maintained client for Node.js; TensorBoard files are written instead",
      all: "of the trackers, TensorBoard alone exists here; its files are written",
    },
    help: "Where curves and pictures are recorded besides events.jsonl.",
  }),
  logging_dir: option(z.string().min(1).default("logs"), {
    group: "logging",
    metavar: "DIR",
    effect: "files",
    help: "Folder of the TensorBoard files, inside output_dir.",
  }),
  debug_loss: option(field.flag, {
    group: "logging",
    effect: "files",
    help: "Record the loss of each picture under its file name.",
  }),
};

/** What is published when training has ended. */
export const hubOptions = {
  push_to_hub: option(field.flag, {
    group: "hub",
    effect: "files",
    help: "Publish the result on the Hugging Face Hub. Checkpoints, logs and caches are never sent.",
  }),
  hub_model_id: option(field.optionalText, {
    group: "hub",
    metavar: "REPO",
    effect: "files",
    unset: "the name of output_dir",
    help: "Repository to publish to.",
  }),
  hub_token: option(field.optionalText, {
    group: "hub",
    metavar: "TOKEN",
    effect: "files",
    secret: true,
    unset: "HF_TOKEN or the token file",
    help: "Token for the Hub. Others can see a command line: prefer the HF_TOKEN variable. It is never written anywhere.",
  }),
};

/** Options of the reference script that have no meaning here, so that its command lines run as they are. */
export const compatibilityOptions = {
  enable_xformers_memory_efficient_attention: option(field.flag, {
    group: "compatibility",
    effect: "speed",
    instead: "xformers belongs to Python; libtorch's own memory-efficient attention is used",
    help: "Accepted; libtorch's own memory-efficient attention is used.",
  }),
  enable_npu_flash_attention: option(field.flag, {
    group: "compatibility",
    effect: "speed",
    instead: "there is no engine for Ascend processors here; libtorch's own attention is used",
    help: "Accepted; libtorch's own attention is used.",
  }),
  local_rank: option(z.int().min(-1).default(-1), {
    group: "compatibility",
    effect: "speed",
    instead: "training runs in one process; the number is not used",
    help: "Accepted; training runs in one process.",
  }),
};
