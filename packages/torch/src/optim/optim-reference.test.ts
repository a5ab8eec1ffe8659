import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

interface Moment {
  codes: number[];
  scales: number[];
}
interface Reference {
  maps: { mean: number[]; square: number[] };
  adamw8bit: {
    size: number;
    blockSize: number;
    steps: number;
    lr: number;
    betas: [number, number];
    eps: number;
    weightDecay: number;
    every: number;
    parameters: number[];
    mean: Moment;
    square: Moment;
  };
  prodigy: {
    options: {
      betas: [number, number];
      eps: number;
      weightDecay: number;
      d0: number;
      dCoef: number;
      growthRate: number | null;
      useBiasCorrection: boolean;
      safeguardWarmup: boolean;
    };
    start: number[][];
    curvature: number[][];
    target: number[][];
    steps: { lr: number; d: number; parameters: number[][] }[];
  }[];
}

/** The papers' algorithms in numpy; `fixtures/optim/make-reference.py` writes it. */
export const reference = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../fixtures/optim/reference.json", import.meta.url)), "utf8"),
) as Reference;

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  describe("the optimizers' reference", () => {
    it("has cases in which something happens", () => {
      assert.deepEqual([reference.maps.mean.length, reference.maps.square.length], [256, 256]);
      assert.ok(reference.adamw8bit.parameters.length > 100);
      for (const { options, steps } of reference.prodigy)
        assert.ok((steps.at(-1)?.d as number) > 5 * options.d0, "the estimate grows");
    });
  });
