import { Generator, invalid, randperm, scope, type Tensor, tensor } from "@stillframe/torch";
import { checkedPair } from "./features.js";
import { type SampleCounts, sampledMmd } from "./mmd.js";

/** The rows of one subset, each at most once. */
export interface SubsetRows {
  readonly generated: readonly number[];
  readonly real: readonly number[];
}

export interface KidOptions {
  /** Number of subsets; default 100. */
  readonly subsets?: number;
  /** Pictures in each; default 1000, or all of the smaller set if that has fewer. */
  readonly subsetSize?: number;
  /** Of the draw of subsets; default 0. */
  readonly seed?: number;
  /** Subsets to use instead of a draw, for instance to compare with another program's. */
  readonly rows?: readonly SubsetRows[];
}

export interface Kid {
  /** Mean over the subsets. */
  readonly mean: number;
  /** Standard deviation over the subsets (of the population, as the reference takes it). */
  readonly std: number;
  readonly values: readonly number[];
  readonly subsetSize: number;
}

/** KID's kernel, `(x·y / d + 1)³`: `[n, d]`, `[m, d]` → `[n, m]`. */
export function polynomialKernel(x: Tensor, y: Tensor): Tensor {
  return x.mm(y.t()).div(x.size(1)).add(1).pow(3);
}

/**
 * Kernel Inception distance (Bińkowski et al. 2018): the unbiased squared MMD with a cubic kernel, over random subsets of
 * equal size. Unlike FID it has no bias from the number of pictures.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function kernelInceptionDistance(generated: Tensor, real: Tensor, options: KidOptions = {}): Kid {
  return scope(() => {
    const [x, y] = checkedPair(generated, real, { minimum: 2 });
    const rows = options.rows ?? drawSubsets([x.size(0), y.size(0)], options);
    if (rows.length === 0) throw invalid("rows", "at least one subset", "none");
    const values = Array.from(kidOfSamples(x, y, subsetCounts(rows, [x.size(0), y.size(0)])));
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length;
    return { mean, std: Math.sqrt(variance), values, subsetSize: rows[0]!.generated.length };
  });
}

/**
 * The distance between samples of the two sets, for instance those of a bootstrap: one value for each.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function kidOfSamples(generated: Tensor, real: Tensor, counts: SampleCounts): Float64Array {
  return scope(() => {
    const [x, y] = checkedPair(generated, real, { minimum: 2 });
    return sampledMmd(x, y, { kernel: polynomialKernel, counts, estimator: "unbiased" });
  });
}

function subsetCounts(rows: readonly SubsetRows[], [n, m]: readonly [number, number]): SampleCounts {
  const counts = (lists: readonly (readonly number[])[], size: number) => {
    const data = new Float64Array(lists.length * size);
    for (const [s, list] of lists.entries()) {
      if (list.length < 2) throw invalid("rows", "subsets of at least 2 pictures", list.length);
      for (const row of list) {
        if (!Number.isInteger(row) || row < 0 || row >= size)
          throw invalid("rows", `integers from 0 to ${size - 1}`, row);
        if (data[s * size + row] !== 0) throw invalid("rows", "subsets without repetition", `row ${row} twice`);
        data[s * size + row] = 1;
      }
    }
    return tensor(data, { shape: [lists.length, size] });
  };
  const side = (name: keyof SubsetRows) => rows.map((subset) => subset[name]);
  return { generated: counts(side("generated"), n), real: counts(side("real"), m) };
}

/** Subsets without repetition, from one seed. */
function drawSubsets([n, m]: readonly [number, number], options: KidOptions): SubsetRows[] {
  const { subsets = 100, seed = 0 } = options;
  const most = Math.min(n, m);
  const size = options.subsetSize ?? Math.min(1000, most);
  if (!Number.isInteger(subsets) || subsets < 1) throw invalid("subsets", "a positive integer", subsets);
  if (!Number.isInteger(size) || size < 2 || size > most)
    throw invalid("subsetSize", `an integer from 2 to ${most}, the pictures of the smaller set,`, size);
  const generator = new Generator(seed);
  const draw = (count: number) => scope(() => randperm(count, { generator }).narrow(0, 0, size).toArray());
  return Array.from({ length: subsets }, () => ({ generated: draw(n), real: draw(m) }));
}
