import assert from "node:assert/strict";
import { test } from "node:test";
import { condensed, type Point, quantile, smoothed, smoothingSteps } from "./curve.js";

test("a constant curve stays, and a step is followed with the weights of an exponential average", () => {
  const flat: Point[] = [1, 2, 3].map((x) => [x, 0.5]);
  for (const [, y] of smoothed(flat, 10)) assert.ok(Math.abs(y - 0.5) < 1e-15);
  // with 3 steps the newest weighs 1/2: 1, then (1/2 · 1/2 · 1 + 1/2 · 0) / (3/4)
  assert.deepEqual(
    smoothed(
      [
        [1, 1],
        [2, 0],
      ],
      3,
    ),
    [
      [1, 1],
      [2, 1 / 3],
    ],
  );
});

test("a long run is smoothed over a fiftieth of it, a short one over ten steps", () => {
  assert.deepEqual([1, 400, 5000].map(smoothingSteps), [10, 10, 100]);
});

test("a condensed curve keeps the extremes and the order", () => {
  const points = Array.from({ length: 10_000 }, (_, i): Point => [i, i === 7777 ? 50 : i === 1234 ? -50 : Math.sin(i)]);
  const fewer = condensed(points, 100);
  assert.equal(fewer.length, 200);
  assert.ok(fewer.some(([x, y]) => x === 7777 && y === 50));
  assert.ok(fewer.some(([x, y]) => x === 1234 && y === -50));
  assert.ok(fewer.every(([x], i) => i === 0 || x > (fewer[i - 1] as Point)[0]));
  assert.deepEqual(condensed(points.slice(0, 200), 100), points.slice(0, 200));
});

test("quantiles", () => {
  const values = Array.from({ length: 100 }, (_, i) => 99 - i);
  assert.deepEqual([quantile(values, 0), quantile(values, 0.5), quantile(values, 1)], [0, 50, 99]);
});
