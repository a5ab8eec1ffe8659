import type { Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";

/** A tensor and its factor. */
export type Term = readonly [weight: number, tensor: Tensor];

/**
 * `sum of weight · tensor` over tensors of one shape. A weight of 0 leaves its tensor out, so that a step that ends
 * without noise does not multiply by it.
 *
 * @throws InvalidArgumentError when a weight is not finite or all of them are 0
 */
export function weightedSum(terms: readonly Term[]): Tensor {
  let sum: Tensor | null = null;
  for (const [weight, tensor] of terms) {
    if (!Number.isFinite(weight)) throw invalid("weight", "a finite number", weight);
    if (weight === 0) continue;
    const part = tensor.mul(weight);
    sum = sum === null ? part : sum.add(part);
  }
  if (sum === null) throw invalid("terms", "at least one weight other than 0", terms.length);
  return sum;
}
