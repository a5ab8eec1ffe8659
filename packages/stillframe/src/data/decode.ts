import { invalid } from "@stillframe/torch/errors";
import sharp from "sharp";
import { isSrgbProfile } from "./icc-profile.js";
import type { Picture } from "./picture.js";
import type { PictureSource } from "./picture-file.js";
import { DEFAULT_PIXEL_LIMIT, decoderProblem, type OpenedPicture, readHeader } from "./probe.js";
import { UnusablePictureError } from "./unusable-picture-error.js";

export interface DecodeOptions {
  /** The most pixels, checked before decoding. Default 100 million. */
  readonly pixelLimit?: number;
  /** What messages call the picture. Default the path. */
  readonly name?: string;
  /**
   * `convert` (default) brings pictures with another colour profile than sRGB (Display P3, Adobe RGB …) to sRGB, so that
   * they look as in a viewer; `ignore` takes the numbers as they are, as the reference does.
   */
  readonly colourProfile?: "convert" | "ignore";
}

/**
 * A picture file as upright eight-bit RGB:
 * - EXIF orientation is applied, as Hugging Face `datasets` does.
 * - Alpha is dropped and the colour below it kept, as `Image.convert("RGB")` does. (Transparent pixels of a GIF have no
 *   colour left after decoding and are black.)
 * - Grey becomes three equal channels, 16 bits are cut to the upper 8, palettes are looked up, the first frame is taken.
 * - CMYK is converted by its profile or, without one, as light less ink, as Pillow does.
 * - Pixels of pictures without a profile, or with an sRGB one, are exactly those in the file.
 *
 * @throws UnusablePictureError with the reason; truncated and damaged files are errors, not half pictures.
 */
export async function decodePicture(source: PictureSource, options: DecodeOptions = {}): Promise<Picture> {
  const { colourProfile = "convert" } = options;
  if (colourProfile !== "convert" && colourProfile !== "ignore")
    throw invalid("colourProfile", "convert or ignore", colourProfile);
  const name = options.name ?? (typeof source === "string" ? source : "picture");
  const pixelLimit = options.pixelLimit ?? DEFAULT_PIXEL_LIMIT;
  const opened = await readHeader(source, { pixelLimit, name });
  const managed = colourProfile === "convert" && opened.icc !== undefined && !isSrgbProfile(opened.icc);
  try {
    return await decode(opened, { pixelLimit, managed });
  } catch (error) {
    throw new UnusablePictureError(name, decoderProblem(error));
  }
}

async function decode(
  { bytes, header }: OpenedPicture,
  options: { readonly pixelLimit: number; readonly managed: boolean },
): Promise<Picture> {
  const limits = { limitInputPixels: Math.ceil(options.pixelLimit), failOn: "error" } as const;
  const image = sharp(bytes, { ...limits, ignoreIcc: !options.managed, autoOrient: true });
  if (header.colourSpace === "cmyk" && !options.managed) image.pipelineColourspace("cmyk").toColourspace("cmyk");
  else image.toColourspace("srgb").removeAlpha();
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  if (info.width !== header.width || info.height !== header.height)
    throw new Error(`the header says ${header.width} × ${header.height} but there are ${info.width} × ${info.height}`);
  return { width: info.width, height: info.height, channels: 3, data: toRgb(data, info.channels) };
}

function toRgb(data: Uint8Array, channels: number): Uint8Array {
  // A view without `Buffer`'s methods, so that two pictures of the same pixels are deeply equal.
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (channels === 1) return greyToRgb(data);
  if (channels === 4) return cmykToRgb(data);
  throw new Error(`pixels have ${channels} channels`);
}

function greyToRgb(data: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(data.length * 3);
  for (let i = 0, o = 0; i < data.length; i++, o += 3) rgb.fill(data[i]!, o, o + 3);
  return rgb;
}

/** Light less ink: (1 - colour)(1 - black), rounded as Pillow rounds. */
function cmykToRgb(data: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, o = 0; i < data.length; i += 4) {
    const light = 255 - data[i + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = data[i + c]! * light + 128;
      rgb[o++] = light - ((product + (product >> 8)) >> 8);
    }
  }
  return rgb;
}
