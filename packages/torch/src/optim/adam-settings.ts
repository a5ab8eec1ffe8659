import { invalid } from "../errors.js";

/** What Adam and its kin have in common. */
export interface AdamSettings {
  /** how slowly the two moments forget */
  betas: readonly [number, number];
  /** added to the denominator */
  eps: number;
  /** decoupled (Loshchilov & Hutter 2019) */
  weightDecay: number;
}

/** @throws InvalidArgumentError when a number is out of its range */
export function checkAdamSettings({ betas, eps, weightDecay }: AdamSettings): void {
  if (!(eps >= 0)) throw invalid("eps", "a number from 0", eps);
  if (!(weightDecay >= 0)) throw invalid("weightDecay", "a number from 0", weightDecay);
  for (const b of betas) if (!(b >= 0 && b < 1)) throw invalid("betas", "two numbers from 0 to below 1", betas);
}
