import { z } from "zod";
import { sha256 } from "./sha256.js";

const count = z.int().min(0);
const seconds = z.number().min(0);

/** A reason and how often it held: `{ reason: "truncated JPEG", count: 2, examples: ["a.jpg", "b.jpg"] }`. */
export const SkippedSchema = z.strictObject({
  reason: z.string().min(1),
  count: z.int().min(1),
  /** A few of the files, relative to the data. */
  examples: z.array(z.string()),
});
export type Skipped = z.output<typeof SkippedSchema>;

/** A file that a run leaves, its path relative to the run's folder. */
export const ResultFileSchema = z.strictObject({ path: z.string().min(1), bytes: count, sha256 });
export type ResultFile = z.output<typeof ResultFileSchema>;

/** Something that the person should know and that stops nothing. */
export const warning = z.strictObject({ type: z.literal("warning"), message: z.string().min(1) });

const runStarted = z.strictObject({
  type: z.literal("run_started"),
  output_dir: z.string().min(1),
  device: z.string().min(1),
  dtype: z.string().min(1),
  seed: z.int().min(0),
  /** Steps of the whole run, and the step that it starts after: 0, or the checkpoint's. */
  total_steps: count,
  total_epochs: count,
  first_step: count,
  trained_parameters: count,
});

/** Progress of the work before the first step. A `download` counts bytes. */
export const preparing = z.strictObject({
  type: z.literal("preparing"),
  stage: z.enum(["download", "load", "read", "encode_pictures", "encode_captions"]),
  done: count,
  total: count,
});

const dataPrepared = z.strictObject({
  type: z.literal("data_prepared"),
  pictures: count,
  captions: count,
  /** Pictures held out for the validation loss. */
  held_out: count,
  /** Captions that are longer than the longest allowed, and were cut. */
  captions_cut: count,
  /** Pictures with places that count otherwise in the loss; absent without regions_column. */
  with_regions: count.optional(),
  skipped: z.array(SkippedSchema),
});

const step = z.strictObject({
  type: z.literal("step"),
  /** One change of the weights; the first is 1. */
  step: z.int().min(1),
  /** From 0. */
  epoch: count,
  loss: z.number(),
  lr: z.number().min(0),
  /** The text encoders' learning rate, where it is another. */
  text_encoder_lr: z.number().min(0).optional(),
  /** Before clipping; `null` when fp16 overflowed and the step left the weights as they were. */
  grad_norm: z.number().min(0).nullable(),
  images_per_second: z.number().min(0),
  steps_per_second: z.number().min(0),
  memory_bytes: count,
  eta_seconds: seconds,
});

const validation = z.strictObject({
  type: z.literal("validation"),
  step: count,
  epoch: count,
  /** Mean loss over the held-out pictures. */
  loss: z.number(),
  pictures: count,
});

/** Progress of a validation. */
const validating = z.strictObject({
  type: z.literal("validating"),
  step: count,
  what: z.enum(["pictures", "loss"]),
  /** Denoising steps of all pictures together, or forward passes. */
  done: count,
  total: count,
});

/** What each picture had to do with a step's loss, which is their mean (`debug_loss`). */
const pictureLosses = z.strictObject({
  type: z.literal("picture_losses"),
  step: z.int().min(1),
  losses: z.array(
    z.strictObject({
      /** The picture's path in the data. */
      picture: z.string().min(1),
      loss: z.number(),
      /** How much noise it was shown with: most of what makes losses differ. */
      timestep: count,
    }),
  ),
});

const sample = z.strictObject({
  type: z.literal("sample"),
  step: count,
  path: z.string().min(1),
  prompt: z.string(),
  seed: z.int().min(0),
});

const checkpoint = z.strictObject({ type: z.literal("checkpoint"), step: count, path: z.string().min(1) });

const lossAt = z.strictObject({ step: count, loss: z.number() });

/** What the run will take, told before anything large is done. */
const estimated = z.strictObject({
  type: z.literal("estimated"),
  memory_bytes: count,
  /** `null` where the system cannot tell. */
  available_bytes: count.nullable(),
  /** Of the whole run, encoding included. */
  seconds,
  /** What can be changed to need less, the gentlest first. */
  advice: z.array(z.string()),
});

/** The result is on the Hub. */
const published = z.strictObject({ type: z.literal("published"), url: z.string().min(1) });

const runFinished = z.strictObject({
  type: z.literal("run_finished"),
  step: count,
  epoch: count,
  output_dir: z.string().min(1),
  files: z.array(ResultFileSchema),
  /** The curves as a picture, and the sheet of validation pictures, where there are any. */
  loss_plot: z.string().min(1).optional(),
  contact_sheet: z.string().min(1).optional(),
  /** The smoothed training loss at the end. */
  loss: z.number().optional(),
  /** The validation losses of the whole run, where pictures were held out. */
  validation: z.strictObject({ first: lossAt, best: lossAt, last: lossAt }).optional(),
  /** Over the steps of this start of the run. */
  images_per_second: z.number().min(0).optional(),
  seconds,
});

const runInterrupted = z.strictObject({
  type: z.literal("run_interrupted"),
  step: count,
  /** The checkpoint to go on from; `null` when none was written. */
  checkpoint: z.string().min(1).nullable(),
  seconds,
});

const runFailed = z.strictObject({
  type: z.literal("run_failed"),
  step: count,
  message: z.string().min(1),
  /** The last whole checkpoint, or `null`. */
  checkpoint: z.string().min(1).nullable(),
});

/**
 * What a training run tells while it runs: the items of `train(options)` and the lines of `events.jsonl`. Paths are
 * relative to the run's folder.
 */
export const TrainEventSchema = z.discriminatedUnion("type", [
  runStarted,
  preparing,
  dataPrepared,
  step,
  pictureLosses,
  validating,
  validation,
  sample,
  checkpoint,
  warning,
  estimated,
  published,
  runFinished,
  runInterrupted,
  runFailed,
]);
export type TrainEvent = z.output<typeof TrainEventSchema>;

/** One kind of training event: `TrainEventOf<"step">`. */
export type TrainEventOf<T extends TrainEvent["type"]> = Extract<TrainEvent, { type: T }>;

const generationStarted = z.strictObject({
  type: z.literal("generation_started"),
  output_dir: z.string().min(1),
  device: z.string().min(1),
  dtype: z.string().min(1),
  /** Pictures of the whole generation; those that are compared are counted each. */
  pictures: count,
  /** Denoising steps of each. */
  steps: z.int().min(1),
});

const denoised = z.strictObject({
  type: z.literal("denoised"),
  /** Index of the (first) picture that is being made, from 0. */
  picture: count,
  /** Denoising steps done, from 1 to `steps`. */
  step: z.int().min(1),
  steps: z.int().min(1),
});

const picture = z.strictObject({
  type: z.literal("picture"),
  picture: count,
  path: z.string().min(1),
  /** As it was drawn: with the prefix, or without. */
  prompt: z.string(),
  seed: z.int().min(0),
  /** Whether the LoRA took part. */
  side: z.enum(["base", "lora"]),
  /** Strength of the LoRA; 0 for the base. */
  scale: z.number(),
  /** What sets it off from other pictures of the same noise: `base`, `LoRA × 0.5`, `LoRA without the prefix`. */
  label: z.string().min(1),
});

const contactSheet = z.strictObject({ type: z.literal("contact_sheet"), path: z.string().min(1) });

const generationFinished = z.strictObject({ type: z.literal("generation_finished"), pictures: count, seconds });

const generationInterrupted = z.strictObject({ type: z.literal("generation_interrupted"), pictures: count, seconds });

/** What a generation tells while it runs: the items of `generate(options)`. Paths are relative to `output_dir`. */
export const GenerateEventSchema = z.discriminatedUnion("type", [
  generationStarted,
  denoised,
  picture,
  contactSheet,
  warning,
  generationFinished,
  generationInterrupted,
]);
export type GenerateEvent = z.output<typeof GenerateEventSchema>;

/** One kind of generation event: `GenerateEventOf<"picture">`. */
export type GenerateEventOf<T extends GenerateEvent["type"]> = Extract<GenerateEvent, { type: T }>;
