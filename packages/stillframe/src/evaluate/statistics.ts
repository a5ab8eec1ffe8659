import { cat, invalid, keep, noGrad, scope, type Tensor, zeros } from "@stillframe/torch";
import { checkedFeatures } from "./features.js";

/** A normal distribution fitted to features. Both tensors are float64. */
export interface Gaussian {
  /** `[d]` */
  readonly mean: Tensor;
  /** `[d, d]`, with the denominator n - 1 */
  readonly covariance: Tensor;
}

/**
 * Mean and covariance of features that arrive in batches, in float64: memory is one `[d, d]` matrix, whatever the number
 * of pictures. Batches are centred before they are squared and merged by the pairwise update of Chan, Golub & LeVeque
 * (1983), so that neither the size nor the order of batches matters beyond rounding.
 */
export class FeatureStatistics {
  readonly dimension: number;
  private pictures = 0;
  private readonly mean: Tensor; // [d]
  private readonly scatter: Tensor; // [d, d], sum of (x - mean)(x - mean)ᵀ

  constructor(dimension: number) {
    if (!Number.isInteger(dimension) || dimension < 1) throw invalid("dimension", "a positive integer", dimension);
    this.dimension = dimension;
    this.mean = keep(zeros([dimension], { dtype: "float64" }));
    this.scatter = keep(zeros([dimension, dimension], { dtype: "float64" }));
  }

  /** Pictures so far. */
  get count(): number {
    return this.pictures;
  }

  /** Takes a batch `[b, d]` in. */
  add(features: Tensor): this {
    scope(() =>
      noGrad(() => {
        const x = checkedFeatures(features, { name: "features" }).to({ device: "cpu" });
        if (x.size(1) !== this.dimension) throw invalid("features", `${this.dimension} numbers a picture`, x.size(1));
        const mean = x.mean(0);
        this.combine({ count: x.size(0), mean, rows: x.sub(mean), scatter: null });
      }),
    );
    return this;
  }

  /** Takes the pictures of other statistics in, as from another worker. */
  merge(other: FeatureStatistics): this {
    if (other.dimension !== this.dimension)
      throw invalid("other", `statistics of dimension ${this.dimension}`, other.dimension);
    if (other.pictures === 0) return this;
    scope(() => this.combine({ count: other.pictures, mean: other.mean, rows: null, scatter: other.scatter }));
    return this;
  }

  private combine(part: { count: number; mean: Tensor; rows: Tensor | null; scatter: Tensor | null }): void {
    const total = this.pictures + part.count;
    const delta = part.mean.sub(this.mean);
    // The shift between the two means is one more row, so that a batch costs one product.
    const shift = delta.mul(Math.sqrt((this.pictures * part.count) / total)).unsqueeze(0);
    const rows = part.rows === null ? shift : cat([part.rows, shift], 0);
    this.scatter.add_(rows.t().mm(rows));
    if (part.scatter !== null) this.scatter.add_(part.scatter);
    this.mean.add_(delta.mul(part.count / total));
    this.pictures = total;
  }

  /**
   * The distribution fitted to all pictures so far, as new tensors.
   *
   * @throws InvalidArgumentError for fewer than 2 pictures, which have no covariance
   */
  gaussian(): Gaussian {
    if (this.pictures < 2) throw invalid("statistics", "at least 2 pictures", this.pictures);
    const covariance = this.scatter.div(this.pictures - 1);
    return { mean: this.mean.clone(), covariance };
  }

  /** Frees the memory. */
  dispose(): void {
    this.mean.dispose();
    this.scatter.dispose();
  }
}

/** The distribution fitted to `features [n, d]`. */
export function gaussianOf(features: Tensor): Gaussian {
  const statistics = new FeatureStatistics(features.size(1));
  try {
    return statistics.add(features).gaussian();
  } finally {
    statistics.dispose();
  }
}
