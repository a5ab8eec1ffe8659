import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor, tensor } from "@stillframe/torch";
import { samplerFromDiffusers } from "../sample/from-diffusers.js";
import { evaluationAt } from "../sample/plan.js";
import { addNoise, velocity } from "./add-noise.js";
import { NoiseSchedule, noiseLevel } from "./noise-schedule.js";
import type { SchedulerConfig } from "./scheduler-config.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/schedulers/${name}`, import.meta.url));
const { tensors } = readSafetensors(fixture("forward.safetensors"));
const reference = (name: string) => tensors.get(name)!;
const cases = JSON.parse(readFileSync(fixture("cases.json"), "utf8")) as Record<
  string,
  { className: string; config: SchedulerConfig }
>;
const schedule = NoiseSchedule.fromConfig({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" });

function near(made: Tensor, expected: Tensor): void {
  assert.deepEqual(made.shape, expected.shape);
  assert.equal(made.dtype, "float32");
  const [a, b] = [made.toArray(), expected.toArray()];
  const scale = Math.max(...b.map(Math.abs));
  for (const [i, value] of b.entries()) assert.ok(Math.abs(a[i]! - value) <= 1e-6 * scale, `element ${i}`);
}

describe("addNoise and velocity", () => {
  const [x0, noise] = [reference("x0"), reference("noise")];
  const levels = reference("timesteps")
    .toArray()
    .map((t) => noiseLevel(schedule, t));

  it("are the reference's at training timesteps", () => {
    near(addNoise(x0, noise, levels), reference("ddpm.add_noise"));
    near(velocity(x0, noise, levels), reference("ddpm.get_velocity"));
  });

  it("are the reference's at a sampler's timesteps", () => {
    const names = [...tensors.keys()].filter((name) => /\.\d+\.add_noise$/.test(name));
    assert.equal(names.length, 10);
    for (const name of names) {
      const [, key, steps] = /^(.*)\.(\d+)\.add_noise$/.exec(name)!;
      const { className, config } = cases[key!]!;
      const found = samplerFromDiffusers(className, config);
      const plan = found.sampler.plan(found.schedule, Number(steps));
      const points = reference(`${name}_timesteps`)
        .toArray()
        .map((t) => evaluationAt(plan, t));
      near(addNoise(x0.narrow(0, 0, points.length), noise.narrow(0, 0, points.length), points), reference(name));
    }
  });

  it("work in float32 whatever they are given", () => {
    // In bfloat16 sigma at timestep 0 would be 0: 1 - 0.99915 rounds to nothing.
    const made = addNoise(tensor([[0]], { dtype: "bfloat16" }), tensor([[1]], { dtype: "bfloat16" }), [
      noiseLevel(schedule, 0),
    ]);
    assert.equal(made.dtype, "float32");
    assert.ok(Math.abs(made.item() - Math.sqrt(0.00085)) < 1e-6);
  });

  it("undo each other", () => {
    const level = noiseLevel(schedule, 400);
    const [a, b] = [tensor([[1.5, -2]]), tensor([[0.25, 1]])];
    const [x, v] = [addNoise(a, b, [level]), velocity(a, b, [level])];
    const back = x.mul(level.alpha).sub(v.mul(level.sigma)).toArray();
    for (const [i, value] of [1.5, -2].entries()) assert.ok(Math.abs(back[i]! - value) < 1e-6);
  });

  it("refuse shapes and levels that do not fit", () => {
    const level = noiseLevel(schedule, 0);
    assert.throws(() => addNoise(tensor([[1, 2]]), tensor([[1], [2]]), [level]), {
      name: "ShapeError",
      message: "expected shape [1, 2] for noise but received [2, 1]",
    });
    assert.throws(() => velocity(tensor([[1]]), tensor([[1]]), [level, level]), /expected 1 noise levels for levels/);
  });
});
