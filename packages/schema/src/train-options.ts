import type { z } from "zod";
import { OptionSet, rule } from "./option-set.js";
import { captionOptions, dataOptions } from "./train-options/data.js";
import { adapterOptions, objectiveOptions, optimizationOptions, scheduleOptions } from "./train-options/learning.js";
import { modelOptions } from "./train-options/model.js";
import {
  compatibilityOptions,
  hubOptions,
  loggingOptions,
  outputOptions,
  precisionOptions,
  validationOptions,
} from "./train-options/running.js";

const shape = {
  ...modelOptions,
  ...dataOptions,
  ...captionOptions,
  ...adapterOptions,
  ...optimizationOptions,
  ...scheduleOptions,
  ...objectiveOptions,
  ...precisionOptions,
  ...outputOptions,
  ...validationOptions,
  ...loggingOptions,
  ...hubOptions,
  ...compatibilityOptions,
};

/** Every option of a training run, with its default filled in. */
export type TrainOptions = z.output<z.ZodObject<typeof shape>>;
/** What a caller may give: all that has a default may be left out. */
export type TrainOptionsInput = z.input<z.ZodObject<typeof shape>>;

const rules = [
  rule<TrainOptions, "dataset_name" | "train_data_dir">(["dataset_name", "train_data_dir"], (o) => {
    if (o.dataset_name === null && o.train_data_dir === null)
      return "expected pictures to train on: give train_data_dir (a folder) or dataset_name (a Hugging Face data set)";
    if (o.dataset_name !== null && o.train_data_dir !== null)
      return "expected either train_data_dir or dataset_name but received both";
    return undefined;
  }),
  rule<TrainOptions, "dataset_config_name" | "dataset_name">(["dataset_config_name", "dataset_name"], (o) =>
    o.dataset_config_name !== null && o.dataset_name === null
      ? "dataset_config_name chooses a configuration of dataset_name, which is not given"
      : undefined,
  ),
  rule<TrainOptions, "bucket_min" | "bucket_max" | "bucket_step" | "resolution">(
    ["bucket_min", "bucket_max", "bucket_step", "resolution"],
    (o) => {
      if (o.bucket_min !== null && o.bucket_min > o.resolution)
        return `expected bucket_min to be at most resolution (${o.resolution}) but received ${o.bucket_min}`;
      if (o.bucket_max !== null && o.bucket_max < o.resolution)
        return `expected bucket_max to be at least resolution (${o.resolution}) but received ${o.bucket_max}`;
      return undefined;
    },
  ),
  rule<TrainOptions, "aspect_ratio_buckets" | "bucket_step" | "resolution">(
    ["aspect_ratio_buckets", "bucket_step", "resolution"],
    (o) =>
      o.aspect_ratio_buckets && o.bucket_step > o.resolution
        ? `expected bucket_step to be at most resolution (${o.resolution}) but received ${o.bucket_step}`
        : undefined,
  ),
  rule<TrainOptions, "method" | "lora_alpha" | "lora_dropout" | "target_modules" | "use_rslora">(
    ["method", "lora_alpha", "lora_dropout", "target_modules", "use_rslora"],
    (o) => {
      if (o.method === "lora") return undefined;
      const given = [
        o.lora_alpha !== null && "lora_alpha",
        o.lora_dropout !== 0 && "lora_dropout",
        o.target_modules !== null && "target_modules",
        o.use_rslora && "use_rslora",
      ].filter((name) => name !== false);
      return given.length === 0 ? undefined : `method=full trains no adapter: leave out ${given.join(", ")}`;
    },
  ),
  rule<TrainOptions, "text_encoder_lr" | "train_text_encoder">(["text_encoder_lr", "train_text_encoder"], (o) =>
    o.text_encoder_lr !== null && !o.train_text_encoder
      ? "text_encoder_lr needs train_text_encoder: without it the text encoders are not trained"
      : undefined,
  ),
  rule<TrainOptions, "optimizer" | "use_8bit_adam">(["optimizer", "use_8bit_adam"], (o) =>
    o.use_8bit_adam && o.optimizer !== "adamw"
      ? `use_8bit_adam is a form of optimizer=adamw but optimizer is ${o.optimizer}`
      : undefined,
  ),
  rule<TrainOptions, "optimizer" | "learning_rate">(["optimizer", "learning_rate"], (o) =>
    o.optimizer === "prodigy" && o.learning_rate < 0.01
      ? `optimizer=prodigy multiplies the rate that it finds by learning_rate: give 1 or so, not ${o.learning_rate}`
      : undefined,
  ),
  rule<TrainOptions, "resume_from_checkpoint" | "overwrite_output_dir">(
    ["resume_from_checkpoint", "overwrite_output_dir"],
    (o) =>
      o.resume_from_checkpoint !== null && o.overwrite_output_dir
        ? "resume_from_checkpoint goes on with a run and overwrite_output_dir replaces it: give one of them"
        : undefined,
  ),
  rule<TrainOptions, "validation_steps" | "validation_prompt" | "validation_split">(
    ["validation_steps", "validation_prompt", "validation_split"],
    (o) =>
      o.validation_steps !== null && o.validation_prompt === null && o.validation_split === 0
        ? "validation_steps has nothing to do: give validation_prompt (pictures) or validation_split (loss)"
        : undefined,
  ),
];

/** The options of `stillframe train`. Names and defaults are the reference script's where it has the option. */
export const trainOptions = new OptionSet({
  command: "train",
  summary: "Train a LoRA, or the whole model, on captioned pictures",
  groups: [
    { id: "model", title: "Model" },
    { id: "data", title: "Pictures" },
    { id: "captions", title: "Captions" },
    { id: "adapter", title: "What is trained" },
    { id: "optimization", title: "Optimization" },
    { id: "schedule", title: "Learning-rate schedule" },
    { id: "objective", title: "Noise and loss" },
    { id: "precision", title: "Device, precision and memory" },
    { id: "output", title: "Output and checkpoints" },
    { id: "validation", title: "Validation" },
    { id: "logging", title: "Logging" },
    { id: "hub", title: "Hugging Face Hub" },
    { id: "compatibility", title: "Accepted from the reference script" },
  ],
  shape,
  rules,
});

/** The zod schema of the options: a strict object. */
export const TrainOptionsSchema = trainOptions.schema;

/**
 * Training options from a plain record with the reference script's names.
 *
 * @throws OptionsError with every problem found: unknown names (and the nearest known one), wrong values, options that
 *   do not go together.
 */
export function parseTrainOptions(record: Readonly<Record<string, unknown>>): TrainOptions {
  return trainOptions.parse(record);
}
