import { type Tensor, tensor } from "@stillframe/torch";
import type { FeatureExtractor } from "../extractor.js";

/** A stand-in for a network: a picture's mean red, green and blue, and the spread of each. */
export function meanColour({ broken }: { broken?: (row: number) => boolean } = {}): FeatureExtractor {
  let seen = 0;
  return {
    name: "mean colour",
    dimension: 6,
    prepare: ({ data, width, height }) => {
      const sums = new Float64Array(6);
      for (let i = 0; i < data.length; i++) {
        sums[i % 3]! += data[i]! / 255;
        sums[3 + (i % 3)]! += (data[i]! / 255) ** 2;
      }
      const n = width * height;
      return tensor(
        Float32Array.from(sums, (s) => s / n),
        { shape: [6, 1, 1] },
      );
    },
    features: (x: Tensor) => {
      const rows = x.flatten(1);
      const wrong = Array.from({ length: x.size(0) }, () => (broken?.(seen++) ? Number.NaN : 1));
      return rows.mul(tensor(wrong).unsqueeze(1));
    },
  };
}
