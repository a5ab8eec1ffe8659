import { groupNorm, layerNorm, silu } from "../functions.generated.js";
import { native } from "../native.js";
import { Tensor } from "../tensor.js";
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
    return this.#own(x, null, false) ?? groupNorm(x, this.groups, this.weight, this.bias, this.eps);
  }

  /**
   * `silu(norm(x + shift))`, as a residual block has it: `x [b, channels, h, w]`, `shift [b, channels, 1, 1]` → the shape of
   * `x`. In float32 on the CPU it is one operation (`native/norm.cc`) that keeps `x` alone and has no second derivative.
   */
  activated(x: Tensor, shift: Tensor | null = null): Tensor {
    // who watches a module's calls by a `forward` of the instance's own is to see the norm by itself
    const own = Object.hasOwn(this, "forward") ? null : this.#own(x, shift, true);
    return own ?? silu(this.forward(shift === null ? x : x.add(shift)));
  }

  #own(x: Tensor, shift: Tensor | null, activated: boolean): Tensor | null {
    const { weight, bias, groups, eps } = this;
    const handle = native.normedGroups(x.handle, shift?.handle, weight.handle, bias.handle, groups, eps, activated);
    return handle === undefined ? null : new Tensor(handle);
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
