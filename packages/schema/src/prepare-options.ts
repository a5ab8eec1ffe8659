import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet, rule } from "./option-set.js";
import { captionOptions, dataOptions } from "./train-options/data.js";
import { modelOptions } from "./train-options/model.js";
import { hubOptions, precisionOptions } from "./train-options/running.js";

const shape = {
  ...dataOptions,
  seed: option(z.int().min(0).default(0), {
    group: "data",
    effect: "result",
    help: "Draws the pictures of max_train_samples.",
  }),
  ...captionOptions,
  train_text_encoder: option(field.flag, {
    group: "captions",
    effect: "files",
    help: "Do not encode captions: a run that trains the text encoders encodes them anew in every step.",
  }),
  pretrained_model_name_or_path: option(field.optionalText, {
    group: "model",
    metavar: "MODEL",
    effect: "result",
    unset: "none; then captions are measured in words, and nothing is encoded",
    help: "The model of the training to come. Its tokenizers measure the captions, its encoders fill the caches.",
  }),
  pretrained_vae_model_name_or_path: modelOptions.pretrained_vae_model_name_or_path,
  revision: modelOptions.revision,
  variant: modelOptions.variant,
  device: precisionOptions.device,
  mixed_precision: precisionOptions.mixed_precision,
  vae_slicing: precisionOptions.vae_slicing,
  vae_tiling: precisionOptions.vae_tiling,
  output_dir: option(z.string().min(1).default("prepared"), {
    group: "output",
    metavar: "DIR",
    effect: "files",
    help: "Folder for the report: prepare.json and prepare.png.",
  }),
  hub_token: hubOptions.hub_token,
};

/** Every option of a preparation, with its default filled in. */
export type PrepareOptions = z.output<z.ZodObject<typeof shape>>;
/** What a caller may give: all that has a default may be left out. */
export type PrepareOptionsInput = z.input<z.ZodObject<typeof shape>>;

const rules = [
  rule<PrepareOptions, "dataset_name" | "train_data_dir">(["dataset_name", "train_data_dir"], (o) => {
    if (o.dataset_name === null && o.train_data_dir === null)
      return "expected pictures to look at: give train_data_dir (a folder) or dataset_name (a Hugging Face data set)";
    if (o.dataset_name !== null && o.train_data_dir !== null)
      return "expected either train_data_dir or dataset_name but received both";
    return undefined;
  }),
  rule<PrepareOptions, "dataset_config_name" | "dataset_name">(["dataset_config_name", "dataset_name"], (o) =>
    o.dataset_config_name !== null && o.dataset_name === null
      ? "dataset_config_name chooses a configuration of dataset_name, which is not given"
      : undefined,
  ),
  rule<PrepareOptions, "bucket_min" | "bucket_max" | "resolution">(["bucket_min", "bucket_max", "resolution"], (o) => {
    if (o.bucket_min !== null && o.bucket_min > o.resolution)
      return `expected bucket_min to be at most resolution (${o.resolution}) but received ${o.bucket_min}`;
    if (o.bucket_max !== null && o.bucket_max < o.resolution)
      return `expected bucket_max to be at least resolution (${o.resolution}) but received ${o.bucket_max}`;
    return undefined;
  }),
  rule<PrepareOptions, "aspect_ratio_buckets" | "bucket_step" | "resolution">(
    ["aspect_ratio_buckets", "bucket_step", "resolution"],
    (o) =>
      o.aspect_ratio_buckets && o.bucket_step > o.resolution
        ? `expected bucket_step to be at most resolution (${o.resolution}) but received ${o.bucket_step}`
        : undefined,
  ),
  rule<PrepareOptions, "pretrained_model_name_or_path" | "pretrained_vae_model_name_or_path">(
    ["pretrained_model_name_or_path", "pretrained_vae_model_name_or_path"],
    (o) =>
      o.pretrained_vae_model_name_or_path !== null && o.pretrained_model_name_or_path === null
        ? "pretrained_vae_model_name_or_path takes the place of a model's own VAE: give pretrained_model_name_or_path too"
        : undefined,
  ),
];

/** The options of `stillframe prepare`. Those that `train` has too mean the same there. */
export const prepareOptions = new OptionSet({
  command: "prepare",
  summary: "Look at captioned pictures before training, and encode them",
  groups: [
    { id: "data", title: "Pictures" },
    { id: "captions", title: "Captions" },
    { id: "model", title: "Model" },
    { id: "precision", title: "Device, precision and memory" },
    { id: "output", title: "Output" },
    { id: "hub", title: "Hugging Face Hub" },
  ],
  shape,
  rules,
});

/** The zod schema of the options: a strict object. */
export const PrepareOptionsSchema = prepareOptions.schema;

/**
 * Options of a preparation from a plain record.
 *
 * @throws OptionsError with every problem found.
 */
export function parsePrepareOptions(record: Readonly<Record<string, unknown>>): PrepareOptions {
  return prepareOptions.parse(record);
}
