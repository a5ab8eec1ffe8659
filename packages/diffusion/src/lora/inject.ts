import { checkpointKey, type Generator, invalid, Linear, Module } from "@stillframe/torch";
import { LoraLinear, type LoraOptions } from "./layer.js";

/** The projections that the reference script adapts. */
export const UNET_TARGETS: readonly string[] = ["to_k", "to_q", "to_v", "to_out.0"];
export const TEXT_ENCODER_TARGETS: readonly string[] = ["q_proj", "k_proj", "v_proj", "out_proj"];

/** A slot of a model that holds a linear layer. */
export interface LinearSlot {
  /** checkpoint path, for instance `down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q` */
  path: string;
  layer: Linear | LoraLinear;
  replace(layer: Linear | LoraLinear): void;
}

/** All linear layers of a model with their places, adapted or not. */
export function linearSlots(model: Module): LinearSlot[] {
  return [...walk(model, "")];
}

function* walk(owner: object, prefix: string): IterableIterator<LinearSlot> {
  for (const [property, value] of Object.entries(owner)) {
    const path = prefix + (Array.isArray(owner) ? property : checkpointKey(property));
    if (value instanceof Linear || value instanceof LoraLinear) {
      const replace = (layer: Linear | LoraLinear) => {
        (owner as Record<string, unknown>)[property] = layer;
      };
      yield { path, layer: value, replace };
    } else if (value instanceof Module || Array.isArray(value)) yield* walk(value, `${path}.`);
  }
}

const isTarget = (path: string, targets: readonly string[]): boolean =>
  targets.some((t) => path === t || path.endsWith(`.${t}`));

/** An adapted layer and its checkpoint path. */
export interface AdaptedLayer {
  path: string;
  layer: LoraLinear;
}

/**
 * Wraps the linear layers whose paths end in one of `targets`; with a generator, A is drawn (B is zero).
 *
 * @throws InvalidArgumentError when a target fits no layer, a layer is adapted already, or the rank is too large
 */
export function injectLora(
  model: Module,
  { targets, generator, ...lora }: LoraOptions & { targets: readonly string[]; generator?: Generator },
): AdaptedLayer[] {
  const slots = linearSlots(model);
  for (const t of targets)
    if (!slots.some((s) => isTarget(s.path, [t])))
      throw invalid("target_modules", `names of linear layers of ${model.constructor.name}`, t);
  const chosen = slots.filter((s) => isTarget(s.path, targets));
  const max = Math.min(
    ...chosen.map(({ layer }) =>
      layer instanceof LoraLinear ? layer.rank : Math.min(layer.inFeatures, layer.outFeatures),
    ),
  );
  if (!Number.isInteger(lora.rank) || lora.rank < 1 || lora.rank > max)
    throw invalid("rank", `an integer from 1 to ${max}`, lora.rank);
  return chosen.map((slot) => {
    if (slot.layer instanceof LoraLinear) throw invalid(slot.path, "a layer without an adapter", slot.layer);
    const layer = new LoraLinear(slot.layer, lora);
    if (generator !== undefined) layer.initializeAdapter(generator);
    slot.replace(layer);
    return { path: slot.path, layer };
  });
}

/** The adapted layers of a model. */
export function adaptedLayers(model: Module): AdaptedLayer[] {
  return linearSlots(model).flatMap(({ path, layer }) => (layer instanceof LoraLinear ? [{ path, layer }] : []));
}

/** Sets the strength of all adapted layers: 0 is the base model, 1 the adapter as trained. */
export function setLoraMultiplier(model: Module, multiplier: number): void {
  if (!Number.isFinite(multiplier)) throw invalid("lora_scale", "a finite number", multiplier);
  for (const { layer } of adaptedLayers(model)) layer.multiplier = multiplier;
}

/** Folds all adapters into the weights: the model is a plain one afterwards, and as fast. */
export function fuseLora(model: Module): void {
  for (const slot of linearSlots(model)) if (slot.layer instanceof LoraLinear) slot.replace(slot.layer.fuse());
}

/** Takes all adapters off again. */
export function removeLora(model: Module): void {
  for (const slot of linearSlots(model))
    if (slot.layer instanceof LoraLinear) {
      slot.replace(slot.layer.base);
      slot.layer.loraA.dispose();
      slot.layer.loraB.dispose();
    }
}
