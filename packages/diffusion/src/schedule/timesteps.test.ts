import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { descending, linspace, roundHalfEven } from "./linspace.js";
import { spacedTimesteps } from "./timesteps.js";

const of = (spacing: "leading" | "trailing" | "linspace", steps: number, rest = {}) =>
  spacedTimesteps({ spacing, steps, trainSteps: 1000, offset: 1, ...rest });

describe("spacedTimesteps", () => {
  it("gives the rows of Lin et al. 2023, table 2", () => {
    assert.deepEqual(of("linspace", 10).map(roundHalfEven), [999, 888, 777, 666, 555, 444, 333, 222, 111, 0]);
    assert.deepEqual(of("leading", 10, { offset: 0 }), [900, 800, 700, 600, 500, 400, 300, 200, 100, 0]);
    assert.deepEqual(of("trailing", 10), [999, 899, 799, 699, 599, 499, 399, 299, 199, 99]);
  });

  it("adds the offset to leading spacing alone", () => {
    assert.deepEqual(of("leading", 3), [667, 334, 1]);
    assert.deepEqual(of("trailing", 3), [999, 666, 332]);
    assert.deepEqual(of("linspace", 3), [999, 499.5, 0]);
  });

  it("leaves out the last of one more", () => {
    assert.deepEqual(of("leading", 4, { dropLast: true }), [801, 601, 401, 201]);
    assert.deepEqual(of("linspace", 2, { dropLast: true }), [999, 499.5]);
    assert.deepEqual(of("trailing", 2, { dropLast: true }), [999, 499]);
  });

  it("stays below the end", () => {
    assert.deepEqual(of("trailing", 10, { end: 250 }), [249, 149, 49]);
    assert.deepEqual(of("leading", 2, { end: 250, offset: 0 }), [125, 0]);
    assert.deepEqual(of("linspace", 2, { end: 250 }), [249, 0]);
  });

  it("gives as many as asked, each once, for every number of steps", () => {
    for (const spacing of ["leading", "trailing"] as const)
      for (let steps = 1; steps <= 1000; steps++) {
        const timesteps = of(spacing, steps, { offset: 0 });
        assert.equal(timesteps.length, steps);
        assert.equal(new Set(timesteps).size, steps);
        assert.ok(timesteps[steps - 1]! >= 0, `${spacing} ${steps}`);
      }
  });

  it("refuses more steps than there are timesteps, and fewer than one", () => {
    for (const steps of [0, 1001, 2.5])
      assert.throws(() => of("leading", steps), /expected an integer from 1 to 1000 for steps/);
    assert.throws(
      () => of("leading", 1000, { dropLast: true }),
      /expected an integer of which 1000 timesteps hold 1001/,
    );
    assert.throws(() => of("even" as "leading", 2), /expected one of leading, trailing, linspace for spacing/);
  });
});

describe("linspace and its kin", () => {
  it("includes both ends exactly", () => {
    assert.deepEqual(linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1]);
    assert.equal(linspace(0.1, 0.7, 7)[6], 0.7);
    assert.deepEqual(linspace(3, 9, 1), [3]);
  });

  it("falls by equal steps", () => {
    assert.deepEqual(descending(10, 2.5, 4), [10, 7.5, 5, 2.5]);
  });

  it("rounds halves to the even neighbour", () => {
    assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6, -0.5, 937.5].map(roundHalfEven), [0, 2, 2, 2, 3, 0, 938]);
  });
});
