import { z } from "zod";
import { field } from "./field.js";
import { generateOptions } from "./generate-options.js";
import { option } from "./option.js";
import { OptionSet, rule } from "./option-set.js";
import { dataOptions } from "./train-options/data.js";
import { hubOptions } from "./train-options/running.js";

const NUMBERS = /^\s*-?\d+(\.\d+)?(\s*,\s*-?\d+(\.\d+)?)*\s*$/;
const { shape: drawing } = generateOptions.schema;

const shape = {
  real: option(field.text, {
    group: "pictures",
    metavar: "DIR",
    effect: "result",
    help: "The real pictures, which the training must not have seen: a folder, a folder of parquet files, or a data set of the Hugging Face Hub. Or an .npz with mu and sigma, as pytorch-fid writes it: then FID alone is measured against it.",
  }),
  dataset_config_name: option(field.optionalText, {
    group: "pictures",
    metavar: "NAME",
    effect: "result",
    unset: "the default one",
    help: "Which configuration of the data set, where it has several.",
  }),
  image_column: option(z.string().min(1).default("image"), {
    group: "pictures",
    metavar: "NAME",
    effect: "result",
    help: "The data set's column with the pictures.",
  }),
  caption_column: option(z.string().min(1).default("text"), {
    group: "pictures",
    metavar: "NAME",
    effect: "result",
    help: "The column, or the field of metadata.jsonl, with the captions.",
  }),
  real_fit: option(z.enum(["crop", "as_is"]).default("crop"), {
    group: "pictures",
    effect: "result",
    help: "crop: bring real pictures to the size of the generated ones, by cutting their middle to that shape and resizing with antialias. as_is: give them to the networks as they are.",
  }),
  generated: option(z.array(z.string().regex(/^[^=]+=.+$/)).default([]), {
    group: "pictures",
    metavar: "NAME=DIR",
    effect: "result",
    help: "Measure pictures that are there already, in place of generating: once for each arm, the base first. Pictures of equal names are a pair.",
  }),
  training: option(field.optionalText, {
    group: "pictures",
    metavar: "DIR",
    effect: "result",
    unset: "no copy check",
    help: "The training pictures: for each generated picture the one that it is most like is looked for.",
  }),
  pretrained_model_name_or_path: option(field.optionalText, {
    group: "model",
    metavar: "MODEL",
    effect: "result",
    aliases: ["base"],
    unset: "none; then generated is required",
    help: "The base model: a folder in the diffusers layout, or a repository of the Hugging Face Hub.",
  }),
  pretrained_vae_model_name_or_path: drawing.pretrained_vae_model_name_or_path,
  revision: drawing.revision,
  variant: drawing.variant,
  lora: option(z.array(z.string().min(1)).default([]), {
    group: "model",
    metavar: "PATH",
    effect: "result",
    help: "A LoRA to set beside the base: the folder of a training run, or a safetensors file. Several are several arms.",
  }),
  lora_scales: option(z.string().regex(NUMBERS).nullable().default(null), {
    group: "arms",
    metavar: "NUMBERS",
    effect: "result",
    expects: "numbers with commas between them, such as 0.5,1,1.3",
    unset: "1",
    help: "An arm for each strength of the LoRA.",
  }),
  models: option(z.array(z.string().regex(/^[^=]+=.+$/)).default([]), {
    group: "arms",
    metavar: "NAME=MODEL",
    effect: "result",
    help: "One more arm for each: another whole model, for instance one that was trained in full, with the same prompts and seeds. A folder in the diffusers layout, or a repository of the Hub.",
  }),
  checkpoints: option(field.flag, {
    group: "arms",
    effect: "result",
    help: "An arm for each checkpoint of the run given with lora, and a curve over the training steps.",
  }),
  select: option(z.enum(["best"]).nullable().default(null), {
    group: "arms",
    effect: "result",
    unset: "all are reported",
    help: "Pick the best checkpoint on half of the prompts and real pictures, and report it on the other half.",
  }),
  select_metric: option(z.enum(["kid", "fid", "fd_dinov2", "cmmd", "classifier_fd"]).nullable().default(null), {
    group: "arms",
    effect: "result",
    unset: "the first of fd_dinov2, kid, cmmd, classifier_fd that is measured",
    help: "What the best checkpoint is best in.",
  }),
  prompts: option(field.optionalText, {
    group: "arms",
    metavar: "FILE",
    effect: "result",
    unset: "the captions of the real pictures",
    help: "What to draw: a text file with a prompt on each line, or a metadata.jsonl with captions. Where its lines have a field asked (question to answer), a classifier that recognises things counts what is there.",
  }),
  base_prompt_field: option(field.optionalText, {
    group: "arms",
    metavar: "NAME",
    effect: "result",
    unset: "no such arm",
    help: "One more arm: the base asked in words that it knows, which are in this field of the prompts' metadata.jsonl.",
  }),
  max_prompts: option(field.optionalCount, {
    group: "arms",
    effect: "result",
    unset: "all",
    help: "Use this many prompts, the first ones.",
  }),
  prefix: option(field.optionalText, {
    group: "arms",
    metavar: "TEXT",
    effect: "result",
    unset: "prompts as they are",
    help: "Words before every prompt that does not begin with them; one more arm shows the LoRA without them.",
  }),
  style_words: option(field.optionalText, {
    group: "arms",
    metavar: "TEXT",
    effect: "result",
    unset: "no such arm",
    help: "One more arm: the base model with these words before every prompt. What a prompt can do, a LoRA need not.",
  }),
  generic_prompts: option(field.optionalText, {
    group: "arms",
    metavar: "FILE",
    effect: "result",
    unset: "no such arms",
    help: "Prompts that have nothing to do with the style, one on each line: how far the LoRA moves what it should leave alone.",
  }),
  negative_prompt: drawing.negative_prompt,
  max_token_length: drawing.max_token_length,
  num_images: option(field.count.default(1), {
    group: "sampling",
    effect: "result",
    aliases: ["num_images_per_prompt"],
    help: "Pictures for each prompt, with different seeds. LPIPS diversity needs 2 or more.",
  }),
  seed: option(z.int().min(0).default(0), {
    group: "sampling",
    effect: "result",
    help: "Seed of the first picture, the same in every arm; the next have the next numbers. Also draws resamples and halves.",
  }),
  width: drawing.width,
  height: drawing.height,
  scheduler: drawing.scheduler,
  steps: drawing.steps,
  guidance_scale: drawing.guidance_scale,
  guidance_rescale: drawing.guidance_rescale,
  inception: option(field.optionalText, {
    group: "networks",
    metavar: "FILE",
    effect: "result",
    unset: "no FID, no KID",
    help: "Weights of the Inception-v3 that FID is defined with: safetensors, or the published .pth, which is converted once; or a repository of the Hub that holds one of them.",
  }),
  dinov2: option(field.optionalText, {
    group: "networks",
    metavar: "DIR",
    effect: "result",
    unset: "no FD-DINOv2",
    help: "A DINOv2: a folder with config.json and model.safetensors, or a repository of the Hub.",
  }),
  clip: option(field.optionalText, {
    group: "networks",
    metavar: "DIR",
    effect: "result",
    unset: "no CMMD, no CLIP score",
    help: "A CLIP with both encoders and its tokenizer: a folder, or a repository of the Hub.",
  }),
  lpips: option(field.optionalText, {
    group: "networks",
    metavar: "FILE",
    effect: "result",
    unset: "no LPIPS diversity",
    help: "LPIPS: the weights of the classifier, with those of LPIPS in the same file or in lpips_linear; safetensors or .pth.",
  }),
  lpips_linear: option(field.optionalText, {
    group: "networks",
    metavar: "FILE",
    effect: "result",
    unset: "in the file of lpips",
    help: "The weights that LPIPS itself was trained to.",
  }),
  lpips_network: option(z.enum(["alex", "vgg"]).default("alex"), {
    group: "networks",
    effect: "result",
    help: "The classifier behind LPIPS.",
  }),
  classifier: option(field.optionalText, {
    group: "networks",
    metavar: "MODULE",
    effect: "result",
    unset: "none",
    help: "A network of your own: a JavaScript module that exports a feature extractor as its default, which may also recognise things. It is run: give only what you trust.",
  }),
  resamples: option(z.int().min(0).default(200), {
    group: "measuring",
    effect: "result",
    help: "Resamples of the bootstrap that the intervals come from; 0 for no intervals.",
  }),
  batch_size: option(field.count.default(32), {
    group: "measuring",
    effect: "speed",
    help: "Pictures that go through a network at once.",
  }),
  device: drawing.device,
  mixed_precision: drawing.mixed_precision,
  vae_tiling: drawing.vae_tiling,
  cache_dir: dataOptions.cache_dir,
  output_dir: option(z.string().min(1).default("evaluation"), {
    group: "output",
    metavar: "DIR",
    effect: "files",
    help: "Folder for the pictures, evaluation.json, the table, the plots and evaluation.html. Started again, it keeps pictures that are as they would be drawn.",
  }),
  title: option(field.optionalText, {
    group: "output",
    metavar: "TEXT",
    effect: "files",
    unset: "the names of what is compared",
    help: "Title of the page.",
  }),
  gallery: option(z.int().min(0).default(12), {
    group: "output",
    effect: "files",
    help: "Pictures of each arm that the page shows: the first ones, unselected.",
  }),
  write_statistics: option(field.flag, {
    group: "output",
    effect: "files",
    help: "Write mean and covariance of the Inception features of the real pictures and of every arm into statistics/, as .npz that pytorch-fid reads.",
  }),
  hub_token: hubOptions.hub_token,
};

/** Every option of an evaluation, with its default filled in. */
export type EvaluateOptions = z.output<z.ZodObject<typeof shape>>;
/** What a caller may give: all that has a default may be left out. */
export type EvaluateOptionsInput = z.input<z.ZodObject<typeof shape>>;

/** What says what to generate. */
const LISTS = ["lora", "models"] as const;
const WORDS = ["prefix", "style_words", "base_prompt_field", "generic_prompts"] as const;

const rules = [
  rule<EvaluateOptions, "pretrained_model_name_or_path" | "generated">(
    ["pretrained_model_name_or_path", "generated"],
    (o) => {
      if (o.pretrained_model_name_or_path === null && o.generated.length === 0)
        return "expected something to measure: give base (a model) or generated (folders of pictures)";
      if (o.pretrained_model_name_or_path !== null && o.generated.length > 0)
        return "expected either base or generated but received both";
      return undefined;
    },
  ),
  rule<EvaluateOptions, "generated" | "checkpoints" | (typeof LISTS)[number] | (typeof WORDS)[number]>(
    ["generated", "checkpoints", ...LISTS, ...WORDS],
    (o) => {
      if (o.generated.length === 0) return undefined;
      const given = [
        ...LISTS.filter((name) => o[name].length > 0),
        ...(o.checkpoints ? ["checkpoints"] : []),
        ...WORDS.filter((name) => o[name] !== null),
      ];
      return given.length === 0
        ? undefined
        : `${given.join(", ")} say what to generate, and with generated nothing is: give base in its place`;
    },
  ),
  rule<EvaluateOptions, "base_prompt_field" | "prompts">(["base_prompt_field", "prompts"], (o) =>
    o.base_prompt_field !== null && !/\.jsonl$/i.test(o.prompts ?? "")
      ? "base_prompt_field is a field of the prompts' metadata.jsonl: give that as prompts"
      : undefined,
  ),
  rule<EvaluateOptions, "real" | "select" | "inception" | "write_statistics">(
    ["real", "select", "inception", "write_statistics"],
    (o) => {
      if (o.write_statistics && o.inception === null)
        return "write_statistics writes those of Inception's features: give inception too";
      if (!/\.npz$/i.test(o.real)) return undefined;
      if (o.inception === null) return "statistics as real are those of Inception's features: give inception too";
      if (o.select !== null) return "select needs real pictures, to choose by one half of them: give a folder as real";
      return undefined;
    },
  ),
  rule<EvaluateOptions, "checkpoints" | "lora" | "lora_scales">(["checkpoints", "lora", "lora_scales"], (o) => {
    if (o.checkpoints && o.lora.length !== 1)
      return `checkpoints are those of one run: expected its folder as lora but received ${o.lora.length} of them`;
    if (o.checkpoints && o.lora_scales !== null) return "expected either checkpoints or lora_scales but received both";
    if (o.lora_scales !== null && o.lora.length === 0) return "lora_scales are strengths of a LoRA: give lora too";
    return undefined;
  }),
  rule<EvaluateOptions, "select" | "select_metric" | "checkpoints">(["select", "select_metric", "checkpoints"], (o) => {
    if (o.select !== null && !o.checkpoints) return "select picks among checkpoints: give checkpoints too";
    if (o.select_metric !== null && o.select === null) return "select_metric is what select goes by: give select too";
    return undefined;
  }),
  rule<EvaluateOptions, "lpips" | "lpips_linear">(["lpips", "lpips_linear"], (o) =>
    o.lpips_linear !== null && o.lpips === null ? "lpips_linear belongs to a classifier: give lpips too" : undefined,
  ),
];

/** The options of `stillframe evaluate`. Those that `generate` has too mean the same there. */
export const evaluateOptions = new OptionSet({
  command: "evaluate",
  summary: "Measure how near generated pictures come to real ones, base against LoRA",
  groups: [
    { id: "pictures", title: "Pictures" },
    { id: "data", title: "Cache" },
    { id: "model", title: "Model" },
    { id: "arms", title: "What is compared" },
    { id: "sampling", title: "Sampling" },
    { id: "networks", title: "Networks to measure with" },
    { id: "measuring", title: "Measuring" },
    { id: "precision", title: "Device, precision and memory" },
    { id: "output", title: "Output" },
    { id: "hub", title: "Hugging Face Hub" },
  ],
  shape,
  rules,
});

/** The zod schema of the options: a strict object. */
export const EvaluateOptionsSchema = evaluateOptions.schema;

/**
 * Options of an evaluation from a plain record.
 *
 * @throws OptionsError with every problem found.
 */
export function parseEvaluateOptions(record: Readonly<Record<string, unknown>>): EvaluateOptions {
  return evaluateOptions.parse(record);
}
