import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureSizes } from "./picture-sizes.js";

test("least, median and most of each side", () => {
  const pictures = [
    [30, 5],
    [10, 7],
    [20, 5],
    [40, 100],
  ].map(([width, height]) => ({ width: width!, height: height! }));
  assert.deepEqual(pictureSizes(pictures), {
    width: { least: 10, median: 25, most: 40 },
    height: { least: 5, median: 6, most: 100 },
  });
  assert.deepEqual(pictureSizes(pictures.slice(0, 1))?.width, { least: 30, median: 30, most: 30 });
  assert.equal(pictureSizes([]), undefined);
});
