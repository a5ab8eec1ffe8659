import { groupNorm, layerNorm } from "../functions.generated.js";
import type { Tensor } from "../tensor.js";
import { constant } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";

/** Normalizes groups of channels (Wu & He 2018). */
export class GroupNorm extends Module implements Layer {
  weight: Tensor; // [channels]
  bias: Tensor; // [channels]
  readonly groups: number;
  readonly eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 }: { eps?: number } = {}) {
    super();
    this.weight = declareWeight(channels);
    this.bias = declareWeight(channels);
    this.groups = groups;
    this.eps = eps;
  }

  /** `x [b, channels, ...]` → the same shape */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps);
  }
  reset(): void {
    this.weight = constant(this.weight, 1);
    this.bias = constant(this.bias, 0);
  }
}

/** Normalizes the last axis (Ba et al. 2016). */
export class LayerNorm extends Module implements Layer {
  weight: Tensor; // [features]
  bias: Tensor; // [features]
  readonly eps: number;

  constructor(features: number, { eps = 1e-5 }: { eps?: number } = {}) {
    super();
    this.weight = declareWeight(features);
    this.bias = declareWeight(features);
    this.eps = eps;
  }

  /** `x [..., features]` → the same shape */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.shape, this.weight, this.bias, this.eps);
  }
  reset(): void {
    this.weight = constant(this.weight, 1);
    this.bias = constant(this.bias, 0);
  }
}
