import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@stillframe/torch";
import { alphasCumprod, type BetaSchedule, betas, rescaleZeroTerminalSnr } from "./betas.js";

const { tensors } = readSafetensors(
  fileURLToPath(new URL("../../fixtures/schedulers/forward.safetensors", import.meta.url)),
);
const reference = (name: string) => tensors.get(name)!.toArray();
const sdxl = betas({ schedule: "scaled_linear", betaStart: 0.00085, betaEnd: 0.012, steps: 1000 });

describe("betas", () => {
  it("are those of the reference, to the bit", () => {
    assert.deepEqual(Array.from(sdxl), reference("betas"));
    assert.deepEqual(Array.from(alphasCumprod(sdxl)), reference("alphas_cumprod"));
  });

  it("are rescaled to no signal at the end as in the reference, to the bit", () => {
    const signal = alphasCumprod(rescaleZeroTerminalSnr(sdxl));
    assert.deepEqual(Array.from(signal), reference("alphas_cumprod_zero_terminal_snr"));
    assert.equal(signal[999], 0);
  });

  const others: { name: string; schedule: BetaSchedule; betaStart: number; betaEnd: number; steps: number }[] = [
    { name: "linear", schedule: "linear", betaStart: 0.0001, betaEnd: 0.02, steps: 1000 },
    { name: "cosine", schedule: "squaredcos_cap_v2", betaStart: 0.00085, betaEnd: 0.012, steps: 1000 },
    { name: "scaled_linear_500", schedule: "scaled_linear", betaStart: 0.00085, betaEnd: 0.012, steps: 500 },
  ];
  for (const { name, ...options } of others)
    it(`of ${name} are within a rounding of the reference`, () => {
      const made = betas(options);
      const signal = alphasCumprod(made);
      for (const [i, t] of reference(`other.${name}.timesteps`).entries()) {
        const beta = reference(`other.${name}.betas`)[i]!;
        const left = reference(`other.${name}.alphas_cumprod`)[i]!;
        assert.ok(Math.abs(made[t]! / beta - 1) < 2e-7, `beta at ${t}`);
        assert.ok(Math.abs(signal[t]! / left - 1) < 2e-6, `signal at ${t}`);
      }
    });

  it("of the cosine schedule leave the signal of its formula", () => {
    const signal = alphasCumprod(betas({ schedule: "squaredcos_cap_v2", betaStart: 0, betaEnd: 0, steps: 100 }));
    const formula = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    for (const t of [0, 30, 60, 90])
      assert.ok(Math.abs(signal[t]! - formula((t + 1) / 100) / formula(0)) < 1e-5, `timestep ${t}`);
  });

  it("can be given", () => {
    const trained = [0.1, 0.2, 0.3];
    const made = betas({ schedule: "linear", betaStart: 0.1, betaEnd: 0.2, steps: 3, trained });
    assert.deepEqual(Array.from(made), trained.map(Math.fround));
  });

  const wrong = (change: object, message: RegExp) =>
    assert.throws(() => betas({ schedule: "linear", betaStart: 0.1, betaEnd: 0.2, steps: 3, ...change }), {
      name: "InvalidArgumentError",
      message,
    });
  it("refuse what is no variance", () => {
    wrong({ betaStart: 0 }, /expected a number between 0 and 1 for betaStart but received 0/);
    wrong({ betaEnd: 1 }, /expected a number from betaStart to 1 for betaEnd but received 1/);
    wrong({ betaEnd: 0.05 }, /for betaEnd but received 0.05/);
    wrong({ steps: 1.5 }, /expected an integer of at least 2 for steps but received 1.5/);
    wrong({ schedule: "sigmoid" }, /expected one of linear, scaled_linear, squaredcos_cap_v2 for schedule/);
    wrong({ trained: [0.1, 0.2] }, /expected 3 betas for trained/);
    wrong({ trained: [0.1, 0.2, 1] }, /expected betas between 0 and 1 for trained but received 1/);
  });
});
