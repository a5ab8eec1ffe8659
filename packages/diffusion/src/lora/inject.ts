import { Conv2d, checkpointKey, type Generator, invalid, Linear, Module } from "@stillframe/torch";
import { LoraConv2d } from "./conv2d.js";
import { LoraLayer, type LoraOptions } from "./layer.js";
import { LoraLinear } from "./linear.js";

/** The projections that the reference script adapts. */
export const UNET_TARGETS: readonly string[] = ["to_k", "to_q", "to_v", "to_out.0"];
export const TEXT_ENCODER_TARGETS: readonly string[] = ["q_proj", "k_proj", "v_proj", "out_proj"];

/** A layer that an adapter can be put on. */
export type Adaptable = Linear | Conv2d;

/** A slot of a model that holds such a layer, adapted or not. */
export interface LayerSlot {
  /** checkpoint path, for instance `down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q` */
  path: string;
  layer: Adaptable | LoraLayer;
  replace(layer: Adaptable | LoraLayer): void;
}

/** All linear layers and convolutions of a model with their places, adapted or not. */
export function layerSlots(model: Module): LayerSlot[] {
  return [...walk(model, "")];
}

function* walk(owner: object, prefix: string): IterableIterator<LayerSlot> {
  for (const [property, value] of Object.entries(owner)) {
    const path = prefix + (Array.isArray(owner) ? property : checkpointKey(property));
    if (value instanceof Linear || value instanceof Conv2d || value instanceof LoraLayer) {
      const replace = (layer: Adaptable | LoraLayer) => {
        (owner as Record<string, unknown>)[property] = layer;
      };
      yield { path, layer: value, replace };
    } else if (value instanceof Module || Array.isArray(value)) yield* walk(value, `${path}.`);
  }
}

/** Whether a path ends in one of the names. */
export const isTarget = (path: string, targets: readonly string[]): boolean =>
  targets.some((t) => path === t || path.endsWith(`.${t}`));

/** The largest rank that an update of a layer can have: its weight as a matrix `[out, in · k · k]`. */
function fullRank({ weight }: Adaptable): number {
  const outputs = weight.size(0);
  return Math.min(outputs, weight.numel / outputs);
}

/** A layer with an update of zero around it. */
export const adapted = (base: Adaptable, options: LoraOptions): LoraLayer =>
  base instanceof Conv2d ? new LoraConv2d(base, options) : new LoraLinear(base, options);

/** An adapted layer and its checkpoint path. */
export interface AdaptedLayer {
  path: string;
  layer: LoraLayer;
}

function checkRank(rank: number, chosen: readonly { path: string; layer: Adaptable }[]): void {
  const [smallest] = chosen.map(({ path, layer }) => ({ path, max: fullRank(layer) })).sort((a, b) => a.max - b.max);
  const max = smallest?.max ?? Number.POSITIVE_INFINITY;
  if (!Number.isInteger(rank) || rank < 1 || rank > max)
    throw invalid("rank", `an integer from 1 to ${max}, the full rank of ${smallest?.path}`, rank);
}

/**
 * Wraps the linear layers and convolutions whose paths end in one of `targets`; with a generator, A is drawn (B is zero).
 *
 * @throws InvalidArgumentError when a target fits no layer, a layer is adapted already, or the rank is too large
 */
export function injectLora(
  model: Module,
  { targets, generator, ...lora }: LoraOptions & { targets: readonly string[]; generator?: Generator },
): AdaptedLayer[] {
  const slots = layerSlots(model);
  for (const t of targets)
    if (!slots.some((s) => isTarget(s.path, [t])))
      throw invalid("target_modules", `names of linear layers or convolutions of ${model.constructor.name}`, t);
  const chosen = slots
    .filter((s) => isTarget(s.path, targets))
    .map(({ layer, ...slot }) => {
      if (layer instanceof LoraLayer) throw invalid(slot.path, "a layer without an adapter", layer);
      return { ...slot, layer };
    });
  checkRank(lora.rank, chosen);
  return chosen.map(({ path, layer: base, replace }) => {
    const layer = adapted(base, lora);
    if (generator !== undefined) layer.initializeAdapter(generator);
    replace(layer);
    return { path, layer };
  });
}

/** The adapted layers of a model. */
export function adaptedLayers(model: Module): AdaptedLayer[] {
  return layerSlots(model).flatMap(({ path, layer }) => (layer instanceof LoraLayer ? [{ path, layer }] : []));
}

/** Sets the strength of all adapted layers: 0 is the base model, 1 the adapter as trained. */
export function setLoraMultiplier(model: Module, multiplier: number): void {
  if (!Number.isFinite(multiplier)) throw invalid("lora_scale", "a finite number", multiplier);
  for (const { layer } of adaptedLayers(model)) layer.multiplier = multiplier;
}

/** Folds all adapters into the weights: the model is a plain one afterwards, and as fast. */
export function fuseLora(model: Module): void {
  for (const slot of layerSlots(model)) if (slot.layer instanceof LoraLayer) slot.replace(slot.layer.fuse());
}

/** Takes all adapters off again. */
export function removeLora(model: Module): void {
  for (const slot of layerSlots(model))
    if (slot.layer instanceof LoraLayer) {
      slot.replace(slot.layer.base);
      slot.layer.loraA.dispose();
      slot.layer.loraB.dispose();
    }
}
