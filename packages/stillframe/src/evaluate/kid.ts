import { Generator, invalid, noGrad, randperm, scope, type Tensor, tensor } from "@stillframe/torch";
import { checkedPair } from "./features.js";

/** The rows of one subset. */
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
 * The unbiased estimate of the squared maximum mean discrepancy (Gretton et al. 2012, eq. 3) from kernel matrices: means
 * over pairs of different pictures within a set, and over all pairs between the sets. It can be negative.
 *
 * @param kernels `xx [n, n]`, `yy [m, m]`, `xy [n, m]`
 */
export function unbiasedMmd({ xx, yy, xy }: { xx: Tensor; yy: Tensor; xy: Tensor }): number {
  const within = (k: Tensor) => (k.sum().item() - k.trace().item()) / (k.size(0) * (k.size(0) - 1));
  return within(xx) + within(yy) - 2 * xy.mean().item();
}

/**
 * Kernel Inception distance (Bińkowski et al. 2018): the unbiased squared MMD with a cubic kernel, over random subsets of
 * equal size. Unlike FID it has no bias from the number of pictures.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function kernelInceptionDistance(generated: Tensor, real: Tensor, options: KidOptions = {}): Kid {
  return scope(() =>
    noGrad(() => {
      const [x, y] = checkedPair(generated, real, { minimum: 2 });
      const rows = options.rows ?? drawSubsets([x.size(0), y.size(0)], options);
      if (rows.length === 0) throw invalid("rows", "at least one subset", "none");
      const values = rows.map((subset) => subsetMmd(x, y, subset));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length;
      return { mean, std: Math.sqrt(variance), values, subsetSize: rows[0]!.generated.length };
    }),
  );
}

function subsetMmd(generated: Tensor, real: Tensor, rows: SubsetRows): number {
  if (rows.generated.length < 2 || rows.real.length < 2)
    throw invalid("rows", "subsets of at least 2 pictures", Math.min(rows.generated.length, rows.real.length));
  return scope(() => {
    const x = rowsOf(generated, rows.generated);
    const y = rowsOf(real, rows.real);
    return unbiasedMmd({ xx: polynomialKernel(x, x), yy: polynomialKernel(y, y), xy: polynomialKernel(x, y) });
  });
}

function rowsOf(features: Tensor, rows: readonly number[]): Tensor {
  const n = features.size(0);
  for (const row of rows)
    if (!Number.isInteger(row) || row < 0 || row >= n) throw invalid("rows", `integers from 0 to ${n - 1}`, row);
  return features.indexSelect(0, tensor(BigInt64Array.from(rows, BigInt)));
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
  const draw = (count: number) => randperm(count, { generator }).narrow(0, 0, size).toArray();
  return Array.from({ length: subsets }, () => ({ generated: draw(n), real: draw(m) }));
}
