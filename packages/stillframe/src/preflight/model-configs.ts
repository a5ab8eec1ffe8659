import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  type ClipTextConfig,
  ClipTextModel,
  clipTextConfig,
  isTarget,
  LoraLayer,
  layerSlots,
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
import type { Module, Tensor } from "@stillframe/torch";

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

/** Sizes of a model's parts, and what one rank of an adapter adds to each layer. */
interface PartSizes {
  parameters: number;
  layers: { path: string; perRank: number }[];
}
interface ModelSizes {
  unet: PartSizes;
  vae: PartSizes;
  textEncoders: PartSizes[];
}

/** Numbers of A and B together at rank 1: of a weight `[out, in, …]`, the inputs of an output and the outputs. */
const factorSides = ({ shape: [outputs = 1, ...inputs] }: Tensor): number =>
  outputs + inputs.reduce((product, n) => product * n, 1);

const known = new WeakMap<ModelConfigs, ModelSizes>();

/** Takes a second for SDXL: thousands of modules are made, though none has memory. */
function sizesOf(configs: ModelConfigs): ModelSizes {
  const before = known.get(configs);
  if (before !== undefined) return before;
  const measured = (module: Module): PartSizes => {
    const layers = layerSlots(module).flatMap(({ path, layer }) =>
      layer instanceof LoraLayer ? [] : [{ path, perRank: factorSides(layer.weight) }],
    );
    const sizes = { parameters: module.parameterCount, layers };
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
  const adapter = ({ layers }: PartSizes, targets: readonly string[]) =>
    options.rank * sum(layers.filter(({ path }) => isTarget(path, targets)).map((l) => l.perRank));
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

/** What is trained in the UNet, as `unetCost` takes it. The second text encoder's pooled state comes in by `add_embedding`. */
export function trainedLayers(configs: ModelConfigs, options: CountOptions): "all" | string[] {
  if (options.method === "full") return "all";
  const targets = options.target_modules ?? UNET_TARGETS;
  const adapted = sizesOf(configs)
    .unet.layers.map((l) => l.path)
    .filter((path) => isTarget(path, targets));
  return options.train_text_encoder ? [...adapted, "add_embedding"] : adapted;
}
