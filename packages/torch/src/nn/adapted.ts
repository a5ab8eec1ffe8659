import { conv2d } from "../functions.generated.js";
import { native } from "../native.js";
import { Tensor } from "../tensor.js";
import type { Conv2d } from "./conv2d.js";

/** What a low-rank update adds to a layer (Hu et al. 2021, §4.1). */
export interface LowRankUpdate {
  /** `[r, in]`; of a convolution `[r, in, k, k]` */
  a: Tensor;
  /** `[out, r]`; of a convolution `[out, r, 1, 1]` */
  b: Tensor;
  scale: number;
}

/**
 * `x Wᵀ + bias + scale · (x Aᵀ) Bᵀ` with `W` and the bias frozen, as one operation with its own gradient: `x [..., in]` →
 * `[..., out]`. Computes in the type of `x`; A and B may be wider and get their gradients in their own type, W may be
 * narrower (see `narrowedWeight`). It has no second derivative.
 *
 * @throws InvalidArgumentError when W or the bias is in training, or shapes do not fit
 */
export function adaptedLinear(x: Tensor, weight: Tensor, bias: Tensor | null, { a, b, scale }: LowRankUpdate): Tensor {
  return new Tensor(native.adaptedLinear(x.handle, weight.handle, bias?.handle, a.handle, b.handle, scale));
}

/**
 * `layer(x) + scale · B ∗ (A ∗ x)` for a convolution: A is one like it to r channels, B one of 1 × 1. Computes in the type of
 * `x`; A and B may be wider. Frozen 3 × 3 convolutions in float32 on the CPU are one operation, which has no second derivative.
 *
 * @throws InvalidArgumentError when shapes do not fit
 */
export function adaptedConv2d(x: Tensor, layer: Conv2d, { a, b, scale }: LowRankUpdate): Tensor {
  const { weight, bias, stride, padding } = layer;
  const { handle } = x;
  const [w, own] = [weight.handle, bias?.handle];
  const one = native.adaptedConv2d(handle, w, own, stride, padding, a.handle, b.handle, scale);
  if (one !== undefined) return new Tensor(one);
  const y = layer.forward(x);
  const low = conv2d(x, a.to(y.dtype), null, stride, padding);
  return y.add(conv2d(low, b.to(y.dtype)), { alpha: scale });
}
