import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet, rule } from "./option-set.js";

const shape = {
  source: option(field.text, {
    group: "run",
    metavar: "RUN|CARD",
    positional: true,
    effect: "result",
    help: "What to make again: a run's folder, its manifest.json, a model card, or a repository of the Hub.",
  }),
  output_dir: option(field.optionalText, {
    group: "run",
    metavar: "DIR",
    effect: "files",
    unset: "the name of the first run with -reproduced behind it",
    help: "A new or empty folder for the second run.",
  }),
  check_only: option(field.flag, {
    group: "run",
    effect: "files",
    help: "Compare data, base model and engine with what the manifest names, and train nothing.",
  }),
  allow_changes: option(field.flag, {
    group: "run",
    effect: "result",
    help: "Train even when the data or the base model are not those that the manifest names.",
  }),
  pretrained_model_name_or_path: option(field.optionalText, {
    group: "inputs",
    metavar: "MODEL",
    effect: "result",
    unset: "as in the manifest",
    help: "Where the base model is on this machine.",
  }),
  pretrained_vae_model_name_or_path: option(field.optionalText, {
    group: "inputs",
    metavar: "VAE",
    effect: "result",
    unset: "as in the manifest",
    help: "Where the VAE is on this machine.",
  }),
  train_data_dir: option(field.optionalText, {
    group: "inputs",
    metavar: "DIR",
    effect: "result",
    unset: "as in the manifest",
    help: "Where the folder of pictures is on this machine.",
  }),
  dataset_name: option(field.optionalText, {
    group: "inputs",
    metavar: "NAME",
    effect: "result",
    unset: "as in the manifest",
    help: "Where the data set is: a repository of the Hub or a local folder.",
  }),
  cache_dir: option(field.optionalText, {
    group: "inputs",
    metavar: "DIR",
    effect: "files",
    unset: "the user's cache folder",
    help: "Where prepared pictures and encoded captions are kept between runs.",
  }),
  device: option(
    z
      .string()
      .regex(/^(auto|cpu|mps|cuda(:\d+)?)$/)
      .nullable()
      .default(null),
    {
      group: "inputs",
      metavar: "DEVICE",
      effect: "speed",
      expects: "auto, cpu, mps, cuda or cuda:N",
      unset: "the kind that the manifest names",
      help: "Where to compute. The same bytes are to be expected of the same kind of device alone.",
    },
  ),
};

/** Every option of `stillframe reproduce`. */
export type ReproduceOptions = z.output<z.ZodObject<typeof shape>>;
/** What a caller may give: all that has a default may be left out. */
export type ReproduceOptionsInput = z.input<z.ZodObject<typeof shape>>;

const rules = [
  rule<ReproduceOptions, "train_data_dir" | "dataset_name">(["train_data_dir", "dataset_name"], (o) =>
    o.train_data_dir !== null && o.dataset_name !== null
      ? "expected either train_data_dir or dataset_name but received both"
      : undefined,
  ),
];

/** The options of `stillframe reproduce`. */
export const reproduceOptions = new OptionSet({
  command: "reproduce",
  summary: "Check what a run was made of, train it again and say what differs",
  groups: [
    { id: "run", title: "Run" },
    { id: "inputs", title: "Inputs on this machine" },
  ],
  shape,
  rules,
});
