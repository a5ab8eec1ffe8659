import type { Precision } from "./precision.js";

/**
 * What a cache of encoded pictures or captions is keyed by besides what is encoded: the weights that encode, and how they
 * compute. Two commands that are to share a cache take it from here.
 */
export function encodingKey(weights: readonly { sha256: string }[], precision: Precision): string {
  const arithmetic = [precision.vae, precision.compute, precision.weights, precision.device.split(":")[0]].join();
  return `${weights.map((w) => w.sha256).join()} ${arithmetic}`;
}
