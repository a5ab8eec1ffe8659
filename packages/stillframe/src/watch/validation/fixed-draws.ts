import { Generator, randn, type Tensor } from "@stillframe/torch";
import { derivedSeed, permutation, uniformNumbers } from "../../train/randomness.js";

/** Times that each held-out picture is noised at an evaluation. */
export const TIMESTEPS_EACH = 4;

/**
 * Timesteps of every held-out picture: `pictures` lists of `each`. Each picture has one in every `1 / each` of the
 * schedule, and over all pictures those of one part are spread evenly too (Latin hypercube sampling; McKay et al.
 * 1979), because the loss differs far more between timesteps than between pictures.
 */
export function fixedTimesteps(
  pictures: number,
  { each, trainSteps, seed }: { each: number; trainSteps: number; seed: number },
): number[][] {
  const parts = Array.from({ length: each }, (_, k) => {
    const random = uniformNumbers(seed, "validation", 0, k);
    const order = permutation(pictures, random);
    return order.map((place) => (place + random()) / pictures);
  });
  return Array.from({ length: pictures }, (_, i) =>
    parts.map((places, k) => Math.floor(((k + (places[i] as number)) / each) * trainSteps)),
  );
}

/** Draws for one held-out picture: for its posterior and as noise, `[each, c, h, w]` both; the same at every evaluation. */
export function fixedNoise(
  latents: readonly number[],
  { each, seed, picture, offset }: { each: number; seed: number; picture: number; offset: number },
): { posterior: Tensor; noise: Tensor } {
  const generator = new Generator(derivedSeed(seed, "validation", 1, picture));
  const shape = [each, ...latents.slice(1)];
  const posterior = randn(shape, { generator });
  const noise = randn(shape, { generator });
  if (offset === 0) return { posterior, noise };
  return { posterior, noise: noise.add(randn([each, shape[1] as number, 1, 1], { generator }), { alpha: offset }) };
}
