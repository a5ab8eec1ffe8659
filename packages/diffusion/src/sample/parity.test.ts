import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor, tensor } from "@stillframe/torch";
import type { SchedulerConfig } from "../schedule/scheduler-config.js";
import { SCHEDULER_CLASSES } from "./from-diffusers.js";
import { type SimulatedModel, simulate } from "./simulate.js";

interface Case {
  className: string;
  config: SchedulerConfig;
  steps: number;
  stepOptions: { eta?: number };
  initNoiseSigma: number;
}

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/schedulers/${name}`, import.meta.url));
const cases = Object.entries(JSON.parse(readFileSync(fixture("cases.json"), "utf8")) as Record<string, Case>);
const { tensors } = readSafetensors(fixture("trajectories.safetensors"));

/** Of the states: the reference's own float32 is good to about 1e-6. */
const TOLERANCE = 5e-6;

/** The network of the fixtures, in float64 and rounded once. */
const model: SimulatedModel = (input, { evaluation }) =>
  tensor(
    input.toArray().map((value, k) => 0.3 * value + 0.1 * Math.sin(evaluation + k)),
    { shape: input.shape, dtype: "float32" },
  );

/** The largest difference, in units of the largest expected value. */
function difference(made: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(made.length, expected.length);
  const values = Array.from(expected);
  const scale = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(made[i]! - value))) / (scale === 0 ? 1 : scale);
}

function assertStates(made: readonly Tensor[], expected: Tensor, what: string): void {
  assert.equal(made.length, expected.shape[0]);
  for (const [i, state] of made.entries()) {
    const error = difference(state.toArray(), expected.select(0, i).toArray());
    assert.ok(error < TOLERANCE, `${what} ${i} is off by ${error} of its largest value`);
  }
}

describe("samplers match diffusers", () => {
  it("in every class", () => {
    assert.equal(cases.length, 69);
    assert.deepEqual(new Set(cases.map(([, c]) => c.className)), new Set(SCHEDULER_CLASSES));
  });

  for (const [name, { className, config, steps, stepOptions, initNoiseSigma }] of cases)
    it(`${name}: ${className}, ${steps} steps`, () => {
      const of = (part: string) => tensors.get(`${name}.${part}`);
      const noise = of("noise");
      const made = simulate(
        {
          ...{ className, config, steps, stepOptions, start: of("start")! },
          ...(noise === undefined ? {} : { noise: (step) => noise.select(0, step) }),
        },
        model,
      );
      const timesteps = of("timesteps")!.toArray();
      if (timesteps.every(Number.isInteger)) assert.deepEqual(made.timesteps, timesteps);
      else assert.ok(difference(made.timesteps, timesteps) < 2e-7, "timesteps");
      const sigmas = of("sigmas")?.toArray();
      for (const [i, sigma] of sigmas?.entries() ?? [])
        assert.ok(Math.abs(made.sigmas[i]! - sigma) <= 1e-6 * sigma, `sigma ${i}`);
      assert.ok(Math.abs(made.initNoiseSigma / initNoiseSigma - 1) < 1e-6, "initNoiseSigma");
      assertStates(made.states, of("states")!, "state");
      const denoised = of("denoised");
      if (denoised !== undefined) assertStates(made.denoised, denoised, "denoised");
    });
});
