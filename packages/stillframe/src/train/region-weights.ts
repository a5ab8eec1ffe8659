import type { Region } from "../data/index.js";
import type { Cut } from "./cut.js";

/** What each place of a picture's latents counts in the loss: row by row, 1 in the mean. */
export interface RegionWeights {
  values: Float32Array;
  height: number;
  width: number;
}

/** From where to where a box reaches along one axis of the latents, after resizing, mirroring and cropping. */
function spanOf(
  [from, length]: readonly [number, number],
  axis: { size: number; resized: number; offset: number; mirrored: boolean; factor: number },
): [number, number] {
  const scale = axis.resized / axis.size;
  const [low, high] = [from * scale, (from + length) * scale];
  const [start, end] = axis.mirrored ? [axis.resized - high, axis.resized - low] : [low, high];
  return [(start - axis.offset) / axis.factor, (end - axis.offset) / axis.factor];
}

/** How much of cell `i` lies in a span. */
const covered = (i: number, [from, to]: readonly [number, number]): number =>
  Math.max(0, Math.min(i + 1, to) - Math.max(i, from));

/**
 * What each place of a cut picture counts: 1, and in a region the region's weight. Where regions overlap the later one
 * counts, so that a face comes after the person who has it. A cell that a box covers in part counts in proportion.
 *
 * @param options `weight` is that of regions without their own; `factor` is how many pixels a latent stands for along a side
 */
export function regionWeights(
  picture: { width: number; height: number; regions: readonly Region[] },
  cut: Cut,
  { weight, factor }: { weight: number; factor: number },
): RegionWeights {
  const [height, width] = [cut.target[0] / factor, cut.target[1] / factor];
  const values = new Float32Array(height * width).fill(1);
  for (const { box, weight: own } of picture.regions) {
    const [x, y, w, h] = box;
    const [top, left] = [
      { size: picture.height, resized: cut.resized[0], offset: cut.top, mirrored: false, factor },
      { size: picture.width, resized: cut.resized[1], offset: cut.left, mirrored: cut.flipped, factor },
    ];
    const [rows, columns] = [spanOf([y, h], top), spanOf([x, w], left)];
    for (let i = Math.max(0, Math.floor(rows[0])); i < Math.min(height, rows[1]); i++)
      for (let j = Math.max(0, Math.floor(columns[0])); j < Math.min(width, columns[1]); j++) {
        const at = i * width + j;
        const share = covered(i, rows) * covered(j, columns);
        values[at] = (values[at] as number) * (1 - share) + (own ?? weight) * share;
      }
  }
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { values: values.map((v) => v / mean), height, width };
}
