import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Device, type DType, FileFormatError, invalid } from "@stillframe/torch";
import { type LoadOptions, loadComponent, readJson } from "./checkpoint.js";
import { clipTextConfig } from "./clip/config.js";
import { ClipTextModel } from "./clip/model.js";
import { LORA_PARTS, type LoraPart, layerSlots } from "./lora/index.js";
import type { SchedulerConfig } from "./schedule/scheduler-config.js";
import { ClipTokenizer } from "./tokenizer.js";
import { unetConfig } from "./unet/config.js";
import { Unet } from "./unet/model.js";
import { vaeConfig } from "./vae/config.js";
import { Vae } from "./vae/model.js";

/** How the network was trained and is usually sampled: diffusers' scheduler class and its configuration. */
export interface SchedulerSettings {
  className: string;
  config: SchedulerConfig;
}

/** Stable Diffusion XL, all of it. */
export interface Sdxl {
  source: string;
  tokenizers: readonly [ClipTokenizer, ClipTokenizer];
  textEncoders: readonly [ClipTextModel, ClipTextModel];
  unet: Unet;
  vae: Vae;
  scheduler: SchedulerSettings;
  /** an absent negative prompt is zeros instead of the empty prompt's embedding */
  forceZerosForEmptyPrompt: boolean;
  /** every weight file that was read */
  files: string[];
}

export interface SdxlLoadOptions extends Omit<LoadOptions, "dtype"> {
  /** element type of UNet and text encoders; as in the files unless said */
  dtype?: DType | undefined;
  /** float32 unless said: the original SDXL VAE overflows in half precision */
  vaeDtype?: DType | undefined;
  /** a folder with another VAE, itself or with a `vae` folder in it */
  vae?: string | undefined;
  device?: Device | undefined;
}

/** Checks that a folder holds an SDXL pipeline, and gives its `model_index.json`. */
export function checkModelFolder(folder: string): Record<string, unknown> {
  if (!existsSync(folder))
    throw invalid("pretrained_model_name_or_path", "a folder with an SDXL model in the diffusers layout", folder);
  if (!statSync(folder).isDirectory())
    throw invalid(
      "pretrained_model_name_or_path",
      "a folder in the diffusers layout (a single file is not supported yet)",
      folder,
    );
  const path = join(folder, "model_index.json");
  const index = readJson(path) as Record<string, unknown>;
  const name = index["_class_name"];
  if (typeof name !== "string" || !name.startsWith("StableDiffusionXL"))
    throw new FileFormatError(path, `expected a StableDiffusionXL pipeline but found ${JSON.stringify(name)}`);
  return index;
}

/** The text encoders alone, with their tokenizers. */
export function loadTextEncoders(
  folder: string,
  { variant, dtype, device, frozen }: LoadOptions = {},
): Pick<Sdxl, "tokenizers" | "textEncoders" | "files"> {
  const load = (sub: string) =>
    loadComponent(join(folder, sub), {
      stem: "model",
      config: clipTextConfig,
      make: (c) => new ClipTextModel(c),
      variant,
      dtype,
      device,
      frozen,
    });
  const [one, two] = [load("text_encoder"), load("text_encoder_2")];
  if (two.model.textProjection === null)
    throw new FileFormatError(
      join(folder, "text_encoder_2"),
      "the second text encoder has no projection; is this an SDXL model?",
    );
  return {
    tokenizers: [
      ClipTokenizer.fromFolder(join(folder, "tokenizer")),
      ClipTokenizer.fromFolder(join(folder, "tokenizer_2")),
    ],
    textEncoders: [one.model, two.model],
    files: [...one.files, ...two.files],
  };
}

/** A VAE from its own folder, or from the `vae` folder in a model's. */
export function loadVae(
  folder: string,
  { variant, dtype = "float32", device }: LoadOptions = {},
): { model: Vae; files: string[] } {
  const inner =
    existsSync(join(folder, "model_index.json")) || existsSync(join(folder, "vae", "config.json"))
      ? join(folder, "vae")
      : folder;
  return loadComponent(inner, {
    stem: "diffusion_pytorch_model",
    config: vaeConfig,
    make: (c) => new Vae(c),
    variant,
    dtype,
    device,
  });
}

/** The UNet of a model's folder. */
export function loadUnet(folder: string, options: LoadOptions = {}): { model: Unet; files: string[] } {
  return loadComponent(join(folder, "unet"), {
    stem: "diffusion_pytorch_model",
    config: unetConfig,
    make: (c) => new Unet(c),
    ...options,
  });
}

/** The scheduler's class and configuration of a model's folder. */
export function loadScheduler(folder: string): SchedulerSettings {
  const path = join(folder, "scheduler", "scheduler_config.json");
  const config = readJson(path) as SchedulerConfig & { _class_name?: unknown };
  if (typeof config._class_name !== "string")
    throw new FileFormatError(path, "expected _class_name to name a scheduler");
  return { className: config._class_name, config };
}

/**
 * Loads a model in the diffusers layout. Weights stay mapped files where no other element type or device is asked for.
 *
 * @throws InvalidArgumentError when there is no such folder
 * @throws FileFormatError when a file is missing or broken
 * @throws WeightsError when weights do not fit
 */
export function loadSdxl(
  folder: string,
  { variant, dtype, vaeDtype = "float32", vae, device, frozen }: SdxlLoadOptions = {},
): Sdxl {
  const index = checkModelFolder(folder);
  const text = loadTextEncoders(folder, { variant, dtype, device, frozen });
  const unet = loadUnet(folder, { variant, dtype, device, frozen });
  const autoencoder = loadVae(vae ?? folder, {
    variant: vae === undefined ? variant : undefined,
    dtype: vaeDtype,
    device,
  });
  return {
    source: folder,
    tokenizers: text.tokenizers,
    textEncoders: text.textEncoders,
    unet: unet.model,
    vae: autoencoder.model,
    scheduler: loadScheduler(folder),
    forceZerosForEmptyPrompt: index["force_zeros_for_empty_prompt"] !== false,
    files: [...text.files, ...unet.files, ...autoencoder.files],
  };
}

/** The models that an adapter may touch. */
export function loraParts({
  unet,
  textEncoders,
}: Pick<Sdxl, "unet" | "textEncoders">): Record<LoraPart, Unet | ClipTextModel> {
  return { unet, text_encoder: textEncoders[0], text_encoder_2: textEncoders[1] };
}

/** Paths of all layers that can be adapted, for reading an adapter's names. */
export function layerPaths(model: Pick<Sdxl, "unet" | "textEncoders">): Record<LoraPart, string[]> {
  const parts = loraParts(model);
  return Object.fromEntries(LORA_PARTS.map((p) => [p, layerSlots(parts[p]).map((s) => s.path)])) as Record<
    LoraPart,
    string[]
  >;
}

/** Frees all weights. */
export function disposeSdxl({ unet, vae, textEncoders }: Sdxl): void {
  for (const m of [unet, vae, ...textEncoders]) m.dispose();
}
