import { z } from "zod";
import { field } from "./field.js";
import { option } from "./option.js";
import { OptionSet, rule } from "./option-set.js";

/** The samplers that `generate` knows. */
export const SCHEDULERS = [
  "euler",
  "euler_ancestral",
  "ddim",
  "ddpm",
  "dpmpp_2m",
  "dpmpp_2m_karras",
  "dpmpp_2m_sde",
  "unipc",
  "lcm",
  "heun",
] as const;

const NUMBERS = /^\s*-?\d+(\.\d+)?(\s*,\s*-?\d+(\.\d+)?)*\s*$/;

const shape = {
  pretrained_model_name_or_path: option(field.text, {
    group: "model",
    metavar: "MODEL",
    effect: "result",
    help: "The Stable Diffusion XL model: a folder in the diffusers layout, or a repository of the Hugging Face Hub.",
  }),
  pretrained_vae_model_name_or_path: option(field.optionalText, {
    group: "model",
    metavar: "VAE",
    effect: "result",
    unset: "the model's own",
    help: "Another VAE: a folder or a Hub repository.",
  }),
  revision: option(field.optionalText, {
    group: "model",
    metavar: "REV",
    effect: "result",
    unset: "the newest",
    help: "Branch, tag or commit of the model's Hub repository.",
  }),
  variant: option(field.optionalText, {
    group: "model",
    metavar: "NAME",
    effect: "result",
    unset: "the plain files",
    help: "Which weight files to read where a model has several, for instance fp16.",
  }),
  lora: option(field.optionalText, {
    group: "model",
    metavar: "PATH",
    effect: "result",
    unset: "none",
    help: "A LoRA: the folder of a training run, or a safetensors file in the naming of diffusers or kohya.",
  }),
  lora_scale: option(z.number().default(1), {
    group: "model",
    effect: "result",
    help: "Strength of the LoRA: 0 is the base model, 1 as trained.",
  }),
  lora_scales: option(z.string().regex(NUMBERS).nullable().default(null), {
    group: "model",
    metavar: "NUMBERS",
    effect: "files",
    expects: "numbers with commas between them, such as 0.5,1,1.3",
    unset: "lora_scale alone",
    help: "Make every picture at each of these strengths, from the same noise, and set them side by side.",
  }),
  compare: option(field.flag, {
    group: "pictures",
    effect: "files",
    help: "Make every picture also without the LoRA, from the same noise, and set them side by side.",
  }),
  prompt: option(z.array(z.string()).min(1), {
    group: "pictures",
    metavar: "TEXT",
    effect: "result",
    help: "What to draw. Give it several times for several prompts.",
  }),
  prefix: option(field.optionalText, {
    group: "pictures",
    metavar: "TEXT",
    effect: "result",
    unset: "prompts as they are",
    help:
      "Words before every prompt that does not begin with them. With compare, every picture is also made with the " +
      "LoRA and without these words.",
  }),
  negative_prompt: option(z.string().nullable().default(null), {
    group: "pictures",
    metavar: "TEXT",
    effect: "result",
    unset: "none",
    help: "What to stay away from.",
  }),
  max_token_length: option(z.literal([77, 150, 225]).default(77), {
    group: "pictures",
    effect: "result",
    help: "Longest prompt in tokens; as in training.",
  }),
  num_images: option(field.count.default(1), {
    group: "pictures",
    effect: "files",
    aliases: ["num_images_per_prompt"],
    help: "Pictures for each prompt.",
  }),
  seed: option(z.int().min(0).nullable().default(null), {
    group: "pictures",
    effect: "result",
    unset: "drawn, and noted in each picture",
    help: "Seed of the first picture; the next have the next numbers. A picture depends on its own seed alone.",
  }),
  width: option(z.int().min(8).nullable().default(null), {
    group: "pictures",
    effect: "result",
    unset: "the model's own",
    help: "Width in pixels.",
  }),
  height: option(z.int().min(8).nullable().default(null), {
    group: "pictures",
    effect: "result",
    unset: "the model's own",
    help: "Height in pixels.",
  }),
  scheduler: option(z.enum(SCHEDULERS).default("euler"), {
    group: "sampling",
    metavar: "NAME",
    effect: "result",
    help: "The sampler.",
  }),
  steps: option(field.count.default(50), {
    group: "sampling",
    effect: "result",
    aliases: ["num_inference_steps"],
    help: "Denoising steps.",
  }),
  guidance_scale: option(z.number().min(0).default(5), {
    group: "sampling",
    effect: "result",
    help: "How strongly the prompt is followed. Up to 1 there is no guidance, and a step takes half the time.",
  }),
  guidance_rescale: option(field.share.default(0), {
    group: "sampling",
    effect: "result",
    help: "Pull the contrast of guided pictures back (Lin et al. 2023); 0.7 is usual for v-prediction models.",
  }),
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
    help: "Number format of the weights and of the computation.",
  }),
  vae_tiling: option(field.flag, {
    group: "precision",
    effect: "result",
    help: "Decode in overlapping tiles: little memory at any size, seams are blended.",
  }),
  output_dir: option(z.string().min(1).default("pictures"), {
    group: "output",
    metavar: "DIR",
    effect: "files",
    help: "Folder for the pictures and the contact sheet.",
  }),
};

/** Every option of a generation, with its default filled in. */
export type GenerateOptions = z.output<z.ZodObject<typeof shape>>;
/** What a caller may give: all that has a default may be left out. */
export type GenerateOptionsInput = z.input<z.ZodObject<typeof shape>>;

const rules = [
  rule<GenerateOptions, "compare" | "lora">(["compare", "lora"], (o) =>
    o.compare && o.lora === null ? "compare sets a LoRA beside the base model: give lora too" : undefined,
  ),
  rule<GenerateOptions, "lora" | "lora_scale">(["lora", "lora_scale"], (o) =>
    o.lora_scale !== 1 && o.lora === null ? "lora_scale is the strength of a LoRA: give lora too" : undefined,
  ),
  rule<GenerateOptions, "lora" | "lora_scale" | "lora_scales">(["lora", "lora_scale", "lora_scales"], (o) => {
    if (o.lora_scales === null) return undefined;
    if (o.lora === null) return "lora_scales are strengths of a LoRA: give lora too";
    if (o.lora_scale !== 1) return "expected either lora_scale or lora_scales but received both";
    const scales = o.lora_scales.split(",").map(Number);
    return new Set(scales).size < scales.length ? "expected each strength once for lora_scales" : undefined;
  }),
];

/** The options of `stillframe generate`. */
export const generateOptions = new OptionSet({
  command: "generate",
  summary: "Make pictures with a model, with or without a LoRA",
  groups: [
    { id: "model", title: "Model" },
    { id: "pictures", title: "Pictures" },
    { id: "sampling", title: "Sampling" },
    { id: "precision", title: "Device, precision and memory" },
    { id: "output", title: "Output" },
  ],
  shape,
  rules,
});

/** The zod schema of the options: a strict object. */
export const GenerateOptionsSchema = generateOptions.schema;

/**
 * Generation options from a plain record.
 *
 * @throws OptionsError with every problem found.
 */
export function parseGenerateOptions(record: Readonly<Record<string, unknown>>): GenerateOptions {
  return generateOptions.parse(record);
}
