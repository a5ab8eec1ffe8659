import { invalid, noGrad, scope, type Tensor, tensor, upsampleBilinear2d } from "@stillframe/torch";
import { checkPicture, type Picture } from "../data/index.js";

/**
 * How a picture comes to the network's size. FID moves by several points between them, so that numbers from different ways
 * cannot be compared (Parmar et al. 2022).
 *
 * - `pytorch`: pytorch-fid's; bilinear between pixel centres, without antialias, then `2x - 1` of [0, 1].
 * - `tensorflow`: the original code's and torch-fidelity's; TensorFlow 1's bilinear between pixel corners, without
 *   antialias, then `(x - 128) / 128`.
 * - `clean`: clean-fid's; Pillow's bicubic with antialias in floating point, not rounded or cut, then `(x - 128) / 128`.
 */
export const FID_RESIZES = ["pytorch", "tensorflow", "clean"] as const;
export type FidResize = (typeof FID_RESIZES)[number];

/** Side of the Inception network's input. */
const SIDE = 299;

/** A picture as the Inception network takes it, `[3, 299, 299]` float32. */
export function inceptionInput(picture: Picture, { resize }: { resize: FidResize }): Tensor {
  if (!FID_RESIZES.includes(resize)) throw invalid("resize", `one of ${FID_RESIZES.join(", ")}`, resize);
  return scope(() =>
    noGrad(() => {
      const x = pixels(picture);
      if (resize === "pytorch") return bilinear(x.div(255)).mul(2).sub(1);
      return (resize === "tensorflow" ? tensorflowBilinear(x) : cleanBicubic(x)).sub(128).div(128);
    }),
  );
}

/** `[3, h, w]` float32 in 0 … 255. */
export function pixels(picture: Picture): Tensor {
  checkPicture(picture);
  const { width, height, data } = picture;
  return scope(() =>
    tensor(data, { shape: [height, width, 3] })
      .permute(2, 0, 1)
      .to("float32")
      .contiguous(),
  );
}

/** libtorch's bilinear interpolation between pixel centres: `[3, h, w]` → `[3, 299, 299]`. */
function bilinear(x: Tensor): Tensor {
  return upsampleBilinear2d(x.unsqueeze(0), [SIDE, SIDE], false).squeeze(0);
}

/** TensorFlow 1's `resize_bilinear` with `align_corners` off: output pixel i looks at `i · in / out`, in float32. */
function tensorflowBilinear(x: Tensor): Tensor {
  const { h, w } = x.dims("3 h w");
  const rows = cornerTaps(h);
  const columns = cornerTaps(w);
  const along = (y: Tensor, axis: 1 | 2, { low, high, weight }: CornerTaps) => {
    const a = y.indexSelect(axis, low);
    return a.add(
      y
        .indexSelect(axis, high)
        .sub(a)
        .mul(axis === 1 ? weight.unsqueeze(1) : weight),
    );
  };
  return along(along(x, 2, columns), 1, rows);
}

interface CornerTaps {
  /** The two pixels of each output pixel, int64 `[299]`, and how much of the second there is. */
  low: Tensor;
  high: Tensor;
  weight: Tensor;
}

function cornerTaps(size: number): CornerTaps {
  const scale = Math.fround(size / SIDE);
  const at = Float32Array.from({ length: SIDE }, (_, i) => Math.fround(i * scale));
  const low = BigInt64Array.from(at, (a) => BigInt(Math.floor(a)));
  const high = low.map((i) => (i + 1n < BigInt(size) ? i + 1n : i));
  return { low: tensor(low), high: tensor(high), weight: tensor(at.map((a) => a - Math.floor(a))) };
}

/** Both passes as products with a matrix of weights, in float64 as Pillow sums; float32 between them, as Pillow keeps. */
function cleanBicubic(x: Tensor): Tensor {
  const { h, w } = x.dims("3 h w");
  const wide = x.to("float64").matmul(bicubicWeights(w).t()).to("float32");
  return bicubicWeights(h).matmul(wide.to("float64")).to("float32");
}

/** Cubic convolution (Keys 1981) with a = -1/2, widened by the factor when shrinking: `[299, size]` float64. */
function bicubicWeights(size: number): Tensor {
  const scale = size / SIDE;
  const widening = Math.max(scale, 1);
  const support = 2 * widening;
  const weights = new Float64Array(SIDE * size);
  for (let i = 0; i < SIDE; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(size, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let j = first; j < end; j++) sum += weights[i * size + j] = cubic((j - centre + 0.5) / widening);
    for (let j = first; j < end; j++) weights[i * size + j]! /= sum;
  }
  return tensor(weights, { shape: [SIDE, size] });
}

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? -0.5 * (((d - 5) * d + 8) * d - 4) : 0;
}
