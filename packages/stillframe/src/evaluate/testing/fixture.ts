import { fileURLToPath } from "node:url";
import type { Tensor } from "@stillframe/torch";

/** A file or folder of this package's fixtures for evaluation. */
export const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../../fixtures/evaluate/${path}`, import.meta.url));

/** The largest difference between two tensors of one shape. */
export function largestDifference(actual: Tensor, expected: Tensor): number {
  if (actual.shape.join() !== expected.shape.join())
    throw new Error(`expected shape [${expected.shape.join(", ")}] but the result has [${actual.shape.join(", ")}]`);
  const difference = actual.to("float64").sub(expected.to("float64")).abs().amax();
  return difference.item();
}
