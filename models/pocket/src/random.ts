import { invalid } from "@stillframe/torch/errors";

/** 32-bit FNV-1a hash of a text's UTF-16 code units, finished with a mixing step so that short texts spread well. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A seeded stream of numbers (sfc32, Chris Doty-Humphrey's small fast counting generator). The same seed text gives the
 * same stream on every machine: only 32-bit integer arithmetic is used.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = hash32(`${seed}/a`);
    this.#b = hash32(`${seed}/b`);
    this.#c = hash32(`${seed}/c`);
    for (let i = 0; i < 12; i++) this.#next32();
  }

  #next32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.#next32() / 4294967296;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number in [low, high], both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** One element, each as likely. */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw invalid("from", "a list with at least one element", from);
    return from[Math.floor(this.unit() * from.length)]!;
  }

  /** One element, as likely as its weight says. */
  weighted<T>(from: readonly (readonly [T, number])[]): T {
    const total = from.reduce((sum, [, weight]) => sum + weight, 0);
    if (!(total > 0)) throw invalid("from", "a list with a positive weight", from);
    let left = this.unit() * total;
    for (const [value, weight] of from) if ((left -= weight) < 0) return value;
    return from[from.length - 1]![0];
  }

  /** An independent stream: what is drawn from it does not move this one. */
  fork(label: string): Random {
    return new Random(`${this.#seed}>${label}`);
  }
}
