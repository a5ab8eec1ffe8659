import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@stillframe/torch";
import { symmetricBetaQuantile } from "./beta-quantile.js";
import { NoiseSchedule } from "./noise-schedule.js";
import { fractionalPath, integerPath } from "./sigma-path.js";
import { betaSigmas, exponentialSigmas, karrasSigmas, sigmaAt, sigmaTable, timestepAt } from "./sigmas.js";

const CONFIG = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", timestep_spacing: "trailing" };
const schedule = NoiseSchedule.fromConfig(CONFIG);
const table = sigmaTable(schedule);
const near = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.abs(b), `expected ${b} but received ${a}`);

describe("sigmaTable", () => {
  it("is the reference's", () => {
    const path = fileURLToPath(new URL("../../fixtures/schedulers/forward.safetensors", import.meta.url));
    const reference = readSafetensors(path).tensors.get("euler_training_sigmas")!.toArray();
    assert.equal(reference.length, table.length);
    for (const [t, sigma] of reference.entries()) near(table[t]!, sigma, 2e-7);
  });

  it("ends at 4096 with a zero terminal SNR", () => {
    near(sigmaTable(NoiseSchedule.fromConfig({ ...CONFIG, rescale_betas_zero_snr: true }))[999]!, 4096, 1e-7);
  });
});

describe("sigmaAt and timestepAt", () => {
  it("meet at the training timesteps", () => {
    for (const t of [0, 1, 250, 998, 999]) {
      assert.equal(sigmaAt(table, t), table[t]);
      assert.ok(Math.abs(timestepAt(table, table[t]!) - t) < 1e-3, `timestep ${t}`);
    }
  });

  it("lie between them otherwise, one in sigma, the other in its logarithm", () => {
    near(sigmaAt(table, 500.25), table[500]! * 0.75 + table[501]! * 0.25, 1e-12);
    near(timestepAt(table, Math.sqrt(table[500]! * table[501]!)), 500.5, 1e-6);
  });

  it("are constant outside", () => {
    assert.equal(sigmaAt(table, -3), table[0]);
    assert.equal(sigmaAt(table, 1000), table[999]);
    assert.equal(timestepAt(table, 0), 0);
    assert.equal(timestepAt(table, 100), 999);
  });
});

describe("spacings", () => {
  const range = { max: 16, min: 0.25 };
  it("of Karras et al. are even in the seventh root", () => {
    const roots = karrasSigmas(range, 5).map((s) => s ** (1 / 7));
    for (const i of [1, 2, 3]) near(roots[i]! * 2, roots[i - 1]! + roots[i + 1]!, 1e-12);
    near(karrasSigmas(range, 5)[0]!, 16, 1e-12);
    near(karrasSigmas(range, 5)[4]!, 0.25, 1e-12);
  });

  it("of the exponential kind have a constant ratio", () => {
    for (const [i, s] of exponentialSigmas(range, 4).entries()) near(s, 16 / 4 ** i, 1e-12);
  });

  it("of the beta kind are symmetric between the ends", () => {
    const sigmas = betaSigmas(range, 7);
    for (const [i, s] of sigmas.entries()) near(s + sigmas[6 - i]!, range.max + range.min, 1e-12);
    assert.equal(sigmas[0], 16);
    assert.equal(sigmas[6], 0.25);
  });

  it("of one step start at the most noise", () => {
    for (const make of [karrasSigmas, exponentialSigmas, betaSigmas]) near(make(range, 1)[0]!, 16, 1e-12);
  });
});

describe("symmetricBetaQuantile", () => {
  it("is sin² for the arcsine distribution and the identity for the uniform one", () => {
    for (const p of [0, 0.01, 0.3, 0.5, 0.9, 1]) {
      assert.ok(Math.abs(symmetricBetaQuantile(p, 0.5) - Math.sin((p * Math.PI) / 2) ** 2) < 1e-14, `p ${p}`);
      assert.ok(Math.abs(symmetricBetaQuantile(p, 1) - p) < 1e-14, `p ${p}`);
    }
  });
});

describe("paths", () => {
  it("end without noise, or at the schedule's least", () => {
    assert.equal(fractionalPath(schedule, 5).sigmas[5], 0);
    assert.equal(fractionalPath(schedule, 5, { finalSigma: "sigma_min" }).sigmas[5], table[0]);
    assert.equal(integerPath(schedule, 5, { finalSigma: "sigma_min" }).sigmas[5], table[0]);
  });

  it("respace between the ends asked for", () => {
    const { sigmas } = fractionalPath(schedule, 4, { sigmas: "karras", sigmaMax: 10, sigmaMin: 0.1 });
    near(sigmas[0]!, 10, 1e-6);
    near(sigmas[3]!, 0.1, 1e-6);
  });

  it("refuse ends in the wrong order and unknown spacings", () => {
    const karras = { sigmas: "karras" as const };
    assert.throws(() => fractionalPath(schedule, 4, { ...karras, sigmaMin: 0 }), /above 0 for sigmaMin but received 0/);
    assert.throws(() => fractionalPath(schedule, 4, { ...karras, sigmaMax: 1e-3 }), /for sigmaMax but received 0.001/);
    assert.throws(() => integerPath(schedule, 4, { sigmas: "even" as "karras" }), /for sigmas but received "even"/);
  });
});
