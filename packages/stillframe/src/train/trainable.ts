import {
  type AdaptedLayer,
  type AdaptedParts,
  injectLora,
  LORA_PARTS,
  type LoraPart,
  loraParts,
  type Sdxl,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
} from "@stillframe/diffusion";
import type { TrainOptions } from "@stillframe/schema";
import { FlatParameters, Generator, invalid, type Module, type ParameterSlot, replaceWeight } from "@stillframe/torch";
import type { Precision } from "./precision.js";
import { derivedSeed } from "./randomness.js";

/** Parameters that share a learning rate. */
export interface TrainableGroup {
  name: "unet" | "text_encoders";
  parameters: FlatParameters;
}

/** What a run trains. */
export interface Trainable {
  groups: readonly TrainableGroup[];
  /** the adapted layers of each part; null for full training */
  adapter: AdaptedParts | null;
  /** numbers that are trained */
  size: number;
  /** what dropout draws from */
  generator: Generator;
}

/** Parts that are trained, in order. */
export const trainedParts = (options: Pick<TrainOptions, "train_text_encoder">): readonly LoraPart[] =>
  options.train_text_encoder ? LORA_PARTS : ["unet"];

/**
 * The first encoder gives its penultimate state alone, so its last layer never gets a gradient. Its adapter is in the
 * file, as the reference writes it, but is not trained (nor decayed).
 */
function getsGradient(part: LoraPart, path: string, model: Sdxl): boolean {
  if (part !== "text_encoder") return true;
  const last = model.textEncoders[0].config.layers - 1;
  return !path.startsWith(`text_model.encoder.layers.${last}.`) && !path.startsWith("text_model.final_layer_norm");
}

const slotsOfLayer = (part: LoraPart, { path, layer }: AdaptedLayer): ParameterSlot[] => [
  { name: `${part}.${path}.lora_A`, tensor: layer.loraA, replace: (t) => (layer.loraA = t) },
  { name: `${part}.${path}.lora_B`, tensor: layer.loraB, replace: (t) => (layer.loraB = t) },
];

function grouped(slots: Partial<Record<LoraPart, ParameterSlot[]>>): TrainableGroup[] {
  const unet = slots.unet ?? [];
  const text = [...(slots.text_encoder ?? []), ...(slots.text_encoder_2 ?? [])];
  const groups: TrainableGroup[] = [{ name: "unet", parameters: new FlatParameters(unet) }];
  if (text.length > 0) groups.push({ name: "text_encoders", parameters: new FlatParameters(text) });
  return groups;
}

const finish = (groups: TrainableGroup[], adapter: AdaptedParts | null, generator: Generator): Trainable => ({
  groups,
  adapter,
  size: groups.reduce((n, g) => n + g.parameters.size, 0),
  generator,
});

/** Puts an adapter on the model: what the reference script's LoRA run trains, from A drawn with the seed and B zero. */
function adapt(
  model: Sdxl,
  options: TrainOptions,
  { seed, device }: { seed: number; device: Precision["device"] },
): Trainable {
  const parts = loraParts(model);
  const dropoutGenerator = new Generator(seed);
  const adapter: AdaptedParts = {};
  const slots: Partial<Record<LoraPart, ParameterSlot[]>> = {};
  for (const [i, part] of trainedParts(options).entries()) {
    const targets = part === "unet" ? (options.target_modules ?? UNET_TARGETS) : TEXT_ENCODER_TARGETS;
    const layers = injectLora(parts[part], {
      rank: options.rank,
      ...(options.lora_alpha === null ? {} : { alpha: options.lora_alpha }),
      rankStabilized: options.use_rslora,
      targets,
      generator: new Generator(derivedSeed(seed, "adapter", i)),
    });
    for (const { layer } of layers) {
      layer.dropout = options.lora_dropout;
      layer.dropoutGenerator = dropoutGenerator;
      layer.moveAdapter(device);
    }
    adapter[part] = layers;
    slots[part] = layers.filter((l) => getsGradient(part, l.path, model)).flatMap((l) => slotsOfLayer(part, l));
  }
  return finish(grouped(slots), adapter, dropoutGenerator);
}

/** Makes the model's own weights trainable. */
function unfreeze(model: Sdxl, options: TrainOptions, seed: number): Trainable {
  if (options.mixed_precision !== "no")
    throw invalid(
      "mixed_precision",
      "no for method=full (the weights are trained in float32)",
      options.mixed_precision,
    );
  const parts = loraParts(model);
  const slots: Partial<Record<LoraPart, ParameterSlot[]>> = {};
  for (const part of trainedParts(options)) slots[part] = slotsOfModule(part, parts[part], model);
  return finish(grouped(slots), null, new Generator(seed));
}

const slotsOfModule = (part: LoraPart, module: Module, model: Sdxl): ParameterSlot[] =>
  [...module.weights()]
    .filter((w) => getsGradient(part, w.key, model))
    .map((w) => ({ name: `${part}.${w.key}`, tensor: w.tensor, replace: (t) => replaceWeight(w, t) }));

/** Prepares the model for training by the method asked for. */
export function makeTrainable(
  model: Sdxl,
  options: TrainOptions,
  { seed, device }: { seed: number; device: Precision["device"] },
): Trainable {
  return options.method === "lora" ? adapt(model, options, { seed, device }) : unfreeze(model, options, seed);
}
