import { type Picture, resample } from "../../data/index.js";
import type { FeatureExtractor } from "../extractor.js";

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A picture at the size of the generated ones: its middle in their shape, resized with antialias. A distance then tells
 * how pictures look and not how they were cut.
 */
export function fitPicture(picture: Picture, { width, height }: Size): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const scale = Math.min(picture.width / width, picture.height / height);
  const cut = {
    width: Math.max(1, Math.min(picture.width, Math.round(width * scale))),
    height: Math.max(1, Math.min(picture.height, Math.round(height * scale))),
  };
  return resample(middle(picture, cut), { width, height, interpolation: "bicubic" });
}

/** The middle of a picture; an odd pixel over is left out at the end. */
function middle(picture: Picture, { width, height }: Size): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const top = Math.floor((picture.height - height) / 2);
  const left = Math.floor((picture.width - width) / 2);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * 3;
    data.set(picture.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, channels: 3, data };
}

/** The same network, given pictures at one size. */
export function fitted(extractor: FeatureExtractor, size: Size): FeatureExtractor {
  return {
    name: extractor.name,
    dimension: extractor.dimension,
    prepare: (picture) => extractor.prepare(fitPicture(picture, size)),
    features: (x) => extractor.features(x),
  };
}
