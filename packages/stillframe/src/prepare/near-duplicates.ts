/** Pictures of which each looks like another of the group, by their numbers. */
export type DuplicateGroup = readonly number[];

/** Bits of 64 in which each of the two hashes of nearly equal pictures may differ. */
export const NEAR = { difference: 11, frequency: 12 } as const;

/** Number of ones among 32 bits. */
function ones(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Differing bits of two 64-bit hashes that begin at word `at`. */
export const distance = (a: Uint32Array, b: Uint32Array, at = 0): number =>
  ones(((a[at] as number) ^ (b[at] as number)) >>> 0) + ones(((a[at + 1] as number) ^ (b[at + 1] as number)) >>> 0);

const isNear = (a: Uint32Array, b: Uint32Array): boolean =>
  distance(a, b) <= NEAR.difference && distance(a, b, 2) <= NEAR.frequency;

const BANDS = 4;
const bandOf = (look: Uint32Array, band: number): number =>
  ((look[band >> 1] as number) >>> ((band & 1) * 16)) & 0xffff;

/** All 16-bit words that differ from 0 in at most `most` bits. */
function masks(most: number): number[] {
  const all = [0];
  for (let from = 0, bit = 0; bit < most; bit++) {
    const to = all.length;
    for (; from < to; from++)
      for (let b = 0; b < 16; b++) {
        const mask = (all[from] as number) ^ (1 << b);
        if (mask > (all[from] as number) && mask >>> b === 1) all.push(mask);
      }
  }
  return all;
}

/** Sets that are joined when two of their members are found to belong together (Galler & Fischer 1964). */
class Groups {
  private readonly parent: number[];
  constructor(size: number) {
    this.parent = Array.from({ length: size }, (_, i) => i);
  }

  /** The smallest member of `i`'s set. */
  root(i: number): number {
    let root = i;
    while (this.parent[root] !== root) root = this.parent[root] as number;
    for (let at = i; at !== root; ) {
      const next = this.parent[at] as number;
      this.parent[at] = root;
      at = next;
    }
    return root;
  }

  join(i: number, j: number): void {
    const [a, b] = [this.root(i), this.root(j)];
    this.parent[Math.max(a, b)] = Math.min(a, b);
  }

  /** Sets of two and more, each in order. */
  several(): number[][] {
    const sets = new Map<number, number[]>();
    for (let i = 0; i < this.parent.length; i++) {
      const root = this.root(i);
      const set = sets.get(root);
      if (set === undefined) sets.set(root, [i]);
      else set.push(i);
    }
    return [...sets.values()].filter((set) => set.length > 1);
  }
}

/**
 * Groups of pictures that look nearly the same, each in the order of the list, of the looks that `examinePicture` gives.
 * Compares only pictures that agree in most of one of four bands of 16 bits: of 11 differing bits one band has at most 2
 * (Norouzi et al. 2012), so that nothing is missed and a long list is not compared all with all.
 */
export function nearDuplicates(looks: readonly Uint32Array[]): DuplicateGroup[] {
  const groups = new Groups(looks.length);
  const nearby = masks(Math.floor(NEAR.difference / BANDS));
  for (let band = 0; band < BANDS; band++) {
    // pictures with equal bits in the band, the newest first: the last seen, and the one before each
    const newest = new Int32Array(1 << 16).fill(-1);
    const before = new Int32Array(looks.length);
    for (const [i, look] of looks.entries()) {
      const key = bandOf(look, band);
      for (const mask of nearby)
        for (let j = newest[key ^ mask] as number; j >= 0; j = before[j] as number)
          if (isNear(look, looks[j] as Uint32Array)) groups.join(i, j);
      before[i] = newest[key] as number;
      newest[key] = i;
    }
  }
  return groups.several();
}
