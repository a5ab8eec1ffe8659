import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { LR_SCHEDULES, type LrScheduleName, type LrScheduleOptions, lrSchedule } from "../index.js";

interface Fixture {
  totalSteps: number;
  warmupSteps: number;
  baseLr: number;
  steps: number[];
  values: Record<string, number[]>;
}
const fixture = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/lr-schedules.json", import.meta.url)), "utf8"),
) as Fixture;
const { totalSteps, warmupSteps, baseLr, steps, values } = fixture;

/** What each name in the fixture stands for. */
const VARIANTS: Record<string, [LrScheduleName, Partial<LrScheduleOptions>]> = {
  constant: ["constant", {}],
  constant_with_warmup: ["constant_with_warmup", {}],
  linear: ["linear", {}],
  cosine: ["cosine", {}],
  cosine_with_restarts: ["cosine_with_restarts", {}],
  cosine_with_restarts_cycles3: ["cosine_with_restarts", { cycles: 3 }],
  polynomial: ["polynomial", { end: 1e-7 / baseLr }],
  polynomial_power2: ["polynomial", { end: 1e-7 / baseLr, power: 2 }],
};

describe("learning-rate schedules", () => {
  it("the reference covers all of them", () => {
    assert.deepEqual(Object.keys(VARIANTS), Object.keys(values));
    assert.deepEqual(new Set(Object.values(VARIANTS).map(([name]) => name)), new Set(LR_SCHEDULES));
  });

  for (const [variant, [name, options]] of Object.entries(VARIANTS))
    it(`${variant} has the reference's rates`, () => {
      const factor = lrSchedule(name, { totalSteps, warmupSteps, ...options });
      for (const [i, step] of steps.entries()) {
        const expected = (values[variant] as number[])[i] as number;
        assert.ok(
          Math.abs(factor(step) * baseLr - expected) <= 1e-12,
          `step ${step}: ${factor(step) * baseLr} for ${expected}`,
        );
      }
    });

  it("are pure: any step in any order", () => {
    const factor = lrSchedule("cosine", { totalSteps: 100, warmupSteps: 10 });
    const there = Array.from({ length: 101 }, (_, i) => factor(i));
    assert.deepEqual(Array.from({ length: 101 }, (_, i) => factor(100 - i)).reverse(), there);
  });

  it("stay finite at the edges: no steps, warm-up alone, beyond the end", () => {
    for (const name of LR_SCHEDULES)
      for (const [total, warmup] of [
        [0, 0],
        [1, 0],
        [5, 5],
        [5, 10],
        [1, 1],
      ] as const) {
        const factor = lrSchedule(name, { totalSteps: total, warmupSteps: warmup });
        for (let step = 0; step < 15; step++)
          assert.ok(factor(step) >= 0 && factor(step) <= 1, `${name} ${total} ${warmup} ${step}: ${factor(step)}`);
      }
  });

  it("refuse other names and numbers", () => {
    for (const name of ["cosin", "toString"])
      assert.throws(() => lrSchedule(name as "cosine", { totalSteps: 1 }), {
        name: "InvalidArgumentError",
        message: `expected one of ${LR_SCHEDULES.join(", ")} for lr_scheduler but received "${name}"`,
      });
    assert.throws(() => lrSchedule("linear", { totalSteps: Number.NaN }), {
      message: "expected a number from 0 for totalSteps but received NaN",
    });
    assert.throws(() => lrSchedule("linear", { totalSteps: 5, warmupSteps: -1 }), {
      message: "expected a number from 0 for warmupSteps but received -1",
    });
    assert.throws(() => lrSchedule("linear", {} as LrScheduleOptions), {
      message: "expected a number from 0 for totalSteps but received undefined",
    });
  });
});
