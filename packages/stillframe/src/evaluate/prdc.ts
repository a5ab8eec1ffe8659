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
}

export interface DensityCoverage {
  /** Real balls that hold a generated picture, per picture and divided by k; above 1 where real pictures are dense. */
  readonly density: number;
  /** Share of real pictures with a generated one in their ball. */
  readonly coverage: number;
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
      const radiiX = radii(x, k);
      const radiiY = radii(y, k);
      return { precision: shareInside(x, y, radiiY), recall: shareInside(y, x, radiiX) };
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
      const radius = radii(y, k).unsqueeze(1);
      let inside = 0;
      let covered = 0;
      // Blocks of real pictures, so that a row holds all distances of one.
      for (const [distances, ball] of blocks(y, x, radius)) {
        inside += distances.lt(ball).sum().item();
        covered += distances.amin(1, true).lt(ball).sum().item();
      }
      return { density: inside / (k * x.size(0)), coverage: covered / y.size(0) };
    }),
  );
}

function checkedSets(generated: Tensor, real: Tensor, k: number): [Tensor, Tensor] {
  const pair = checkedPair(generated, real);
  const fewest = Math.min(pair[0].size(0), pair[1].size(0));
  if (!Number.isInteger(k) || k < 1) throw invalid("k", "a positive integer", k);
  if (fewest <= k) throw invalid("k", `an integer below the ${fewest} pictures of the smaller set`, k);
  return pair;
}

/** Distance of each row of `x [n, d]` to its k-th nearest other row, `[n]`. */
export function radii(x: Tensor, k: number): Tensor {
  const parts: Tensor[] = [];
  for (let i = 0; i < x.size(0); i += BLOCK)
    parts.push(
      scope(() => {
        const distances = cdist(x.narrow(0, i, Math.min(BLOCK, x.size(0) - i)), x, 2, BY_PRODUCT);
        // The nearest of all is the row itself, at 0.
        const [nearest] = distances.topk(k + 1, 1, false);
        return nearest.select(1, k).contiguous();
      }),
    );
  return cat(parts, 0);
}

/** Distances of a block of `rows` to all `columns`, with the block's part of `perRow [n, 1]`. */
function* blocks(rows: Tensor, columns: Tensor, perRow: Tensor): Generator<[distances: Tensor, part: Tensor]> {
  for (let i = 0; i < rows.size(0); i += BLOCK) {
    const n = Math.min(BLOCK, rows.size(0) - i);
    const distances = cdist(rows.narrow(0, i, n), columns, 2, BY_PRODUCT);
    yield [distances, perRow.narrow(0, i, n)];
    distances.dispose();
  }
}

/** Share of rows of `x [n, d]` that lie in the ball of some row of `centres [m, d]`. */
function shareInside(x: Tensor, centres: Tensor, radius: Tensor): number {
  let inside = 0;
  for (let i = 0; i < x.size(0); i += BLOCK)
    inside += scope(() => {
      const distances = cdist(x.narrow(0, i, Math.min(BLOCK, x.size(0) - i)), centres, 2, BY_PRODUCT);
      return distances.le(radius).to("uint8").amax(1).to("int64").sum().item();
    });
  return inside / x.size(0);
}
