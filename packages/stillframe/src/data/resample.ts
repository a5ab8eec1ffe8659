import { invalid } from "@stillframe/torch/errors";
import { checkPicture, type Picture } from "./picture.js";

/** Ways to resize, by the names that the reference's `--image_interpolation_mode` takes. */
export const INTERPOLATIONS = ["nearest", "nearest-exact", "bilinear", "bicubic", "box", "hamming", "lanczos"] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];

interface Filter {
  /** Half the width of the filter, in pixels of the coarser picture. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Cubic convolution (Keys 1981) with a = -1/2. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? -0.5 * (((d - 5) * d + 8) * d - 4) : 0;
}

/** Pillow has the two constants in single precision, which decides some roundings. */
function hamming(x: number): number {
  if (Math.abs(x) >= 1) return 0;
  return sinc(x) * (Math.fround(0.54) + Math.fround(0.46) * Math.cos(Math.PI * x));
}

const FILTERS: Readonly<Record<Exclude<Interpolation, "nearest" | "nearest-exact">, Filter>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Weights are integers in units of 2^-22: eight bits of pixel, two of head room for weights beyond 1, of 32. */
const PRECISION = 22;
const HALF = 1 << (PRECISION - 1);

/**
 * `picture` in another size, exactly as Pillow resizes eight-bit pictures: a horizontal and then a vertical pass with
 * integer weights, rounded to eight bits after each; when shrinking, the filter is widened by the factor (antialias).
 * Both nearest modes are Pillow's nearest, as in torchvision for pictures.
 */
export function resample(
  picture: Picture,
  options: { readonly width: number; readonly height: number; readonly interpolation: Interpolation },
): Picture {
  checkPicture(picture);
  const { width, height, interpolation } = options;
  if (!Number.isInteger(width) || width < 1) throw invalid("width", "a positive integer", width);
  if (!Number.isInteger(height) || height < 1) throw invalid("height", "a positive integer", height);
  if (!INTERPOLATIONS.includes(interpolation))
    throw invalid("interpolation", `one of ${INTERPOLATIONS.join(", ")}`, interpolation);
  if (width === picture.width && height === picture.height) return { ...picture, data: picture.data.slice() };
  if (interpolation === "nearest" || interpolation === "nearest-exact") return nearest(picture, width, height);
  const filter = FILTERS[interpolation];
  const wide = width === picture.width ? picture : resampleRows(picture, width, filter);
  return height === picture.height ? wide : resampleColumns(wide, height, filter);
}

interface Taps {
  /** First input pixel of each output pixel. */
  readonly start: Int32Array;
  /** Number of input pixels of each output pixel, at most `stride`. */
  readonly count: Int32Array;
  /** `[outputs, stride]` weights in units of 2^-22. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function taps(inputs: number, outputs: number, filter: Filter): Taps {
  const scale = inputs / outputs;
  const widening = Math.max(scale, 1);
  const support = filter.support * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Int32Array(outputs * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < outputs; i++) {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const n = Math.min(inputs, Math.trunc(center + support + 0.5)) - from;
    let sum = 0;
    for (let k = 0; k < n; k++) {
      exact[k] = filter.weight((k + from - center + 0.5) * (1 / widening));
      sum += exact[k]!;
    }
    for (let k = 0; k < n; k++) weights[i * stride + k] = fixedPoint(sum === 0 ? exact[k]! : exact[k]! / sum);
    start[i] = from;
    count[i] = n;
  }
  return { start, count, weights, stride };
}

/** Rounds half away from zero. */
function fixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

// Sums of products stay below 2^31: weights sum to 1 and the negative lobes of the filters are small. `Math.imul` keeps
// the arithmetic in integer registers.

function resampleRows({ width, height, data }: Picture, outWidth: number, filter: Filter): Picture {
  const { start, count, weights, stride } = taps(width, outWidth, filter);
  const out = new Uint8ClampedArray(height * outWidth * 3);
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    let o = y * outWidth * 3;
    for (let x = 0; x < outWidth; x++) {
      let p = row + start[x]! * 3;
      const first = x * stride;
      const last = first + count[x]!;
      let r = HALF;
      let g = HALF;
      let b = HALF;
      for (let k = first; k < last; k++) {
        const w = weights[k]!;
        r = (r + Math.imul(data[p]!, w)) | 0;
        g = (g + Math.imul(data[p + 1]!, w)) | 0;
        b = (b + Math.imul(data[p + 2]!, w)) | 0;
        p += 3;
      }
      out[o] = r >> PRECISION;
      out[o + 1] = g >> PRECISION;
      out[o + 2] = b >> PRECISION;
      o += 3;
    }
  }
  return { width: outWidth, height, channels: 3, data: new Uint8Array(out.buffer) };
}

function resampleColumns({ width, height, data }: Picture, outHeight: number, filter: Filter): Picture {
  const { start, count, weights, stride } = taps(height, outHeight, filter);
  const rowLength = width * 3;
  const out = new Uint8ClampedArray(outHeight * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < outHeight; y++) {
    sums.fill(HALF);
    for (let k = 0; k < count[y]!; k++) {
      const w = weights[y * stride + k]!;
      let p = (start[y]! + k) * rowLength;
      for (let x = 0; x < rowLength; x++) sums[x] = (sums[x]! + Math.imul(data[p++]!, w)) | 0;
    }
    let o = y * rowLength;
    for (let x = 0; x < rowLength; x++) out[o++] = sums[x]! >> PRECISION;
  }
  return { width, height: outHeight, channels: 3, data: new Uint8Array(out.buffer) };
}

function nearest({ width, height, data }: Picture, outWidth: number, outHeight: number): Picture {
  const columns = nearestSources(width, outWidth);
  const rows = nearestSources(height, outHeight);
  const out = new Uint8Array(outHeight * outWidth * 3);
  let o = 0;
  for (let y = 0; y < outHeight; y++) {
    const row = rows[y]! * width;
    for (let x = 0; x < outWidth; x++) {
      const p = (row + columns[x]!) * 3;
      out[o] = data[p]!;
      out[o + 1] = data[p + 1]!;
      out[o + 2] = data[p + 2]!;
      o += 3;
    }
  }
  return { width: outWidth, height: outHeight, channels: 3, data: out };
}

/** The input pixel under the centre of each output pixel. Pillow adds the step up, and so do its rounding errors. */
function nearestSources(inputs: number, outputs: number): Int32Array {
  const step = inputs / outputs;
  let at = step * 0.5;
  return Int32Array.from({ length: outputs }, () => {
    const source = Math.min(inputs - 1, Math.trunc(at));
    at += step;
    return source;
  });
}
