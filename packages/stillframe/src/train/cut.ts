import { FileFormatError } from "@stillframe/torch/errors";
// the very modules, so that a thread of a pool starts without the rest
import { decodePicture } from "../data/decode.js";
import { contentHash } from "../data/picture-file.js";
import { cropToPixelValues, roundHalfToEven } from "../data/preprocess.js";
import { type Interpolation, resample } from "../data/resample.js";
import { coveringSize, type Target } from "./buckets.js";
import { uniformNumbers } from "./randomness.js";

/** How a picture is cut: which size, from which place, mirrored or not. */
export interface Cut {
  /** of the result in pixels */
  target: Target;
  /** of the resized picture, after mirroring */
  top: number;
  left: number;
  /** `[height, width]` after resizing */
  resized: readonly [number, number];
  flipped: boolean;
}

/** What training reads of a picture: `[1, 3, h, w]` in [-1, 1]. */
export interface Pixels {
  values: Float32Array;
  shape: number[];
}

/**
 * Where a picture is cut: in the middle, or at a place drawn for each crop. What is drawn depends on the picture's
 * content and not on its place in the list: another picture beside it moves no crop.
 */
export function cutOf(
  picture: { sha256: string; width: number; height: number },
  options: { target: Target; flipped: boolean; crop: number; seed: number; centre: boolean },
): Cut {
  const { target, flipped, crop, seed, centre } = options;
  const resized = coveringSize(picture, target);
  const [spareY, spareX] = [resized[0] - target[0], resized[1] - target[1]];
  if (centre) return { target, resized, flipped, top: roundHalfToEven(spareY / 2), left: roundHalfToEven(spareX / 2) };
  const random = uniformNumbers(seed, "crop", Number.parseInt(picture.sha256.slice(0, 12), 16), crop);
  const [y, x] = [random(), random()];
  return { target, resized, flipped, top: Math.floor(y * (spareY + 1)), left: Math.floor(x * (spareX + 1)) };
}

/**
 * A picture file's bytes → pixels, as `cut` says.
 *
 * @param options `sha256` is that of the bytes that were there when the run began
 * @throws FileFormatError when the bytes are others by now; UnusablePictureError when they cannot be decoded
 */
export async function cutBytes(
  bytes: Uint8Array,
  { name, sha256, cut, interpolation }: { name: string; sha256: string; cut: Cut; interpolation: Interpolation },
): Promise<Pixels> {
  if (contentHash(bytes) !== sha256)
    throw new FileFormatError(name, "the picture was changed after the run had read it; start the run again");
  const decoded = await decodePicture(bytes, { name });
  const [height, width] = cut.resized;
  const same = decoded.height === height && decoded.width === width;
  const resized = same ? decoded : resample(decoded, { height, width, interpolation });
  const [h, w] = cut.target;
  const window = { top: cut.top, left: cut.left, height: h, width: w, flipped: cut.flipped };
  return { values: cropToPixelValues(resized, window), shape: [1, 3, h, w] };
}
