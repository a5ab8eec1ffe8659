import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type ClipTextConfig,
  ClipTextModel,
  clipTextConfig,
  linearSlots,
  readJson,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
  Unet,
  type UnetConfig,
  unetConfig,
  Vae,
  type VaeConfig,
  vaeConfig,
} from "@stillframe/diffusion";
import type { TrainOptions } from "@stillframe/schema";
import { Linear, type Module } from "@stillframe/torch";

/** The configurations of a model's parts. */
export interface ModelConfigs {
  unet: UnetConfig;
  vae: VaeConfig;
  textEncoders: readonly [ClipTextConfig, ClipTextConfig];
}

/** Reads the configurations of a model's folder, and of another VAE's; no weights. */
export function readModelConfigs(folder: string, vae: string | null = null): ModelConfigs {
  const config = <C>(path: string, parse: (json: unknown, source: string) => C): C => parse(readJson(path), path);
  const text = (name: string) => config(join(folder, name, "config.json"), clipTextConfig);
  const inner = join(vae ?? folder, "vae", "config.json");
  return {
    unet: config(join(folder, "unet", "config.json"), unetConfig),
    vae: config(vae === null || existsSync(inner) ? inner : join(vae, "config.json"), vaeConfig),
    textEncoders: [text("text_encoder"), text("text_encoder_2")],
  };
}

/** How many numbers a model has, and how many of them are trained. */
export interface ParameterCounts {
  unet: number;
  vae: number;
  textEncoders: number;
  trained: number;
}

type CountOptions = Pick<TrainOptions, "method" | "rank" | "target_modules" | "train_text_encoder">;

/** Counts parameters by making the modules without memory. */
export function countParameters(configs: ModelConfigs, options: CountOptions): ParameterCounts {
  const unet = new Unet(configs.unet);
  const encoders = configs.textEncoders.map((c) => new ClipTextModel(c));
  const vae = new Vae(configs.vae);
  const trainedEncoders = options.train_text_encoder ? encoders : [];
  const adapter = (model: Module, targets: readonly string[]) =>
    linearSlots(model)
      .filter(({ path }) => targets.some((t) => path === t || path.endsWith(`.${t}`)))
      .reduce(
        (n, { layer }) => n + (layer instanceof Linear ? options.rank * (layer.inFeatures + layer.outFeatures) : 0),
        0,
      );
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const trained =
    options.method === "full"
      ? unet.parameterCount + sum(trainedEncoders.map((e) => e.parameterCount))
      : adapter(unet, options.target_modules ?? UNET_TARGETS) +
        sum(trainedEncoders.map((e) => adapter(e, TEXT_ENCODER_TARGETS)));
  const counts = {
    unet: unet.parameterCount,
    vae: vae.parameterCount,
    textEncoders: sum(encoders.map((e) => e.parameterCount)),
    trained,
  };
  for (const module of [unet, vae, ...encoders]) module.dispose();
  return counts;
}
