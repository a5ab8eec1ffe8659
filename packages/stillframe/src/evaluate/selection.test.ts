import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { halves, selectBest } from "./selection.js";

describe("halves", () => {
  it("puts every picture on one side, evenly, by the seed", () => {
    const { validation, test } = halves(101, { seed: 1 });
    assert.deepEqual([validation.length, test.length], [51, 50]);
    assert.equal(new Set([...validation, ...test]).size, 101);
    assert.deepEqual(halves(101, { seed: 1 }), { validation, test });
    assert.notDeepEqual(halves(101, { seed: 2 }).validation, validation);
  });

  it("keeps clusters together", () => {
    const clusters = ["a", "a", "a", "b", "c", "c", "d", "d"];
    const { validation, test } = halves(8, { seed: 3, clusters });
    assert.equal(validation.length, 4);
    const sides = [validation, test].map((rows) => new Set(rows.map((row) => clusters[row])));
    for (const cluster of sides[0]!) assert.ok(!sides[1]!.has(cluster));
  });

  it("refuses what has no halves", () => {
    assert.throws(() => halves(1, { seed: 1 }), /expected an integer of at least 2 for size but received 1/);
    assert.throws(
      () => halves(3, { seed: 1, clusters: ["a"] }),
      /expected one for each of 3 pictures for clusters but received 1/,
    );
    assert.throws(
      () => halves(2, { seed: 1, clusters: ["a", "a"] }),
      /expected at least 2 different ones for clusters but received 1/,
    );
  });
});

describe("selectBest", () => {
  const candidates = [3, 1, 2, 1].map((value, step) => ({ step, value }));
  it("takes the lowest or the highest, the first of equals", () => {
    assert.equal(selectBest(candidates, "kid").step, 1);
    assert.equal(selectBest(candidates, "recall").step, 0);
  });

  it("refuses NaN and metrics without a direction", () => {
    assert.throws(() => selectBest([{ value: Number.NaN }], "kid"), /expected finite values for candidates/);
    assert.throws(() => selectBest([], "kid"), /expected at least one for candidates/);
    assert.throws(
      () => selectBest(candidates, "lpips_diversity"),
      /expected a metric of which one direction is better for metric but received "LPIPS diversity"/,
    );
  });
});
