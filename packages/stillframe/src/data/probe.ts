import { invalid } from "@stillframe/torch/errors";
import sharp, { type Metadata } from "sharp";
import { type PictureSource, readPictureFile } from "./picture-file.js";
import { UnusablePictureError } from "./unusable-picture-error.js";

/** Formats that are decoded. `heif` is AVIF; SVG is refused, because it has no size of its own and can name other files. */
export const PICTURE_FORMATS = ["jpeg", "png", "webp", "gif", "tiff", "heif"] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

/** What a picture's header says. */
export interface PictureHeader {
  readonly format: PictureFormat;
  /** Size of the upright picture, after its EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Pictures in the file; the first is used. */
  readonly pages: number;
  readonly hasAlpha: boolean;
  /** As libvips names it: `srgb`, `b-w`, `grey16`, `rgb16`, `cmyk` … */
  readonly colourSpace: string;
}

/** What a picture must keep to be used. */
export interface PictureLimits {
  /** The most pixels, checked before anything is decoded. Default 100 million. */
  readonly pixelLimit?: number;
  /** The shortest side that is not too small to learn from. Default 16. */
  readonly minSide?: number;
  /** The longest side over the shortest. Default 16: beyond it a square crop shows next to nothing. */
  readonly maxAspectRatio?: number;
}

export const DEFAULT_PIXEL_LIMIT = 100e6;

export type Probe =
  | { readonly usable: true; readonly header: PictureHeader }
  | { readonly usable: false; readonly reason: string };

/** Reads the header alone and says whether the picture can be used, or why not. Pixels are not decoded. */
export async function probePicture(source: PictureSource, limits: PictureLimits = {}): Promise<Probe> {
  try {
    const { header } = await readHeader(source, { pixelLimit: limits.pixelLimit ?? DEFAULT_PIXEL_LIMIT });
    const reason = shapeProblem(header, limits);
    return reason === undefined ? { usable: true, header } : { usable: false, reason };
  } catch (error) {
    if (error instanceof UnusablePictureError) return { usable: false, reason: error.reason };
    throw error;
  }
}

function shapeProblem({ width, height }: PictureHeader, limits: PictureLimits): string | undefined {
  const { minSide = 16, maxAspectRatio = 16 } = limits;
  if (!(minSide >= 1)) throw invalid("minSide", "a number of 1 or more", minSide);
  if (!(maxAspectRatio >= 1)) throw invalid("maxAspectRatio", "a number of 1 or more", maxAspectRatio);
  const short = Math.min(width, height);
  const ratio = Math.max(width, height) / short;
  if (short < minSide) return `${width} × ${height} pixels: the shorter side is below the limit of ${minSide}`;
  if (ratio > maxAspectRatio)
    return `${width} × ${height} pixels: an aspect ratio of ${ratio.toFixed(1)} is above the limit of ${maxAspectRatio}`;
  return undefined;
}

/** The header and what a decoder needs besides. */
export interface OpenedPicture {
  readonly bytes: Uint8Array;
  readonly header: PictureHeader;
  /** The embedded colour profile. */
  readonly icc: Uint8Array | undefined;
}

/**
 * Reads the bytes and the header.
 *
 * @throws UnusablePictureError with the reason: not a picture, unknown format, too many pixels.
 */
export async function readHeader(
  source: PictureSource,
  options: { readonly pixelLimit: number; readonly name?: string },
): Promise<OpenedPicture> {
  const { pixelLimit } = options;
  if (!(pixelLimit >= 1)) throw invalid("pixelLimit", "a number of 1 or more", pixelLimit);
  const name = options.name ?? (typeof source === "string" ? source : "picture");
  const bytes = typeof source === "string" ? await readPictureFile(source) : source;
  if (bytes.length === 0) throw new UnusablePictureError(name, "the file is empty");
  const metadata = await readMetadata(bytes, name);
  const header = toHeader(metadata, name);
  if (header.width * header.height > pixelLimit)
    throw new UnusablePictureError(
      name,
      `${header.width} × ${header.height} pixels are ${megapixels(header.width * header.height)}, more than the limit of ` +
        megapixels(pixelLimit),
    );
  return { bytes, header, icc: metadata.icc };
}

const megapixels = (pixels: number): string => `${Number((pixels / 1e6).toPrecision(4))} megapixels`;

async function readMetadata(bytes: Uint8Array, name: string): Promise<Metadata> {
  try {
    // The limit is checked by the caller, who can then name the size; nothing is decoded here.
    return await sharp(bytes, { limitInputPixels: false, failOn: "none" }).metadata();
  } catch (error) {
    throw new UnusablePictureError(name, decoderProblem(error));
  }
}

function toHeader(metadata: Metadata, name: string): PictureHeader {
  const format = PICTURE_FORMATS.find((known) => known === metadata.format);
  if (!format)
    throw new UnusablePictureError(
      name,
      `its format is ${metadata.format}, which is not one of ${PICTURE_FORMATS.join(", ")}`,
    );
  return {
    format,
    width: metadata.autoOrient.width,
    height: metadata.autoOrient.height,
    pages: metadata.pages ?? 1,
    hasAlpha: metadata.hasAlpha,
    colourSpace: metadata.space,
  };
}

/** A failure of the decoder in words. */
export function decoderProblem(error: unknown): string {
  const message = (error as Error).message.trim().split("\n")[0] ?? "";
  if (/unsupported image format/i.test(message)) return "it is not a picture of a known format";
  if (/pixel limit/i.test(message)) return "it has more pixels than the limit";
  return `it cannot be decoded: ${message}`;
}
