import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ClipTextModel, clipTextConfig, Unet, unetConfig, Vae, vaeConfig } from "@stillframe/diffusion";
import { Generator, invalid, type Module, noGrad, writeSafetensors } from "@stillframe/torch";
import { json, writeWhole } from "../files/write-whole.js";
import { configsOf, MODEL_SIZES, type ModelConfigs, type ModelSizeName } from "./sizes.js";
import { byteTokenIds, END_TOKEN, writeTokenizer } from "./tokenizer-files.js";

/** The scheduler that SDXL comes with. */
const SCHEDULER = {
  _class_name: "EulerDiscreteScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  interpolation_type: "linear",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  steps_offset: 1,
  timestep_spacing: "leading",
  use_karras_sigmas: false,
};

const MODEL_INDEX = {
  _class_name: "StableDiffusionXLPipeline",
  force_zeros_for_empty_prompt: true,
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  tokenizer_2: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

/** The parts with weights: how each is made of its configuration, and what its file is called. */
const PARTS: readonly { name: keyof ModelConfigs; file: string; make: (config: unknown) => Module }[] = [
  { name: "text_encoder", file: "model", make: (c) => new ClipTextModel(clipTextConfig(c)) },
  { name: "text_encoder_2", file: "model", make: (c) => new ClipTextModel(clipTextConfig(c)) },
  { name: "vae", file: "diffusion_pytorch_model", make: (c) => new Vae(vaeConfig(c)) },
  { name: "unet", file: "diffusion_pytorch_model", make: (c) => new Unet(unetConfig(c)) },
];

/**
 * Makes a small SDXL with random weights in the diffusers layout: every part and file of the real one (float32
 * safetensors), so that whatever loads SDXL loads it. It knows nothing until it is trained. The same seed and size give
 * the same bytes.
 *
 * @param folder new or empty
 * @param options `seed` draws the weights; `size` is `tiny` (1.3 million weights) or `small` (21 million)
 * @throws InvalidArgumentError when the folder holds something, or the size is unknown
 */
export function makeRandomModel(folder: string, { seed, size = "tiny" }: { seed: number; size?: ModelSizeName }): void {
  if (!Object.hasOwn(MODEL_SIZES, size)) throw invalid("size", Object.keys(MODEL_SIZES).join(" or "), size);
  if (existsSync(folder) && readdirSync(folder).length > 0) throw invalid("folder", "a new or empty folder", folder);
  const configs = configsOf(MODEL_SIZES[size], byteTokenIds());
  const generator = new Generator(seed);
  for (const { name, file, make } of PARTS) {
    mkdirSync(join(folder, name), { recursive: true });
    writeWhole(join(folder, name, "config.json"), json(configs[name]));
    const module = noGrad(() => make(configs[name]).initialize(generator));
    writeSafetensors(join(folder, name, `${file}.safetensors`), module.stateDict(), { metadata: { format: "pt" } });
    module.dispose();
  }
  writeTokenizer(join(folder, "tokenizer"), { padToken: END_TOKEN });
  writeTokenizer(join(folder, "tokenizer_2"), { padToken: "!" });
  writeWhole(join(folder, "scheduler", "scheduler_config.json"), json(SCHEDULER));
  // last, because this file is what makes a folder a model
  writeWhole(join(folder, "model_index.json"), json(MODEL_INDEX));
}

export type { ModelSizeName } from "./sizes.js";
