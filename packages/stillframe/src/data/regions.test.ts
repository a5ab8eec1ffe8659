import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { regionsOf } from "./regions.js";

const read = (value: unknown) => regionsOf(value, "objects");

describe("regionsOf", () => {
  it("takes boxes side by side with weights, in pairs, or as JSON, and whole numbers of either kind", () => {
    const expected = [
      { box: [4, 5, 10, 12.5], weight: 2 },
      { box: [0, 0, 8, 8], weight: 0.5 },
    ];
    const lists = {
      bbox: [
        [4, 5, 10, 12.5],
        [0, 0, 8, 8],
      ],
      weight: [2, 0.5],
      category: ["a", "b"],
    };
    assert.deepEqual(read(lists), expected);
    assert.deepEqual(read(JSON.stringify(lists)), expected);
    assert.deepEqual(
      read([
        { bbox: [4n, 5n, 10n, 12.5], weight: 2n },
        { bbox: [0, 0, 8, 8], weight: 0.5 },
      ]),
      expected,
    );
    assert.deepEqual(read({ bbox: [[1, 2, 3, 4]] }), [{ box: [1, 2, 3, 4], weight: null }]);
  });

  it("has none where nothing is said", () => {
    for (const value of [null, undefined, "", { bbox: [] }, []]) assert.deepEqual(read(value), []);
  });

  it("gives the reason for anything else, with what was found", () => {
    for (const wrong of [
      5,
      "a box",
      {},
      { bbox: 3 },
      { bbox: [[1, 2, 3]] },
      { bbox: [[1, 2, 0, 4]] },
      { bbox: [[1, 2, Number.NaN, 4]] },
      { bbox: [["1", 2, 3, 4]] },
      { bbox: [[1, 2, 3, 4]], weight: [1, 2] },
      { bbox: [[1, 2, 3, 4]], weight: [0] },
      { bbox: [[1, 2, 3, 4]], weight: 2 },
      [{ box: [1, 2, 3, 4] }],
      [null],
      [3],
    ]) {
      const found = read(wrong);
      assert.ok("reason" in found, JSON.stringify(wrong));
      assert.match(found.reason, /^expected boxes as \{"bbox": .* in column objects but found /);
    }
  });
});
