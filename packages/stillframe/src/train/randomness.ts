import { createHash } from "node:crypto";

/** What a random number is for; each purpose has a sequence of its own. */
export type Purpose =
  | "seed"
  | "adapter"
  | "order"
  | "split"
  | "samples"
  | "augment"
  | "crop"
  | "caption"
  | "empty"
  | "noise"
  | "validation"
  | "buckets";

/**
 * Randomness as a function of the seed and of where it is used (epoch, step, picture), and of nothing that happened
 * before: a run that goes on from a checkpoint draws what it would have drawn, with no state to save.
 */
function digest(seed: number, purpose: Purpose, where: readonly number[]): Buffer {
  return createHash("sha256")
    .update(`${seed}/${purpose}/${where.join("/")}`)
    .digest();
}

/** A seed for a `Generator`. */
export function derivedSeed(seed: number, purpose: Purpose, ...where: number[]): number {
  return Number(digest(seed, purpose, where).readBigUInt64LE() >> 11n);
}

/** Uniform numbers from 0 to below 1: sfc32 (Doty-Humphrey, PractRand) from a hashed state. */
export function uniformNumbers(seed: number, purpose: Purpose, ...where: number[]): () => number {
  const bytes = digest(seed, purpose, where);
  let [a, b, c, d] = [0, 4, 8, 12].map((i) => bytes.readInt32LE(i)) as [number, number, number, number];
  const next = (): number => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  // 53 bits, as Math.random has
  return () => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
}

/** A random order of 0 … n - 1 (Fisher and Yates). */
export function permutation(n: number, random: () => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
