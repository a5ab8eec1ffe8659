import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Region } from "../data/index.js";
import type { Cut } from "./cut.js";
import { regionWeights } from "./region-weights.js";

/** A picture twice as wide as what is cut from it. */
const cut: Cut = { target: [32, 32], resized: [32, 64], top: 0, left: 8, flipped: false };
const picture = (...regions: Region[]) => ({ width: 128, height: 64, regions });
const box = (x: number, y: number, w: number, h: number, weight: number | null = null): Region => ({
  box: [x, y, w, h],
  weight,
});

/** Without the division by the mean, which `at` undoes by the first cell's known weight. */
function cells(regions: readonly Region[], options: Partial<Cut> = {}, corner = 1): number[][] {
  const { values, height, width } = regionWeights(
    picture(...regions),
    { ...cut, ...options },
    { weight: 4, factor: 8 },
  );
  assert.deepEqual([height, width], [4, 4]);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  assert.ok(Math.abs(mean - 1) < 1e-6, `${mean}`);
  const one = (values.at(-1) as number) / corner;
  return Array.from({ length: 4 }, (_, i) =>
    Array.from(values.subarray(i * 4, i * 4 + 4), (v) => +(v / one).toFixed(4)),
  );
}

describe("regionWeights", () => {
  it("is one everywhere without regions", () => {
    assert.deepEqual(cells([]).flat(), Array(16).fill(1));
  });

  it("resizes and crops boxes with the picture", () => {
    // 32 to 48 of 128 → 16 to 24 of 64 resized → 8 to 16 of the cut: the second column; rows 0 to 2
    assert.deepEqual(cells([box(32, 0, 16, 32)]), [
      [1, 4, 1, 1],
      [1, 4, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
    ]);
  });

  it("mirrors boxes with the picture, whose crop is measured after the mirror", () => {
    // 16 to 24 of 64 resized → 40 to 48 mirrored → 32 to 40 of the cut: outside; with left 24, 16 to 24: the third column
    assert.deepEqual(cells([box(32, 0, 16, 64)], { flipped: true }).flat(), Array(16).fill(1));
    for (const row of cells([box(32, 0, 16, 64)], { flipped: true, left: 24 })) assert.deepEqual(row, [1, 1, 4, 1]);
  });

  it("counts a cell that a box covers in part in proportion", () => {
    // columns 8 to 12 and rows 0 to 4 of the cut: half of a cell by half of it
    assert.equal(cells([box(32, 0, 8, 8)])[0]?.[1], 1 + 3 / 4);
  });

  it("lets the later of two boxes count, each with its own weight, above or below one", () => {
    const both = cells([box(16, 0, 64, 64, 2), box(32, 0, 16, 16, 0.25)], {}, 2);
    assert.deepEqual(both, [
      [2, 0.25, 2, 2],
      [2, 2, 2, 2],
      [2, 2, 2, 2],
      [2, 2, 2, 2],
    ]);
  });

  it("passes over boxes that the crop leaves out, and what of others sticks out", () => {
    assert.deepEqual(cells([box(0, 0, 8, 64), box(120, 0, 100, 64)]).flat(), Array(16).fill(1));
    assert.deepEqual(cells([box(-100, -100, 132, 116)])[0], [4, 1, 1, 1]);
  });
});
