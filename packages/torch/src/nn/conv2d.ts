import { conv2d } from "../functions.generated.js";
import type { Generator } from "../generator.js";
import type { Tensor } from "../tensor.js";
import { uniform } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";
import { widenedConv2d } from "./widened.js";

export interface Conv2dOptions {
  kernel: number;
  stride?: number;
  /** zeros on every side; `(kernel - 1) / 2` unless said, which keeps the size at stride 1 */
  padding?: number;
  bias?: boolean;
}

/** A two-dimensional convolution with a square kernel. */
export class Conv2d extends Module implements Layer {
  weight: Tensor; // [out, in, kernel, kernel]
  bias: Tensor | null; // [out]
  readonly stride: number;
  readonly padding: number;

  constructor(
    cIn: number,
    cOut: number,
    { kernel, stride = 1, padding = (kernel - 1) >> 1, bias = true }: Conv2dOptions,
  ) {
    super();
    this.weight = declareWeight(cOut, cIn, kernel, kernel);
    this.bias = bias ? declareWeight(cOut) : null;
    this.stride = stride;
    this.padding = padding;
  }

  /** `x [b, in, h, w]` → `[b, out, h', w']`; a frozen weight may be narrower than `x` (see `narrowedWeight`) */
  forward(x: Tensor): Tensor {
    const { weight, bias, stride, padding } = this;
    return weight.dtype === x.dtype
      ? conv2d(x, weight, bias, stride, padding)
      : widenedConv2d(x, weight, bias, { stride, padding });
  }

  /** PyTorch's default: uniform in ±1/√(in·kernel²) for both. */
  reset(generator: Generator): void {
    const [, cIn = 1, kh = 1, kw = 1] = this.weight.shape;
    const bound = 1 / Math.sqrt(cIn * kh * kw);
    this.weight = uniform(this.weight, bound, generator);
    if (this.bias !== null) this.bias = uniform(this.bias, bound, generator);
  }
}
