import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SCHEDULER_CLASSES, samplerFromDiffusers } from "./from-diffusers.js";
import { sigmasOf, timestepsOf } from "./plan.js";

const BASE = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", steps_offset: 1 };
const refused = (className: string, change: object, message: RegExp) =>
  assert.throws(() => samplerFromDiffusers(className, { ...BASE, ...change }), {
    name: "InvalidArgumentError",
    message,
  });

describe("samplerFromDiffusers", () => {
  it("makes every class from SDXL's betas", () => {
    assert.equal(SCHEDULER_CLASSES.length, 8);
    for (const className of SCHEDULER_CLASSES) {
      const { schedule, sampler } = samplerFromDiffusers(className, BASE);
      assert.ok(timestepsOf(sampler.plan(schedule, 4)).length >= 4);
    }
  });

  it("fills in each class's own spacing", () => {
    const first = (className: string) => {
      const { schedule, sampler } = samplerFromDiffusers(className, BASE);
      return timestepsOf(sampler.plan(schedule, 10))[0];
    };
    assert.deepEqual(["DDPMScheduler", "DDIMScheduler"].map(first), [901, 901]);
    const others = ["EulerDiscreteScheduler", "HeunDiscreteScheduler", "DPMSolverMultistepScheduler"];
    assert.deepEqual(others.map(first), [999, 999, 999]);
  });

  it("passes over settings of other classes", () => {
    const config = { ...BASE, use_karras_sigmas: true, algorithm_type: "sde-dpmsolver++", skip_prk_steps: true };
    const { schedule, sampler } = samplerFromDiffusers("DDIMScheduler", config);
    assert.equal(sampler.plan(schedule, 10).moves.length, 10);
    // Each solver reads the other's kinds as its own default.
    samplerFromDiffusers("UniPCMultistepScheduler", { ...BASE, solver_type: "midpoint" });
    samplerFromDiffusers("DPMSolverMultistepScheduler", { ...BASE, solver_type: "bh2", algorithm_type: "deis" });
  });

  it("respaces as the class does", () => {
    const karras = { ...BASE, use_karras_sigmas: true, timestep_spacing: "trailing" };
    for (const className of ["EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"]) {
      const { schedule, sampler } = samplerFromDiffusers(className, karras);
      const sigmas = sigmasOf(sampler.plan(schedule, 10));
      assert.ok(sigmas[1]! / sigmas[0]! < 0.75, `${className}: ${sigmas}`);
      assert.equal(sigmas[10], 0);
    }
  });

  it("refuses classes, keys and values that it does not know", () => {
    refused("PNDMScheduler", {}, /expected one of DDPMScheduler, .* for scheduler class but received "PNDMScheduler"/);
    refused("DDIMScheduler", { beta_stat: 1 }, /for scheduler configuration but received "beta_stat"/);
    refused("DDPMScheduler", { variance_type: "learned" }, /for variance_type but received "learned"/);
    refused("EulerDiscreteScheduler", { timestep_type: "continuous" }, /for timestep_type but received "continuous"/);
    refused("EulerDiscreteScheduler", { interpolation_type: "log_linear" }, /for interpolation_type/);
    refused("EulerDiscreteScheduler", { final_sigmas_type: "one" }, /one of zero, sigma_min for final_sigmas_type/);
    refused("DPMSolverMultistepScheduler", { solver_order: 4 }, /expected 1, 2 or 3 for solver_order but received 4/);
    refused("DPMSolverMultistepScheduler", { algorithm_type: "euler" }, /for algorithm_type but received "euler"/);
    refused("DPMSolverMultistepScheduler", { variance_type: "learned" }, /a fixed variance for variance_type/);
    refused("DPMSolverMultistepScheduler", { lambda_min_clipped: "low" }, /for lambda_min_clipped but received "low"/);
    refused("UniPCMultistepScheduler", { solver_p: {} }, /expected null for solver_p/);
    refused("UniPCMultistepScheduler", { disable_corrector: [0.5] }, /an array of integers for disable_corrector/);
    refused("LCMScheduler", { original_inference_steps: 0 }, /at least 1 for original_inference_steps/);
  });

  it("refuses what it does not do", () => {
    for (const className of SCHEDULER_CLASSES.filter((name) => !/Euler|Heun/.test(name)))
      refused(className, { thresholding: true }, /expected false \(not supported\) for thresholding but received true/);
    for (const className of ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler"])
      refused(className, { use_flow_sigmas: true }, /for use_flow_sigmas but received true/);
    refused("HeunDiscreteScheduler", { rescale_betas_zero_snr: true }, /for rescale_betas_zero_snr but received true/);
    refused(
      "EulerDiscreteScheduler",
      { use_karras_sigmas: true, use_beta_sigmas: true },
      /expected at most one of them to be true for use_…_sigmas but received \["karras", "beta"\]/,
    );
  });

  it("takes eta for DDIM alone", () => {
    samplerFromDiffusers("DDIMScheduler", BASE, { eta: 0.5 });
    samplerFromDiffusers("EulerDiscreteScheduler", BASE, { eta: 0 });
    assert.throws(() => samplerFromDiffusers("EulerDiscreteScheduler", BASE, { eta: 0.5 }), /for eta but received 0.5/);
  });
});
