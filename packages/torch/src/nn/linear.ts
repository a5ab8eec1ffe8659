import type { Generator } from "../generator.js";
import { native } from "../native.js";
import { Tensor } from "../tensor.js";
import { uniform } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";

/**
 * `x Wᵀ + b`: `x [..., in]`, `weight [out, in]`, `bias [out]` → `[..., out]`. Float32 products on the CPU are the engine's own
 * (`native/gemm.cc`) where it has a kernel for the processor, so they differ from `linear` by the rounding of sums. A frozen
 * weight may be in a narrower type than `x`: it is widened for each use, piece by piece, and never kept wide.
 *
 * @throws InvalidArgumentError when shapes do not fit, or a weight is wider than `x`, or narrower and in training
 */
export function linearLayer(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  return new Tensor(native.linearLayer(x.handle, weight.handle, bias?.handle));
}

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
    return linearLayer(x, this.weight, this.bias);
  }

  /** PyTorch's default: uniform in ±1/√in for both (He et al. 2015 with a = √5). */
  reset(generator: Generator): void {
    const bound = 1 / Math.sqrt(this.inFeatures);
    this.weight = uniform(this.weight, bound, generator);
    if (this.bias !== null) this.bias = uniform(this.bias, bound, generator);
  }
}
