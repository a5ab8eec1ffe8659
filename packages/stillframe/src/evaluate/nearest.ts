import { noGrad, scope, type Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { unitRows } from "./cmmd.js";
import { checkedPair } from "./features.js";

/** A picture and the training picture most like it. */
export interface NearestPair {
  /** Row of the picture. */
  readonly picture: number;
  /** Row of its nearest training picture. */
  readonly training: number;
  /** Cosine of the two feature vectors. */
  readonly similarity: number;
}

export interface CopyCheck {
  /** Nearest training picture of each picture, in order. */
  readonly nearest: readonly NearestPair[];
  /** The most alike, most alike first. */
  readonly top: readonly NearestPair[];
  readonly mean: number;
  /** The largest similarity of held-out pictures to the training set, where they were given. */
  readonly heldOutMost: number | null;
  /** Pictures more like a training picture than any held-out one is; null without held-out pictures. */
  readonly beyondHeldOut: number | null;
  /** The similarity from which a picture counts as a copy, see `copyCheck`; null without held-out pictures. */
  readonly threshold: number | null;
  /** Pictures that count as copies; null without held-out pictures. */
  readonly copies: number | null;
}

/** A copy is this many times nearer to a training picture than the nearest held-out picture is. */
const COPY_NEARER = 2;

/** Rows at a time: 1024 × 50,000 in float64 are 400 MB. */
const BLOCK = 1024;

/**
 * Whether generated pictures copy training pictures: the nearest training picture of each by the cosine of their features
 * (DINOv2's see through small changes). Pictures that were held out from training show what similarity is to be expected
 * without copying: among as many of them the nearest one is nearer than most by chance, so that a picture counts as a copy
 * only at half of that distance (1 less the cosine). Look at the pairs: what counts here is a reason to look, not a proof.
 *
 * @param generated `[n, d]`
 * @param training `[m, d]`
 * @param options.heldOut `[k, d]`
 */
export function copyCheck(
  generated: Tensor,
  training: Tensor,
  options: { heldOut?: Tensor; top?: number } = {},
): CopyCheck {
  const { heldOut, top = 20 } = options;
  if (!Number.isInteger(top) || top < 1) throw invalid("top", "a positive integer", top);
  const nearest = nearestPairs(generated, training);
  const ranked = [...nearest].sort((a, b) => b.similarity - a.similarity || a.picture - b.picture);
  const most =
    heldOut === undefined
      ? null
      : nearestPairs(heldOut, training).reduce((max, p) => Math.max(max, p.similarity), Number.NEGATIVE_INFINITY);
  const threshold = most === null ? null : 1 - (1 - most) / COPY_NEARER;
  return {
    nearest,
    top: ranked.slice(0, top),
    mean: nearest.reduce((sum, p) => sum + p.similarity, 0) / nearest.length,
    heldOutMost: most,
    beyondHeldOut: most === null ? null : nearest.filter((p) => p.similarity > most).length,
    threshold,
    // Where a held-out picture is itself a copy, nothing is nearer than it, and equal is near enough.
    copies: threshold === null ? null : nearest.filter((p) => p.similarity >= threshold).length,
  };
}

function nearestPairs(pictures: Tensor, training: Tensor): NearestPair[] {
  return scope(() =>
    noGrad(() => {
      const [x, y] = checkedPair(pictures, training).map(unitRows) as [Tensor, Tensor];
      const pairs: NearestPair[] = [];
      for (let i = 0; i < x.size(0); i += BLOCK)
        scope(() => {
          const cosines = x.narrow(0, i, Math.min(BLOCK, x.size(0) - i)).mm(y.t());
          const [best, at] = cosines.topk(1, 1);
          const rows = at.toArray();
          for (const [k, similarity] of best.toArray().entries())
            pairs.push({ picture: i + k, training: rows[k]!, similarity });
        });
      return pairs;
    }),
  );
}
