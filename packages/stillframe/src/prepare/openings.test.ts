import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { farBelow, histogramOf, rangeOf, roundStep } from "./distribution.js";
import { repeatedOpenings } from "./openings.js";

describe("repeatedOpenings", () => {
  it("gives the longest beginning that the captions share, and longer ones of a part of them", () => {
    const captions = [
      ...Array.from({ length: 62 }, (_, i) => `In this image, we see ${i % 2 ? "a boy" : "two girls"} at place ${i}`),
      ...Array.from({ length: 30 }, (_, i) => `Scene ${i} at night`),
      ...Array.from({ length: 8 }, (_, i) => `${i}. something else`),
    ];
    assert.deepEqual(repeatedOpenings(captions), [
      { text: "In this image, we see", count: 62 },
      { text: "In this image, we see two girls at place", count: 31 },
      { text: "In this image, we see a boy at place", count: 31 },
      { text: "Scene", count: 30 },
    ]);
  });

  it("takes no notice of case, white space and few captions", () => {
    assert.deepEqual(repeatedOpenings(["A  photo of x", "a photo\nof y", "A PHOTO of z", "other"]), [
      { text: "A photo of", count: 3 },
    ]);
    assert.deepEqual(repeatedOpenings(["a b", "a b"]), []);
    assert.deepEqual(repeatedOpenings(["", "", "", ""]), []);
    assert.deepEqual(repeatedOpenings([]), []);
  });

  it("has whole captions that are repeated among them", () => {
    assert.deepEqual(repeatedOpenings(new Array<string>(5).fill("a cat")), [{ text: "a cat", count: 5 }]);
  });
});

describe("distributions", () => {
  it("range and median", () => {
    assert.deepEqual(rangeOf([3, 1, 2]), { least: 1, median: 2, most: 3 });
    assert.deepEqual(rangeOf([4, 1]), { least: 1, median: 2.5, most: 4 });
    assert.deepEqual(rangeOf([]), { least: 0, median: 0, most: 0 });
  });

  it("histograms have round steps, hold every value, and touch both ends", () => {
    assert.deepEqual(histogramOf([1, 2, 2, 9], 5), [
      { from: 0, to: 2, count: 1 },
      { from: 2, to: 4, count: 2 },
      { from: 4, to: 6, count: 0 },
      { from: 6, to: 8, count: 0 },
      { from: 8, to: 10, count: 1 },
    ]);
    assert.deepEqual(histogramOf([5, 5], 10), [{ from: 5, to: 6, count: 2 }]);
    assert.deepEqual(histogramOf([0, 10], 2), [
      { from: 0, to: 5, count: 1 },
      { from: 5, to: 10, count: 1 },
    ]);
    for (const numbers of [
      [0.1, 0.7, 3],
      [890, 1300, 1024, 1025],
      [77, 78],
      [0, 0, 1],
    ])
      for (const bins of [1, 7, 30]) {
        const bars = histogramOf(numbers, bins);
        assert.equal(
          bars.reduce((n, b) => n + b.count, 0),
          numbers.length,
        );
        for (const n of numbers) assert.ok(bars.some((b) => n >= b.from - 1e-9 && n <= b.to + 1e-9 && b.count > 0));
      }
    assert.deepEqual(histogramOf([], 5), []);
  });

  it("round steps are 1, 2 or 5 times a power of ten", () => {
    assert.deepEqual([0, 0.3, 1, 1.1, 4, 6, 23, 0.07].map(roundStep), [1, 0.5, 1, 2, 5, 10, 50, 0.1]);
  });

  it("far below the others is a few of many, and none of a wide spread", () => {
    const spread = Array.from({ length: 40 }, (_, i) => 2 ** (i / 8));
    assert.ok(farBelow(spread).every((low) => !low));
    assert.deepEqual(farBelow([...spread, 0.02]).lastIndexOf(true), 40);
    const equal = new Array<number>(9).fill(1);
    assert.ok(!farBelow([...equal, 0.5]).includes(true), "half of the others is not far");
    assert.deepEqual(farBelow([0.2, ...equal]), [true, ...equal.map(() => false)]);
    assert.ok(!farBelow([1, 1, 1, 0.001]).includes(true), "of four nothing can be said");
    assert.deepEqual(farBelow([]), []);
  });
});
