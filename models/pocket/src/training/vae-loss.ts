import type { Posterior } from "@stillframe/diffusion";
import { avgPool2d, l1Loss, type Tensor } from "@stillframe/torch";

/** Weights of the parts of the autoencoder's loss. */
export interface VaeLossWeights {
  /** of the edges' error, against 1 for the pixels' */
  edges: number;
  /** of the divergence from a standard normal distribution, per latent number */
  divergence: number;
}

const SCALES = 4;

/** Differences of neighbours along rows (3) or columns (2). */
function differences(x: Tensor, dim: 2 | 3): Tensor {
  const n = x.size(dim) - 1;
  return x.narrow(dim, 1, n).sub(x.narrow(dim, 0, n));
}

/**
 * Mean absolute errors of the pixels and of their edges at four scales, each half the one before: coarse scales teach
 * the colours first, and lines that are blurred or out of place cost more than their few pixels.
 */
function pyramidLoss(made: Tensor, wanted: Tensor, edges: number): { loss: Tensor; pixels: Tensor } {
  const pixels = l1Loss(made, wanted);
  let [loss, a, b] = [pixels, made, wanted];
  for (let scale = 0; scale < SCALES; scale++) {
    if (scale > 0) {
      [a, b] = [avgPool2d(a, 2, 2), avgPool2d(b, 2, 2)];
      loss = loss.add(l1Loss(a, b));
    }
    for (const dim of [2, 3] as const) loss = loss.add(l1Loss(differences(a, dim), differences(b, dim)).mul(edges));
  }
  return { loss, pixels };
}

/** Divergence of the posterior from a standard normal one (Kingma & Welling 2014, appendix B), mean over numbers. */
export function divergence({ mean, logvar }: Pick<Posterior, "mean" | "logvar">): Tensor {
  return mean.square().add(logvar.exp()).sub(logvar).sub(1).mul(0.5).mean();
}

/** The autoencoder's loss: pixels, edges, divergence. `made`, `wanted [b, 3, h, w]` → a scalar and its parts. */
export function vaeLoss(
  made: Tensor,
  wanted: Tensor,
  { posterior, weights }: { posterior: Posterior; weights: VaeLossWeights },
): { loss: Tensor; pixels: Tensor; kl: Tensor } {
  const { loss, pixels } = pyramidLoss(made, wanted, weights.edges);
  const kl = divergence(posterior);
  return { loss: loss.add(kl.mul(weights.divergence)), pixels, kl };
}
