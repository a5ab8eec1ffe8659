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

/** Sizes of a model's parts, and of the linear layers that an adapter can be put on. */
interface PartSizes {
  parameters: number;
  linear: { path: string; sides: number }[];
}
interface ModelSizes {
  unet: PartSizes;
  vae: PartSizes;
  textEncoders: PartSizes[];
}

const known = new WeakMap<ModelConfigs, ModelSizes>();

/** Takes a second for SDXL: thousands of modules are made, though none has memory. */
function sizesOf(configs: ModelConfigs): ModelSizes {
  const before = known.get(configs);
  if (before !== undefined) return before;
  const measured = (module: Module): PartSizes => {
    const linear = linearSlots(module).flatMap(({ path, layer }) =>
      layer instanceof Linear ? [{ path, sides: layer.inFeatures + layer.outFeatures }] : [],
    );
    const sizes = { parameters: module.parameterCount, linear };
    module.dispose();
    return sizes;
  };
  const sizes = {
    unet: measured(new Unet(configs.unet)),
    vae: measured(new Vae(configs.vae)),
    textEncoders: configs.textEncoders.map((c) => measured(new ClipTextModel(c))),
  };
  known.set(configs, sizes);
  return sizes;
}

/** Counts a model's parameters by its configurations, and those that a run trains. */
export function countParameters(configs: ModelConfigs, options: CountOptions): ParameterCounts {
  const { unet, vae, textEncoders } = sizesOf(configs);
  const trainedEncoders = options.train_text_encoder ? textEncoders : [];
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const adapter = ({ linear }: PartSizes, targets: readonly string[]) =>
    options.rank *
    sum(linear.filter(({ path }) => targets.some((t) => path === t || path.endsWith(`.${t}`))).map((l) => l.sides));
  const trained =
    options.method === "full"
      ? unet.parameters + sum(trainedEncoders.map((e) => e.parameters))
      : adapter(unet, options.target_modules ?? UNET_TARGETS) +
        sum(trainedEncoders.map((e) => adapter(e, TEXT_ENCODER_TARGETS)));
  return {
    unet: unet.parameters,
    vae: vae.parameters,
    textEncoders: sum(textEncoders.map((e) => e.parameters)),
    trained,
  };
}
