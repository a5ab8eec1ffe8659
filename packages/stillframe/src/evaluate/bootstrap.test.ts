import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bootstrapInterval, drawResamples, pairedDifferences, resampledMeans, uniform } from "./bootstrap.js";

const mean = (v: ArrayLike<number>) => Array.from(v).reduce((a, b) => a + b, 0) / v.length;
/** Normal numbers by Box and Muller. */
function normals(n: number, seed: number): Float64Array {
  const random = uniform(seed);
  return Float64Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}

describe("uniform", () => {
  it("is even, and another sequence for every seed", () => {
    const random = uniform(5);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[Math.floor(random() * 10)]! += 1;
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(counts));
    const first = (seed: number) => Array.from({ length: 3 }, uniform(seed));
    assert.deepEqual(first(1), first(1));
    assert.equal(new Set([0, 1, 2, 2 ** 32, 2 ** 40].map((seed) => first(seed)[0])).size, 5);
    assert.throws(() => uniform(-1), /expected an integer from 0 to 2\^53 - 1 for seed but received -1/);
  });
});

describe("drawResamples", () => {
  it("draws as many pictures as there are, with repetition", () => {
    const draws = drawResamples(50, { resamples: 400, seed: 1 });
    for (let r = 0; r < draws.count; r++)
      assert.equal(
        draws.row(r).reduce((a, b) => a + b, 0),
        50,
      );
    const missing = mean(draws.all.map((c) => (c === 0 ? 1 : 0)));
    assert.ok(Math.abs(missing - (1 - 1 / 50) ** 50) < 0.01, String(missing));
    assert.deepEqual(drawResamples(50, { resamples: 3, seed: 1 }).all, draws.all.slice(0, 150));
  });

  it("draws the pictures of a cluster together", () => {
    const clusters = ["a", "a", "b", "b", "b", "c"];
    const draws = drawResamples(6, { resamples: 50, seed: 2, clusters });
    for (let r = 0; r < 50; r++) {
      const [a, b, c, d, e, f] = draws.row(r) as unknown as number[];
      assert.deepEqual([b, d, e], [a, c, c]);
      assert.equal(a! + c! + f!, 3);
    }
  });

  it("refuses what cannot be drawn", () => {
    assert.throws(
      () => drawResamples(1, { resamples: 5, seed: 1 }),
      /expected an integer of at least 2 for size but received 1/,
    );
    assert.throws(
      () => drawResamples(4, { resamples: 0, seed: 1 }),
      /expected a positive integer for resamples but received 0/,
    );
    assert.throws(
      () => drawResamples(4, { resamples: 5, seed: 1, clusters: ["a"] }),
      /expected one for each of 4 pictures for clusters but received 1/,
    );
    assert.throws(
      () => drawResamples(2, { resamples: 5, seed: 1, clusters: ["a", "a"] }),
      /expected at least 2 different ones for clusters but received 1/,
    );
  });
});

describe("bootstrapInterval", () => {
  it("is the normal interval for a mean", () => {
    const values = normals(400, 3);
    const estimate = mean(values);
    const draws = drawResamples(400, { resamples: 4000, seed: 4 });
    const interval = bootstrapInterval(estimate, resampledMeans(values, draws));
    const error = Math.sqrt(mean(values.map((v) => (v - estimate) ** 2)) / 400);
    assert.ok(Math.abs(interval.standardError / error - 1) < 0.05);
    assert.ok(Math.abs((interval.high - interval.low) / (2 * 1.96 * error) - 1) < 0.06);
    assert.ok(interval.low < estimate && estimate < interval.high);
    assert.deepEqual([interval.level, interval.resamples], [0.95, 4000]);
    const narrow = bootstrapInterval(estimate, resampledMeans(values, draws), { level: 0.5 });
    assert.ok(narrow.high - narrow.low < 0.45 * (interval.high - interval.low));
  });

  it("lies around the estimate even where all resamples are higher", () => {
    const { low, high, standardError } = bootstrapInterval(10, [13, 14, 15]);
    assert.ok(Math.abs(low - 9.05) < 1e-12 && Math.abs(high - 10.95) < 1e-12, `${low} ${high}`);
    assert.equal(standardError, 1);
    assert.deepEqual(bootstrapInterval(10, [13, 14, 15], { range: [9.5, 10.5] }), {
      low: 9.5,
      high: 10.5,
      level: 0.95,
      standardError: 1,
      resamples: 3,
    });
  });

  it("is narrower for a paired difference than the two arms' own", () => {
    const shared = normals(200, 5);
    const noise = normals(200, 6);
    const base = shared.map((v) => 10 * v);
    const lora = base.map((v, i) => v - 1 + 0.1 * noise[i]!);
    const draws = drawResamples(200, { resamples: 500, seed: 7 });
    const [a, b] = [resampledMeans(base, draws), resampledMeans(lora, draws)];
    const difference = bootstrapInterval(mean(lora) - mean(base), pairedDifferences(a, b));
    assert.ok(difference.high < -0.95 && difference.low > -1.1);
    assert.ok(bootstrapInterval(mean(base), a).standardError > 20 * difference.standardError);
  });

  it("refuses NaN and too few values", () => {
    assert.throws(() => bootstrapInterval(1, [1]), /expected at least 2 resamples for values but received 1/);
    assert.throws(() => bootstrapInterval(1, [1, Number.NaN]), /expected finite values for values/);
    assert.throws(
      () => bootstrapInterval(1, [1, 2], { level: 1 }),
      /expected a number between 0 and 1 for level but received 1/,
    );
    assert.throws(
      () => pairedDifferences(new Float64Array(2), new Float64Array(3)),
      /expected 2 resamples, those of the first arm, for second but received 3/,
    );
    assert.throws(
      () => resampledMeans(new Float64Array(3), drawResamples(4, { resamples: 1, seed: 1 })),
      /expected one for each of 4 pictures for values but received 3/,
    );
  });
});
