import { linear } from "../functions.generated.js";
import type { Generator } from "../generator.js";
import type { Tensor } from "../tensor.js";
import { uniform } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";
import { widenedLinear } from "./widened.js";

/** `y = x Wᵀ + b` */
export class Linear extends Module implements Layer {
  weight: Tensor; // [out, in]
  bias: Tensor | null; // [out]

  constructor(inFeatures: number, outFeatures: number, { bias = true }: { bias?: boolean } = {}) {
    super();
    this.weight = declareWeight(outFeatures, inFeatures);
    this.bias = bias ? declareWeight(outFeatures) : null;
  }
  get inFeatures(): number {
    return this.weight.size(1);
  }
  get outFeatures(): number {
    return this.weight.size(0);
  }

  /** `x [..., in]` → `[..., out]`; a frozen weight may be narrower than `x` (see `narrowedWeight`) */
  forward(x: Tensor): Tensor {
    const { weight, bias } = this;
    return weight.dtype === x.dtype ? linear(x, weight, bias) : widenedLinear(x, weight, bias);
  }

  /** PyTorch's default: uniform in ±1/√in for both (He et al. 2015 with a = √5). */
  reset(generator: Generator): void {
    const bound = 1 / Math.sqrt(this.inFeatures);
    this.weight = uniform(this.weight, bound, generator);
    if (this.bias !== null) this.bias = uniform(this.bias, bound, generator);
  }
}
