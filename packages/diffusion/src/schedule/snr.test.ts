import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@stillframe/torch";
import { NoiseSchedule } from "./noise-schedule.js";
import { minSnrWeight, snr } from "./snr.js";

const { tensors } = readSafetensors(
  fileURLToPath(new URL("../../fixtures/schedulers/forward.safetensors", import.meta.url)),
);
const reference = (name: string) => tensors.get(name)!.toArray();
const config = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear" };
const schedule = NoiseSchedule.fromConfig(config);
const timesteps = reference("snr.timesteps");

describe("snr", () => {
  it("is the reference's", () => {
    for (const [i, expected] of reference("snr").entries())
      assert.ok(Math.abs(snr(schedule, timesteps[i]!) / expected - 1) < 1e-6, `timestep ${timesteps[i]}`);
  });

  it("is 0 at the end of a zero terminal SNR", () => {
    assert.equal(snr(NoiseSchedule.fromConfig({ ...config, rescale_betas_zero_snr: true }), 999), 0);
  });
});

describe("minSnrWeight", () => {
  for (const gamma of [1, 5])
    for (const prediction of ["epsilon", "v_prediction"] as const)
      it(`is the reference's for ${prediction} and gamma ${gamma}`, () => {
        const expected = reference(`minsnr_gamma${gamma}.${prediction}`);
        assert.equal(expected.length, timesteps.length);
        for (const [i, weight] of expected.entries()) {
          const made = minSnrWeight(snr(schedule, timesteps[i]!), { gamma, prediction });
          assert.ok(Math.abs(made / weight - 1) < 1e-6, `timestep ${timesteps[i]}`);
        }
      });

  it("is one weighting of the error in x0, seen through three predictions", () => {
    // An error d in x0 is an error d·sqrt(snr) in eps and d·sqrt(snr + 1) in v.
    const ratio = 2.5;
    const of = (prediction: "epsilon" | "v_prediction" | "sample") => minSnrWeight(ratio, { gamma: 2, prediction });
    assert.equal(of("sample"), 2);
    assert.ok(Math.abs(of("epsilon") * ratio - of("sample")) < 1e-12);
    assert.ok(Math.abs(of("v_prediction") * (ratio + 1) - of("sample")) < 1e-12);
  });

  it("has a value without signal for v-prediction but not for epsilon", () => {
    assert.equal(minSnrWeight(0, { gamma: 5, prediction: "v_prediction" }), 0);
    assert.throws(() => minSnrWeight(0, { gamma: 5, prediction: "epsilon" }), /expected a number above 0 .*for snr/);
  });

  it("refuses weights that are none", () => {
    assert.throws(() => minSnrWeight(1, { gamma: 0, prediction: "epsilon" }), /above 0 for gamma but received 0/);
    assert.throws(() => minSnrWeight(-1, { gamma: 1, prediction: "epsilon" }), /at least 0 for snr but received -1/);
    assert.throws(
      () => minSnrWeight(1, { gamma: 1, prediction: "flow" as "sample" }),
      /expected one of epsilon, v_prediction, sample for prediction/,
    );
  });
});
