import { invalid } from "@stillframe/torch/errors";
import type { Picture } from "./picture.js";
import { type Interpolation, resample } from "./resample.js";

/** A picture as a training step wants it. Sizes and offsets are height first. */
export interface PreprocessedPicture {
  /** `[3, resolution, resolution]` in [-1, 1]. */
  readonly pixelValues: Float32Array;
  readonly originalSize: readonly [height: number, width: number];
  /** Offset of the crop in the resized picture, after the flip. */
  readonly cropTopLeft: readonly [top: number, left: number];
  readonly targetSize: readonly [height: number, width: number];
  /** The UNet's size conditioning: original size, crop offset, target size. */
  readonly timeIds: readonly [number, number, number, number, number, number];
  readonly flipped: boolean;
}

export interface PreprocessOptions {
  /** Side of the square result. */
  readonly resolution: number;
  /** Default `lanczos`. */
  readonly interpolation?: Interpolation;
  /** Default `center`. */
  readonly crop?: "center" | "random" | { readonly top: number; readonly left: number };
  /** Mirror left and right; `random` does it half of the time. Default false. */
  readonly flip?: boolean | "random";
  /** Uniform numbers from 0 to below 1, for `random`: drawn for the flip, then the top, then the left. */
  readonly random?: () => number;
}

/** The most pixels that a resized picture may have: slivers grow without bound when their short side is scaled up. */
const MAX_RESIZED_PIXELS = 100e6;

/**
 * Resize (shorter side to the resolution), flip, crop, scale to [-1, 1]: the order of
 * `train_text_to_image_lora_sdxl.py`. The crop offset is measured after the flip and not mirrored.
 */
export function preprocess(picture: Picture, options: PreprocessOptions): PreprocessedPicture {
  const { resolution, interpolation = "lanczos", crop = "center", flip = false } = options;
  const resized = resizeShorterSide(picture, { resolution, interpolation });
  const flipped = flip === "random" ? draw(options.random) < 0.5 : flip;
  const [top, left] = cropOffset(resized, { resolution, crop, random: options.random });
  const pixelValues = cropToPixelValues(resized, { top, left, height: resolution, width: resolution, flipped });
  return {
    pixelValues,
    originalSize: [picture.height, picture.width],
    cropTopLeft: [top, left],
    targetSize: [resolution, resolution],
    timeIds: [picture.height, picture.width, top, left, resolution, resolution],
    flipped,
  };
}

/** Size with the shorter side at `resolution`; the longer side is cut to an integer, as torchvision's `Resize` does. */
export function resizedSize(
  size: { readonly width: number; readonly height: number },
  resolution: number,
): { width: number; height: number } {
  if (!Number.isInteger(resolution) || resolution < 1) throw invalid("resolution", "a positive integer", resolution);
  const { width, height } = size;
  if (width <= height) return { width: resolution, height: Math.trunc((resolution * height) / width) };
  return { width: Math.trunc((resolution * width) / height), height: resolution };
}

/** The picture with its shorter side at `resolution`. */
export function resizeShorterSide(
  picture: Picture,
  options: { readonly resolution: number; readonly interpolation: Interpolation },
): Picture {
  const size = resizedSize(picture, options.resolution);
  if (size.width * size.height > MAX_RESIZED_PIXELS)
    throw invalid(
      "picture",
      `at most ${MAX_RESIZED_PIXELS / 1e6} megapixels after resizing to ${options.resolution}`,
      `${picture.width} × ${picture.height} (${size.width} × ${size.height} after resizing)`,
    );
  return resample(picture, { ...size, interpolation: options.interpolation });
}

function cropOffset(
  resized: Picture,
  options: {
    readonly resolution: number;
    readonly crop: NonNullable<PreprocessOptions["crop"]>;
    readonly random: PreprocessOptions["random"];
  },
): [top: number, left: number] {
  const spareY = resized.height - options.resolution;
  const spareX = resized.width - options.resolution;
  const { crop, random } = options;
  if (crop === "center") return [roundHalfToEven(spareY / 2), roundHalfToEven(spareX / 2)];
  if (crop === "random") {
    // torchvision draws nothing for a picture that fits exactly.
    if (spareY === 0 && spareX === 0) return [0, 0];
    const top = Math.floor(draw(random) * (spareY + 1));
    return [top, Math.floor(draw(random) * (spareX + 1))];
  }
  checkOffset("crop.top", crop.top, spareY);
  checkOffset("crop.left", crop.left, spareX);
  return [crop.top, crop.left];
}

function checkOffset(name: string, offset: number, spare: number): void {
  if (!Number.isInteger(offset) || offset < 0 || offset > spare)
    throw invalid(name, `an integer from 0 to ${spare}`, offset);
}

function draw(random: PreprocessOptions["random"]): number {
  if (!random) throw invalid("random", "a function for a random crop or flip", random);
  const value = random();
  if (!(value >= 0 && value < 1)) throw invalid("random", "numbers from 0 to below 1", value);
  return value;
}

/** Python's `round`, for the centre offset. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** `ToTensor` and `Normalize([0.5], [0.5])` in float32, for each of the 256 values. */
const PIXEL_VALUES = Float32Array.from({ length: 256 }, (_, value) => {
  const unit = Math.fround(Math.fround(value) / 255);
  return Math.fround(Math.fround(unit - 0.5) / 0.5);
});

/**
 * A window of a picture as `[3, height, width]` in [-1, 1]. With `flipped` the picture is mirrored first; `top` and
 * `left` are measured in the mirrored picture.
 */
export function cropToPixelValues(
  picture: Picture,
  window: {
    readonly top: number;
    readonly left: number;
    readonly height: number;
    readonly width: number;
    readonly flipped: boolean;
  },
): Float32Array {
  const { top, left, height, width, flipped } = window;
  checkOffset("top", top, picture.height - height);
  checkOffset("left", left, picture.width - width);
  const { data } = picture;
  const plane = height * width;
  const values = new Float32Array(3 * plane);
  const firstX = flipped ? picture.width - 1 - left : left;
  const step = flipped ? -3 : 3;
  let o = 0;
  for (let y = 0; y < height; y++) {
    let p = ((top + y) * picture.width + firstX) * 3;
    for (let x = 0; x < width; x++) {
      values[o] = PIXEL_VALUES[data[p]!]!;
      values[o + plane] = PIXEL_VALUES[data[p + 1]!]!;
      values[o + 2 * plane] = PIXEL_VALUES[data[p + 2]!]!;
      o++;
      p += step;
    }
  }
  return values;
}
