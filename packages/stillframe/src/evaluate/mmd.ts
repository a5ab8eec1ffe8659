import { noGrad, scope, type Tensor, zeros } from "@stillframe/torch";

/** A kernel over all pairs of rows: `[n, d]`, `[m, d]` → `[n, m]`. */
export type Kernel = (x: Tensor, y: Tensor) => Tensor;

/** How often each picture counts in each of `s` samples, float64. */
export interface SampleCounts {
  /** `[s, n]` */
  readonly generated: Tensor;
  /** `[s, m]` */
  readonly real: Tensor;
}

/** Rows of a kernel matrix at a time: 512 × 50,000 in float64 are 200 MB. */
const BLOCK = 512;

/**
 * The squared maximum mean discrepancy (Gretton et al. 2012) between samples of two sets, many samples at once; each
 * kernel value is computed once, whatever the number of samples, and the kernel matrix is never held whole.
 *
 * `unbiased` averages over pairs of different pictures within a set; a picture that a sample holds twice is not paired
 * with itself. It can be negative. `biased` averages over all pairs.
 *
 * @param generated float64 `[n, d]`
 * @param real float64 `[m, d]`
 * @returns one value for each sample
 */
export function sampledMmd(
  generated: Tensor,
  real: Tensor,
  options: { readonly kernel: Kernel; readonly counts: SampleCounts; readonly estimator: "biased" | "unbiased" },
): Float64Array {
  const { kernel, counts, estimator } = options;
  return scope(() =>
    noGrad(() => {
      const a = counts.generated;
      const b = counts.real;
      const between = pairSums({ x: generated, y: real, kernel }, a, b);
      const mean = between.all.div(a.sum(1).mul(b.sum(1)));
      const within = (x: Tensor, c: Tensor) => meanWithin(pairSums({ x, y: x, kernel }, c, c), c, estimator);
      return within(generated, a).add(within(real, b)).sub(mean.mul(2)).data() as Float64Array;
    }),
  );
}

/** Sums of the kernel, `[s]`: over all pairs, and over the pairs of a picture with itself. */
interface PairSums {
  all: Tensor;
  self: Tensor;
}

function meanWithin({ all, self }: PairSums, counts: Tensor, estimator: "biased" | "unbiased"): Tensor {
  const total = counts.sum(1).square();
  if (estimator === "biased") return all.div(total);
  return all.sub(self).div(total.sub(counts.square().sum(1)));
}

/** `all[s] = Σ a[s, i] b[s, j] k(x[i], y[j])`; `self` takes i = j alone. */
function pairSums({ x, y, kernel }: { x: Tensor; y: Tensor; kernel: Kernel }, a: Tensor, b: Tensor): PairSums {
  const like = { dtype: "float64", device: x.device } as const;
  const columns = zeros([a.size(0), y.size(0)], like); // Σ over i of a[s, i] k(x[i], y[j])
  const self = zeros([a.size(0)], like);
  for (let i = 0; i < x.size(0); i += BLOCK)
    scope(() => {
      const n = Math.min(BLOCK, x.size(0) - i);
      const block = kernel(x.narrow(0, i, n), y);
      columns.add_(a.narrow(1, i, n).mm(block));
      if (x === y)
        self.add_(
          a
            .narrow(1, i, n)
            .mul(b.narrow(1, i, n))
            .mm(block.diagonal(i).unsqueeze(1))
            .squeeze(1),
        );
    });
  return { all: columns.mul(b).sum(1), self };
}
