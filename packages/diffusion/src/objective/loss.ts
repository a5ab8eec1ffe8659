import { mseLoss, type Tensor } from "@stillframe/torch";

/**
 * Mean squared error in float32 (Ho et al. 2020, eq. 14): `prediction [b, c, h, w]`, `target [b, c, h, w]` → a scalar.
 *
 * @param options.weights `[b]`: each picture's weight (Hang et al. 2023)
 * @param options.regions `[b, 1, h, w]`: the weight of each place in a picture. What minimises the loss stays the same;
 *   how much a place has to say in the gradient changes.
 */
export function diffusionLoss(
  prediction: Tensor,
  target: Tensor,
  options: { weights?: Tensor | null; regions?: Tensor | null } = {},
): Tensor {
  const { weights = null, regions = null } = options;
  const [p, t] = [prediction.to("float32"), target.to("float32")];
  if (weights === null && regions === null) return mseLoss(p, t);
  let error = p.sub(t).square();
  if (regions !== null) error = error.mul(regions);
  if (weights === null) return error.mean();
  return error.flatten(1).mean([1]).mul(weights).mean();
}
