import sharp from "sharp";
import type { Picture } from "../data/index.js";

/** What is measured of a picture. */
export interface Examination {
  /** Two 64-bit hashes of how it looks, each as two halves of 32 bits: `[difference, difference, frequency, frequency]` */
  look: Uint32Array;
  /** How sharp it is at a common size, whatever its contrast: to be compared with others of its kind. */
  sharpness: number;
}

/** Long side at which sharpness is compared. Smaller pictures are enlarged to it, as training enlarges them. */
const COMMON_SIDE = 512;

type Grey = { data: Uint8Array; width: number; height: number };

/** Measures a picture's look and sharpness. */
export async function examinePicture(picture: Picture): Promise<Examination> {
  const grey = await toGrey(picture);
  const small = (width: number, height: number) => resized(grey, width, height);
  const [nine, square] = await Promise.all([small(9, 8), small(FREQUENCY_SIDE, FREQUENCY_SIDE)]);
  return {
    look: Uint32Array.of(...differenceHash(nine), ...frequencyHash(square)),
    sharpness: laplacianVariance(grey) / (variance(grey.data) + FLAT),
  };
}

async function toGrey({ data, width, height }: Picture): Promise<Grey> {
  const scale = COMMON_SIDE / Math.max(width, height);
  const size = { width: Math.max(3, Math.round(width * scale)), height: Math.max(3, Math.round(height * scale)) };
  const raw = { width, height, channels: 3 } as const;
  const out = await sharp(data, { raw })
    .greyscale()
    .resize({ ...size, fit: "fill" })
    .raw()
    .toBuffer();
  return { data: new Uint8Array(out), ...size };
}

async function resized(grey: Grey, width: number, height: number): Promise<Uint8Array> {
  const raw = { width: grey.width, height: grey.height, channels: 1 } as const;
  const out = await sharp(grey.data, { raw })
    .resize({ width, height, fit: "fill", kernel: "linear" })
    .greyscale()
    .raw()
    .toBuffer();
  return new Uint8Array(out);
}

/** 64 bits from a function of their index. */
function bits(bit: (i: number) => boolean): [number, number] {
  const half = (from: number) => {
    let word = 0;
    for (let i = 0; i < 32; i++) word = (word << 1) | (bit(from + i) ? 1 : 0);
    return word >>> 0;
  };
  return [half(0), half(32)];
}

/**
 * Whether each of 8 × 8 places is darker than its right neighbour, of 9 × 8 grey values. It stays the same under changes
 * of size, brightness and compression.
 */
export function differenceHash(grey: Uint8Array): [number, number] {
  return bits((i) => {
    const at = (i >> 3) * 9 + (i & 7);
    return (grey[at] as number) < (grey[at + 1] as number);
  });
}

const FREQUENCY_SIDE = 32;
/** Cosines of the 8 lowest frequencies over 32 samples (DCT-II, Ahmed et al. 1974). */
const COSINES = Float64Array.from({ length: 8 * FREQUENCY_SIDE }, (_, i) => {
  const [frequency, x] = [Math.floor(i / FREQUENCY_SIDE), i % FREQUENCY_SIDE];
  return Math.cos((Math.PI * frequency * (2 * x + 1)) / (2 * FREQUENCY_SIDE));
});

/** Whether each of the 8 × 8 lowest frequencies of 32 × 32 grey values is above their median. */
export function frequencyHash(grey: Uint8Array): [number, number] {
  const n = FREQUENCY_SIDE;
  const rows = new Float64Array(8 * n); // [frequency along x, y]
  for (let f = 0; f < 8; f++)
    for (let y = 0; y < n; y++) {
      let sum = 0;
      for (let x = 0; x < n; x++) sum += (COSINES[f * n + x] as number) * (grey[y * n + x] as number);
      rows[f * n + y] = sum;
    }
  const both = new Float64Array(64); // [frequency along y, frequency along x]
  for (let g = 0; g < 8; g++)
    for (let f = 0; f < 8; f++) {
      let sum = 0;
      for (let y = 0; y < n; y++) sum += (COSINES[g * n + y] as number) * (rows[f * n + y] as number);
      both[g * 8 + f] = sum;
    }
  // the first is the mean brightness, which says nothing of the look
  const sorted = both.slice(1).sort();
  const median = sorted[31] as number;
  return bits((i) => i > 0 && (both[i] as number) > median);
}

/** Variance of grey values below which a picture counts as flat: noise alone would make it look sharp. */
const FLAT = 20;

function variance(values: Uint8Array): number {
  let [sum, squares] = [0, 0];
  for (const v of values) {
    sum += v;
    squares += v * v;
  }
  return squares / values.length - (sum / values.length) ** 2;
}

/** Variance of the Laplacian over the inner pixels (Pech-Pacheco et al. 2000). */
export function laplacianVariance({ data, width, height }: Grey): number {
  let [sum, squares] = [0, 0];
  for (let y = 1; y < height - 1; y++)
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      const around = data[i - 1]! + data[i + 1]! + data[i - width]! + data[i + width]!;
      const laplacian = around - 4 * data[i]!;
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  const n = (width - 2) * (height - 2);
  return squares / n - (sum / n) ** 2;
}
