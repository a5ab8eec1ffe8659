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
}

/** Rows at a time: 1024 × 50,000 in float64 are 400 MB. */
const BLOCK = 1024;

/**
 * Whether generated pictures copy training pictures: the nearest training picture of each by the cosine of their features
 * (DINOv2's see through small changes). Pictures that were held out from training show what similarity is to be expected
 * without copying. Look at the pairs: a high similarity is a reason to look, not a proof.
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
  const most = heldOut === undefined ? null : Math.max(...nearestPairs(heldOut, training).map((p) => p.similarity));
  return {
    nearest,
    top: ranked.slice(0, top),
    mean: nearest.reduce((sum, p) => sum + p.similarity, 0) / nearest.length,
    heldOutMost: most,
    beyondHeldOut: most === null ? null : nearest.filter((p) => p.similarity > most).length,
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
