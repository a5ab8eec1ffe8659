import { noGrad } from "../autograd.js";
import { type DType, isFloating } from "../dtype.js";
import { empty } from "../factory.js";
import type { Generator } from "../generator.js";
import { keep } from "../scope.js";
import { type Device, Tensor } from "../tensor.js";

/** Anything that maps one tensor to another: what a slot of a model holds, so that an adapter may take its place. */
export interface Layer {
  forward(x: Tensor): Tensor;
}

/** A weight's shape, before there is a weight: a tensor without memory. Loading or initializing replaces it. */
export function declareWeight(...shape: number[]): Tensor {
  return keep(empty(shape, { device: "meta" }));
}

/** `downBlocks` → `down_blocks`; `linear_1` stays. The one rule between properties and checkpoint keys. */
export function checkpointKey(property: string): string {
  return property.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
}

/** Where a weight hangs: the object (or array) and the key in it, so that it can be replaced. */
export interface WeightSlot {
  key: string;
  tensor: Tensor;
  owner: Record<string, unknown>;
  property: string;
}

function* walk(owner: object, prefix: string): IterableIterator<WeightSlot> {
  for (const [property, value] of Object.entries(owner)) {
    const key = prefix + (Array.isArray(owner) ? property : checkpointKey(property));
    if (value instanceof Tensor) yield { key, tensor: value, owner: owner as Record<string, unknown>, property };
    else if (value instanceof Module || Array.isArray(value)) yield* walk(value, `${key}.`);
  }
}

/** Something with weights. Its own properties that are tensors, modules, or arrays of modules are its weights. */
export abstract class Module {
  /** Every weight with its checkpoint key, in the order in which the constructor made them. */
  *weights(prefix = ""): IterableIterator<WeightSlot> {
    yield* walk(this, prefix);
  }

  /** Weights by checkpoint key. */
  stateDict(prefix = ""): Map<string, Tensor> {
    return new Map([...this.weights(prefix)].map((w) => [w.key, w.tensor]));
  }

  /** This module and all modules in it with their paths, depth first. */
  *modules(path = ""): IterableIterator<{ path: string; module: Module }> {
    yield { path, module: this };
    yield* inside(this, path === "" ? "" : `${path}.`);
  }

  /** Weights that are being trained. */
  trainable(): Tensor[] {
    return [...this.weights()].filter((w) => w.tensor.requiresGrad).map((w) => w.tensor);
  }

  /** Stops or starts differentiation with respect to all weights. */
  requiresGrad_(value: boolean): this {
    for (const { tensor } of this.weights()) tensor.requiresGrad_(value);
    return this;
  }

  /** Moves or casts the weights that change thereby; each old one is freed. What is trained stays so. */
  to({ dtype, device }: { dtype?: DType; device?: Device }): this {
    for (const w of this.weights()) {
      const cast = dtype !== undefined && isFloating(w.tensor.dtype) && w.tensor.dtype !== dtype;
      const move = device !== undefined && w.tensor.device !== device;
      if (!cast && !move) continue;
      const moved = noGrad(() => w.tensor.to({ ...(cast ? { dtype } : {}), ...(move ? { device } : {}) }));
      if (w.tensor.requiresGrad) moved.requiresGrad_();
      replaceWeight(w, moved);
    }
    return this;
  }

  /** Draws initial weights for every layer below, in order, so that one seed gives one model. */
  initialize(generator: Generator): this {
    for (const { module } of this.modules()) (module as { reset?: (g: Generator) => void }).reset?.(generator);
    return this;
  }

  /** Number of weights' elements. */
  get parameterCount(): number {
    let n = 0;
    for (const { tensor } of this.weights()) n += tensor.numel;
    return n;
  }

  /** Frees all weights. */
  dispose(): void {
    for (const { tensor } of this.weights()) tensor.dispose();
  }
}

function* inside(owner: object, prefix: string): IterableIterator<{ path: string; module: Module }> {
  for (const [property, value] of Object.entries(owner)) {
    const path = prefix + (Array.isArray(owner) ? property : checkpointKey(property));
    if (value instanceof Module) yield* value.modules(path);
    else if (Array.isArray(value)) yield* inside(value, `${path}.`);
  }
}

/** Puts a tensor in a weight's place; the module owns it from here on. */
export function replaceWeight(slot: WeightSlot, tensor: Tensor): void {
  if (tensor === slot.tensor) return;
  slot.tensor.dispose();
  slot.owner[slot.property] = keep(tensor);
}
