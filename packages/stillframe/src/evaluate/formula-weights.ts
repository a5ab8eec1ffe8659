import { scope, type Tensor, tensor } from "@stillframe/torch";

/** One tensor of the list that the formula goes through. */
export interface FormulaTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Its place among the tensors that get values; null for one that gets none. */
  readonly index: number | null;
}

/** Where the values of a tensor lie: within `offset ± scale`. */
export type Spread = (name: string, shape: readonly number[]) => { readonly offset: number; readonly scale: number };

/**
 * Weights for an FID Inception-v3 that anyone can compute without a file: hashed indices, scaled by the kind of tensor so
 * that activations keep their size from layer to layer. The hash is `lowbias32` (Wellons 2018).
 *
 * @param options.seed another seed, other weights
 * @param options.spread for other networks
 */
export function formulaWeights(
  tensors: readonly FormulaTensor[],
  { seed, spread = inceptionSpread }: { seed: number; spread?: Spread },
): Map<string, Tensor> {
  const made = new Map<string, Tensor>();
  for (const { name, shape, index } of tensors) {
    if (index === null) continue;
    const numel = shape.reduce((n, d) => n * d, 1);
    const values = new Float32Array(numel);
    const start = (Math.imul(index, 0x9e3779b9) + Math.imul(seed, 0x85ebca6b)) >>> 0;
    const { offset, scale } = spread(name, shape);
    for (let i = 0; i < numel; i++) values[i] = offset + scale * (lowbias32((start + i) | 0) / 2 ** 31 - 1);
    made.set(
      name,
      scope(() => tensor(values, { shape })),
    );
  }
  return made;
}

/** A hash of 32 bits to 32 bits. */
function lowbias32(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

function inceptionSpread(name: string, shape: readonly number[]): { offset: number; scale: number } {
  const fanIn = shape.slice(1).reduce((n, d) => n * d, 1);
  if (name.endsWith("conv.weight")) return { offset: 0, scale: Math.sqrt(6 / fanIn) };
  if (name === "fc.weight") return { offset: 0, scale: Math.sqrt(3 / fanIn) };
  if (name.endsWith("bn.weight")) return { offset: 1, scale: 0.25 };
  if (name.endsWith("bn.running_var")) return { offset: 1, scale: 0.5 };
  return { offset: 0, scale: 0.2 };
}
