import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NoiseSchedule, noiseLevel } from "./noise-schedule.js";

/** SDXL base 1.0's file. */
const SDXL = {
  _class_name: "EulerDiscreteScheduler",
  _diffusers_version: "0.19.0.dev0",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  clip_sample: false,
  interpolation_type: "linear",
  num_train_timesteps: 1000,
  prediction_type: "epsilon",
  sample_max_value: 1.0,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  timestep_spacing: "leading",
  trained_betas: null,
  use_karras_sigmas: false,
};

describe("NoiseSchedule", () => {
  it("reads SDXL's file", () => {
    const schedule = NoiseSchedule.fromConfig(SDXL);
    assert.equal(schedule.trainSteps, 1000);
    assert.equal(schedule.predictionType, "epsilon");
    assert.equal(schedule.timestepSpacing, "leading");
    assert.equal(schedule.stepsOffset, 1);
    assert.equal(schedule.zeroTerminalSnr, false);
    assert.equal(schedule.alphasCumprod.length, 1000);
  });

  it("fills in what all diffusers schedulers fill in alike", () => {
    const { timestepSpacing, ...config } = { timestepSpacing: "linspace" as const, ...SDXL };
    const { timestep_spacing, num_train_timesteps, prediction_type, steps_offset, ...rest } = config;
    const schedule = NoiseSchedule.fromConfig(rest, { timestepSpacing });
    assert.deepEqual(
      [schedule.trainSteps, schedule.predictionType, schedule.timestepSpacing, schedule.stepsOffset],
      [num_train_timesteps, prediction_type, "linspace", 0],
    );
    assert.equal(timestep_spacing, "leading");
    assert.equal(steps_offset, 1);
  });

  it("reads a zero terminal SNR and given betas", () => {
    const zero = NoiseSchedule.fromConfig({ ...SDXL, rescale_betas_zero_snr: true });
    assert.deepEqual(noiseLevel(zero, 999), { alpha: 0, sigma: 1 });
    const given = NoiseSchedule.fromConfig({ ...SDXL, num_train_timesteps: 2, trained_betas: [0.5, 0.5] });
    assert.deepEqual(Array.from(given.alphasCumprod), [0.5, 0.25]);
  });

  it("refuses what it does not understand", () => {
    const wrong = (change: object, message: RegExp) =>
      assert.throws(() => NoiseSchedule.fromConfig({ ...SDXL, ...change }), { name: "InvalidArgumentError", message });
    wrong({ beta_shedule: "linear" }, /but received "beta_shedule"/);
    wrong({ beta_start: undefined }, /expected a finite number for beta_start but received undefined/);
    wrong({ beta_schedule: "sigmoid" }, /for beta_schedule but received "sigmoid"/);
    wrong({ prediction_type: "flow_prediction" }, /expected one of epsilon, v_prediction, sample for prediction_type/);
    wrong({ timestep_spacing: "karras" }, /expected one of leading, trailing, linspace for timestep_spacing/);
    wrong({ trained_betas: "none" }, /expected an array of numbers or null for trained_betas/);
    wrong({ steps_offset: -1 }, /expected an integer of at least 0 for steps_offset/);
  });
});

describe("noiseLevel", () => {
  it("preserves the variance", () => {
    const schedule = NoiseSchedule.fromConfig(SDXL);
    for (const t of [0, 1, 500, 999]) {
      const { alpha, sigma } = noiseLevel(schedule, t);
      assert.ok(Math.abs(alpha ** 2 + sigma ** 2 - 1) < 1e-7);
    }
  });

  it("has values at the schedule's timesteps only", () => {
    const schedule = NoiseSchedule.fromConfig(SDXL);
    for (const t of [-1, 1000, 0.5])
      assert.throws(() => noiseLevel(schedule, t), /expected an integer from 0 to 999 for timestep/);
  });
});
