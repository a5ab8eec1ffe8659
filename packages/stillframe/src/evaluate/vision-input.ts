import { invalid, noGrad, scope, type Tensor, tensor } from "@stillframe/torch";
import { type Picture, resample, resizeShorterSide } from "../data/index.js";
import { pixels } from "./resize.js";

/** Channel means and deviations that a network was trained with, of pixels in [0, 1]. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}
export const CLIP_NORMALIZATION: Normalization = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
export const IMAGENET_NORMALIZATION: Normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * How a picture becomes a square; always by Pillow's bicubic with antialias, in eight bits.
 * - `shorter-side`: the shorter side to size, then the middle is cut out (CLIP's own preparation).
 * - `centre-square`: the middle square is cut out, then brought to size (CMMD's code).
 * - `stretch`: both sides to size (dgm-eval's FD-DINOv2).
 */
export const SQUARINGS = ["shorter-side", "centre-square", "stretch"] as const;
export type Squaring = (typeof SQUARINGS)[number];

/** A picture as a vision transformer takes it, `[3, size, size]` float32. */
export function visionInput(
  picture: Picture,
  { size, squaring, normalization }: { size: number; squaring: Squaring; normalization: Normalization },
): Tensor {
  const square = toSquare(picture, size, squaring);
  return scope(() =>
    noGrad(() => {
      const [mean, std] = [normalization.mean, normalization.std].map((v) => tensor([...v], { shape: [3, 1, 1] })) as [
        Tensor,
        Tensor,
      ];
      return pixels(square).div(255).sub(mean).div(std);
    }),
  );
}

function toSquare(picture: Picture, size: number, squaring: Squaring): Picture {
  if (!SQUARINGS.includes(squaring)) throw invalid("squaring", `one of ${SQUARINGS.join(", ")}`, squaring);
  const whole = { width: size, height: size, interpolation: "bicubic" } as const;
  if (squaring === "stretch") return resample(picture, whole);
  if (squaring === "centre-square")
    return resample(centreSquare(picture, Math.min(picture.width, picture.height)), whole);
  return centreSquare(resizeShorterSide(picture, { resolution: size, interpolation: "bicubic" }), size);
}

/** The middle `side × side` pixels; an odd pixel over is left out at the end. */
function centreSquare({ width, height, data }: Picture, side: number): Picture {
  const top = Math.floor((height - side) / 2);
  const left = Math.floor((width - side) / 2);
  const cut = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    const from = ((top + y) * width + left) * 3;
    cut.set(data.subarray(from, from + side * 3), y * side * 3);
  }
  return { width: side, height: side, channels: 3, data: cut };
}
