import { invalid, linalgEigh, linalgEigvalsh, linalgSvdvals, noGrad, scope, type Tensor } from "@stillframe/torch";
import { checkedFeatures, checkedPair } from "./features.js";
import type { Gaussian } from "./statistics.js";

const EPS = 2 ** -52;

/**
 * The Fréchet distance between two normal distributions (Dowson & Landau 1982), with which FID is defined (Heusel et al.
 * 2017): `|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁½ Σ₂ Σ₁½)½)`.
 *
 * Both roots come from symmetric eigenproblems in float64. Directions in which Σ₁ has no variance are left out before the
 * product, so that singular covariances need no constant added to the diagonal and give no imaginary parts.
 *
 * @throws InvalidArgumentError for shapes that do not agree, values that are not finite, or a matrix that is no covariance
 */
export function frechetDistance(first: Gaussian, second: Gaussian): number {
  return scope(() =>
    noGrad(() => {
      checkGaussian(first, "first");
      checkGaussian(second, "second");
      if (first.mean.size(0) !== second.mean.size(0))
        throw invalid("second", `a distribution over ${first.mean.size(0)} numbers`, second.mean.size(0));
      const root = lowRankRoot(first.covariance, "first");
      const inner = root === null ? 0 : rootTrace(root.mm(second.covariance).mm(root.t()));
      const offset = first.mean.sub(second.mean);
      const traces = first.covariance.trace().item() + second.covariance.trace().item();
      // Rounding may take the distance of equal distributions below 0.
      return Math.max(0, offset.dot(offset).item() + traces - 2 * inner);
    }),
  );
}

/** How often each picture counts, float64; a bootstrap's draw. */
export interface PictureCounts {
  /** `[n]` */
  readonly generated: Tensor;
  /** `[m]` */
  readonly real: Tensor;
}

/**
 * The same distance straight from features. With fewer pictures than numbers a picture it goes by way of a small matrix:
 * `tr (Σ₁½ Σ₂ Σ₁½)½` is the sum of the singular values of `X Yᵀ` over the centred, scaled features.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function frechetOfFeatures(
  generated: Tensor,
  real: Tensor,
  { counts }: { counts?: PictureCounts } = {},
): number {
  return scope(() =>
    noGrad(() => {
      const [features, references] = checkedPair(generated, real, { minimum: 2 });
      const x = counts === undefined ? centred(features) : centredSample(features, counts.generated);
      const y = counts === undefined ? centred(references) : centredSample(references, counts.real);
      if (Math.min(x.rows.size(0), y.rows.size(0)) > x.rows.size(1)) return frechetDistance(gaussian(x), gaussian(y));
      const offset = x.mean.sub(y.mean);
      const traces = x.rows.square().sum().item() + y.rows.square().sum().item();
      const inner = linalgSvdvals(x.rows.mm(y.rows.t())).sum().item();
      return Math.max(0, offset.dot(offset).item() + traces - 2 * inner);
    }),
  );
}

/**
 * The same distance from features to a distribution, for instance one that was published. With fewer pictures than numbers
 * a picture, `tr (Σ₁½ Σ₂ Σ₁½)½` comes from the small matrix `X Σ₂ Xᵀ`, which has the same eigenvalues but zeros.
 *
 * @param generated `[n, d]`
 */
export function frechetToGaussian(
  generated: Tensor,
  real: Gaussian,
  { counts }: { counts?: PictureCounts["generated"] } = {},
): number {
  return scope(() =>
    noGrad(() => {
      const features = checkedFeatures(generated, { name: "generated", minimum: 2 });
      const x = counts === undefined ? centred(features) : centredSample(features, counts);
      if (x.rows.size(0) > x.rows.size(1)) return frechetDistance(gaussian(x), real);
      checkGaussian(real, "real");
      if (real.mean.size(0) !== x.mean.size(0))
        throw invalid("real", `a distribution over ${x.mean.size(0)} numbers`, real.mean.size(0));
      const offset = x.mean.sub(real.mean);
      const traces = x.rows.square().sum().item() + real.covariance.trace().item();
      const inner = rootTrace(x.rows.mm(real.covariance).mm(x.rows.t()));
      return Math.max(0, offset.dot(offset).item() + traces - 2 * inner);
    }),
  );
}

interface Centred {
  /** `[n, d]`, scaled so that `rowsᵀ rows` is the covariance */
  rows: Tensor;
  /** `[d]` */
  mean: Tensor;
}

const gaussian = ({ rows, mean }: Centred): Gaussian => ({ mean, covariance: rows.t().mm(rows) });

function centred(features: Tensor): Centred {
  const mean = features.mean(0);
  return { rows: features.sub(mean).div(Math.sqrt(features.size(0) - 1)), mean };
}

/** Rows that do not count are left out; a row that counts c times is there once, √c times as long. */
function centredSample(features: Tensor, counts: Tensor): Centred {
  if (counts.rank !== 1 || counts.size(0) !== features.size(0))
    throw invalid("counts", `one number for each of ${features.size(0)} pictures`, `[${counts.shape.join(", ")}]`);
  const kept = counts.nonzero().squeeze(1);
  const weights = counts.indexSelect(0, kept).unsqueeze(1);
  const rows = features.indexSelect(0, kept);
  const total = weights.sum().item();
  if (total < 2) throw invalid("counts", "at least 2 pictures", total);
  const mean = rows.mul(weights).sum(0).div(total);
  return { rows: rows.sub(mean).mul(weights.div(total - 1).sqrt()), mean };
}

/** `R [r, d]` with `Rᵀ R = Σ`, r the rank of Σ; null for a zero matrix. */
function lowRankRoot(covariance: Tensor, name: string): Tensor | null {
  const [values, vectors] = linalgEigh(covariance);
  const numbers = values.data() as Float64Array;
  const largest = numbers.at(-1)!;
  const tolerance = Math.max(largest, 0) * numbers.length * EPS;
  // A covariance has negative eigenvalues from rounding alone, in published files rounding to float32.
  if (numbers[0]! < -1e-5 * Math.abs(largest))
    throw invalid(name, "a covariance without negative eigenvalues", numbers[0]);
  const skipped = numbers.findIndex((v) => v > tolerance);
  if (skipped === -1) return null;
  const rank = numbers.length - skipped;
  return vectors
    .narrow(1, skipped, rank)
    .mul(values.narrow(0, skipped, rank).sqrt())
    .t();
}

/** Sum of the square roots of a symmetric matrix' eigenvalues; what rounding leaves of zero counts as zero. */
function rootTrace(matrix: Tensor): number {
  const values = linalgEigvalsh(matrix.add(matrix.t()).div(2)).data() as Float64Array;
  const tolerance = Math.max(values.at(-1)!, 0) * values.length * EPS;
  return values.reduce((sum, v) => (v > tolerance ? sum + Math.sqrt(v) : sum), 0);
}

/** Number of eigenvalues of a covariance above rounding. */
export function covarianceRank(covariance: Tensor): number {
  return scope(() => {
    const values = linalgEigvalsh(covariance).data() as Float64Array;
    const tolerance = Math.max(values.at(-1)!, 0) * values.length * EPS;
    return values.filter((v) => v > tolerance).length;
  });
}

function checkGaussian({ mean, covariance }: Gaussian, name: string): void {
  const shapes = `mean [${mean.shape.join(", ")}] and covariance [${covariance.shape.join(", ")}]`;
  const [d] = mean.shape;
  if (mean.rank !== 1 || covariance.rank !== 2 || covariance.size(0) !== d || covariance.size(1) !== d)
    throw invalid(name, "a mean [d] and a covariance [d, d]", shapes);
  if (mean.dtype !== "float64" || covariance.dtype !== "float64")
    throw invalid(name, "a mean and a covariance of float64", `${mean.dtype} and ${covariance.dtype}`);
  const finite = (t: Tensor) => t.isfinite().all().item() === 1;
  if (!finite(mean) || !finite(covariance))
    throw invalid(name, "a finite mean and covariance", "NaN or infinite values");
  const asymmetry = covariance.sub(covariance.t()).abs().amax().item();
  if (asymmetry > 1e-8 * covariance.abs().amax().item())
    throw invalid(name, "a symmetric covariance", `one that differs from its transpose by ${asymmetry}`);
}
