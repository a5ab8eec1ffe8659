import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { absolute, compare, describeTolerance, exact, relative, scaled, scaledByRow } from "./comparison.js";

describe("compare", () => {
  const within = (actual: number[], expected: number[], tolerance = exact, rows = 1) =>
    compare(actual, expected, { tolerance, rows }).within;

  it("takes exact at its word", () => {
    assert.ok(within([1, 2], [1, 2]));
    assert.ok(!within([1, 2 + 1e-15], [1, 2]));
  });

  it("limits the largest difference", () => {
    const result = compare([1, 2.5, 3], [1, 2, 3.25], { tolerance: absolute(0.5) });
    assert.deepEqual(result, { absolute: 0.5, relative: 0.5 / 3.25, within: true });
    assert.ok(!within([1, 2.5], [1, 2], absolute(0.4)));
  });

  it("limits each difference to its own element", () => {
    assert.ok(within([100.1, 1], [100, 1], relative(0.002)));
    assert.ok(!within([100, 1.1], [100, 1], relative(0.002)));
    assert.ok(!within([1e-9, 1], [0, 1], relative(0.5)), "no part of 0 is more than 0");
  });

  it("limits the largest difference to the largest element", () => {
    assert.ok(within([100, 1.1], [100, 1], scaled(0.002)));
    assert.ok(!within([100, 1.3], [100, 1], scaled(0.002)));
  });

  it("limits the differences of each row to the row's largest element", () => {
    assert.ok(within([100, 1.1], [100, 1], scaledByRow(0.002), 1));
    assert.ok(!within([100, 1.1], [100, 1], scaledByRow(0.002), 2));
  });

  it("passes no NaN, and infinities only where both are", () => {
    assert.ok(!within([Number.NaN], [1], absolute(10)));
    assert.ok(!within([1], [Number.NaN], relative(10)));
    assert.ok(!within([Number.NaN], [Number.NaN]));
    assert.ok(!within([Number.POSITIVE_INFINITY], [1], scaled(10)));
    assert.ok(within([Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], scaled(0)));
    assert.ok(!within([Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY], absolute(1)));
  });
});

describe("describeTolerance", () => {
  it("names limit and unit", () => {
    assert.equal(describeTolerance(exact), "exact");
    assert.equal(describeTolerance(absolute(1e-4)), "1e-4 abs");
    assert.equal(describeTolerance(relative(2.345e-5)), "2.34e-5 rel");
    assert.equal(describeTolerance(scaledByRow(2e-5)), "2e-5 of row max");
  });
});
