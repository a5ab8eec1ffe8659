import { native } from "../native.js";
import { Tensor } from "../tensor.js";

/** What a low-rank update adds to a linear layer (Hu et al. 2021, §4.1). */
export interface LowRankUpdate {
  /** `[r, in]` */
  a: Tensor;
  /** `[out, r]` */
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
