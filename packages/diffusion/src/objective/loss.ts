import { mseLoss, type Tensor } from "@stillframe/torch";

/**
 * Mean squared error in float32 (Ho et al. 2020, eq. 14), each picture weighted by `weights` if given (Hang et al.
 * 2023): `prediction [b, c, h, w]`, `target [b, c, h, w]`, `weights [b]` → a scalar.
 */
export function diffusionLoss(prediction: Tensor, target: Tensor, weights: Tensor | null = null): Tensor {
  const [p, t] = [prediction.to("float32"), target.to("float32")];
  if (weights === null) return mseLoss(p, t);
  const each = p.sub(t).square().flatten(1).mean([1]);
  return each.mul(weights).mean();
}
