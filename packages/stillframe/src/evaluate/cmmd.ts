import { invalid, ones, scope, type Tensor } from "@stillframe/torch";
import { checkedPair } from "./features.js";
import { type SampleCounts, sampledMmd } from "./mmd.js";

/** Bandwidth and scale of the paper and its code. */
const SIGMA = 10;
const SCALE = 1000;

export interface CmmdOptions {
  /**
   * `biased` (default) also counts each picture's kernel with itself, as the paper's code does; `unbiased` leaves it out,
   * as the paper's equation does.
   */
  readonly estimator?: "biased" | "unbiased";
}

/**
 * CMMD (Jayasumana et al. 2024): the squared maximum mean discrepancy between CLIP image embeddings with a Gaussian
 * kernel of bandwidth 10, times 1000. Embeddings are normalized to length 1 here.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function clipMmd(generated: Tensor, real: Tensor, options: CmmdOptions = {}): number {
  return scope(() => {
    const each = (x: Tensor) => ones([1, x.size(0)], { dtype: "float64" });
    return cmmdOfSamples(generated, real, { ...options, counts: { generated: each(generated), real: each(real) } })[0]!;
  });
}

/** The distance between samples of the two sets, for instance those of a bootstrap: one value for each. */
export function cmmdOfSamples(
  generated: Tensor,
  real: Tensor,
  { estimator = "biased", counts }: CmmdOptions & { readonly counts: SampleCounts },
): Float64Array {
  if (estimator !== "biased" && estimator !== "unbiased") throw invalid("estimator", "biased or unbiased", estimator);
  return scope(() => {
    const [x, y] = checkedPair(generated, real, { minimum: 2 }).map(unitRows) as [Tensor, Tensor];
    return sampledMmd(x, y, { kernel: gaussianKernel, counts, estimator }).map((v) => SCALE * v);
  });
}

/** Rows at length 1, `[n, d]`. */
export function unitRows(features: Tensor): Tensor {
  const lengths = features.square().sum(1, true).sqrt();
  if (lengths.amin().item() === 0) throw invalid("features", "rows that are not zero", "a row of zeros");
  return features.div(lengths);
}

/** `exp(-|x - y|² / 2σ²)` over all pairs: `[n, d]`, `[m, d]` → `[n, m]`. */
function gaussianKernel(x: Tensor, y: Tensor): Tensor {
  const squares = x.mm(y.t()).mul(-2).add(x.square().sum(1, true)).add(y.square().sum(1, true).t());
  return squares.mul(-1 / (2 * SIGMA ** 2)).exp();
}
