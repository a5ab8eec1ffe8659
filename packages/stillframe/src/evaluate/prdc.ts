import { cat, cdist, invalid, noGrad, scope, type Tensor } from "@stillframe/torch";
import { checkedPair } from "./features.js";

export interface PrdcOptions {
  /** Neighbours that make a picture's ball; default 3 for precision and recall, 5 for density and coverage. */
  readonly k?: number;
}

export interface PrecisionRecall {
  /** Share of generated pictures within some real picture's ball. */
  readonly precision: number;
  /** Share of real pictures within some generated picture's ball. */
  readonly recall: number;
  /** What precision is the mean of: 1 or 0 for each generated picture, `[n]`. */
  readonly perGenerated: Float64Array;
  /** What recall is the mean of: 1 or 0 for each real picture, `[m]`. */
  readonly perReal: Float64Array;
}

export interface DensityCoverage {
  /** Real balls that hold a generated picture, on average and divided by k; above 1 where real pictures are dense. */
  readonly density: number;
  /** Share of real pictures with a generated one in their ball. */
  readonly coverage: number;
  /** What density is the mean of, `[n]`. */
  readonly perGenerated: Float64Array;
  /** What coverage is the mean of: 1 or 0 for each real picture, `[m]`. */
  readonly perReal: Float64Array;
}

/** Rows of distances at a time: 512 × 50,000 in float64 are 200 MB. */
const BLOCK = 512;
/** libtorch's `cdist` by way of a matrix product; in float64 it is off by less than 1e-6 even where two points agree. */
const BY_PRODUCT = 1;

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, eq. 1–3). A picture's ball reaches to its k-th nearest
 * neighbour in its own set, itself not counted; the border belongs to it.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function precisionRecall(generated: Tensor, real: Tensor, { k = 3 }: PrdcOptions = {}): PrecisionRecall {
  return scope(() =>
    noGrad(() => {
      const [x, y] = checkedSets(generated, real, k);
      const within = (ball: Tensor) => (d: Tensor) => d.le(ball).to("float64").amax(1);
      const perGenerated = perRow(x, y, within(radii(y, k)));
      const perReal = perRow(y, x, within(radii(x, k)));
      return { precision: mean(perGenerated), recall: mean(perReal), perGenerated, perReal };
    }),
  );
}

/**
 * Density and coverage (Naeem et al. 2020, eq. 3 and 5): less moved by outliers than precision and recall. The border
 * does not belong to a ball, as in the authors' code.
 *
 * @param generated `[n, d]`
 * @param real `[m, d]`
 */
export function densityCoverage(generated: Tensor, real: Tensor, { k = 5 }: PrdcOptions = {}): DensityCoverage {
  return scope(() =>
    noGrad(() => {
      const [x, y] = checkedSets(generated, real, k);
      const ball = radii(y, k);
      const perGenerated = perRow(x, y, (d) => d.lt(ball).to("float64").sum(1).div(k));
      const nearest = perRow(y, x, (d) => d.amin(1));
      const reach = ball.data() as Float64Array;
      const perReal = nearest.map((distance, i) => (distance < reach[i]! ? 1 : 0));
      return { density: mean(perGenerated), coverage: mean(perReal), perGenerated, perReal };
    }),
  );
}

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

function checkedSets(generated: Tensor, real: Tensor, k: number): [Tensor, Tensor] {
  const pair = checkedPair(generated, real);
  const fewest = Math.min(pair[0].size(0), pair[1].size(0));
  if (!Number.isInteger(k) || k < 1) throw invalid("k", "a positive integer", k);
  if (fewest <= k) throw invalid("k", `an integer below the ${fewest} pictures of the smaller set`, k);
  return pair;
}

/** Distance of each row of `x [n, d]` to its k-th nearest other row, `[n]`. */
function radii(x: Tensor, k: number): Tensor {
  return blockwise(x, (block) => {
    const distances = cdist(block, x, 2, BY_PRODUCT);
    // The nearest of all is the row itself, at 0.
    const [nearest] = distances.topk(k + 1, 1, false);
    return nearest.select(1, k);
  });
}

/** What `measure` makes of the distances `[b, m]` of rows of `x [n, d]` to all of `y [m, d]`: one number a row. */
function perRow(x: Tensor, y: Tensor, measure: (distances: Tensor) => Tensor): Float64Array {
  return blockwise(x, (block) => measure(cdist(block, y, 2, BY_PRODUCT))).data() as Float64Array;
}

/** Applies `work` to blocks of rows: `[b, d]` → `[b]`, together `[n]`. */
function blockwise(x: Tensor, work: (block: Tensor) => Tensor): Tensor {
  const n = x.size(0);
  const parts: Tensor[] = [];
  for (let i = 0; i < n; i += BLOCK) parts.push(scope(() => work(x.narrow(0, i, Math.min(BLOCK, n - i))).contiguous()));
  return cat(parts, 0);
}
