import type { Generator } from "../generator.js";
import { native } from "../native.js";
import { Tensor } from "../tensor.js";
import { uniform } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";

export interface Conv2dOptions {
  kernel: number;
  stride?: number;
  /** zeros on every side; `(kernel - 1) / 2` unless said, which keeps the size at stride 1 */
  padding?: number;
  bias?: boolean;
}

/**
 * A two-dimensional convolution: `x [b, in, h, w]`, `weight [out, in, k, k]`, `bias [out]` → `[b, out, h', w']`. In float32 on the CPU,
 * 3 × 3 with stride 1 and padding 1 is the engine's own where it has a kernel for the processor (`native/winograd.cc`) and
 * differs from `conv2d` by the rounding of sums. A frozen weight may be in a narrower type than `x`: it is widened for each
 * use and never kept wide, and `x` is kept for the gradient of a weight in training alone.
 *
 * @throws InvalidArgumentError when a weight is wider than `x`, or narrower and in training
 */
export function convLayer(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { stride, padding }: { stride: number; padding: number },
): Tensor {
  return new Tensor(native.convLayer(x.handle, weight.handle, bias?.handle, stride, padding));
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
    return convLayer(x, this.weight, this.bias, this);
  }

  /** PyTorch's default: uniform in ±1/√(in·kernel²) for both. */
  reset(generator: Generator): void {
    const [, cIn = 1, kh = 1, kw = 1] = this.weight.shape;
    const bound = 1 / Math.sqrt(cIn * kh * kw);
    this.weight = uniform(this.weight, bound, generator);
    if (this.bias !== null) this.bias = uniform(this.bias, bound, generator);
  }
}
