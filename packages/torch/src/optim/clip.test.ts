import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clipGradNorm, liveTensors, tensor, zeros } from "../index.js";
import { near, reference, tensorOf, valuesOf } from "../near.test.js";

const withGrads = (...grads: number[][]) =>
  grads.map((g) => {
    const p = zeros([g.length]).requiresGrad_();
    p.grad = tensor(g);
    return p;
  });

describe("clipGradNorm", () => {
  for (const { maxNorm, before, norm, after } of reference.clip)
    it(`to ${maxNorm} is that of Python's torch`, () => {
      const parameters = before.map((g) => {
        const p = zeros(g.shape).requiresGrad_();
        p.grad = tensorOf(g);
        return p;
      });
      const found = clipGradNorm([...parameters, zeros([2]).requiresGrad_()], maxNorm);
      near(tensor([found]), valuesOf(norm), 1e-6);
      for (const [i, p] of parameters.entries())
        near(p.grad as NonNullable<typeof p.grad>, after[i] as (typeof after)[0], 1e-6);
    });

  it("leaves gradients alone that are short enough, to the bit", () => {
    const [p] = withGrads([0.3, 0.4]);
    assert.ok(Math.abs(clipGradNorm([p as NonNullable<typeof p>], 1) - 0.5) < 1e-7);
    assert.deepEqual(p?.grad?.data(), new Float32Array([0.3, 0.4]));
  });

  it("says the norm of what is not finite, and scales nothing then", () => {
    for (const bad of [Infinity, Number.NaN]) {
      const [p, q] = withGrads([1, bad], [3]);
      const norm = clipGradNorm([p as NonNullable<typeof p>, q as NonNullable<typeof q>], 1);
      assert.equal(Number.isFinite(norm), false);
      assert.deepEqual([p?.grad?.toArray(), q?.grad?.toArray()], [[1, bad], [3]]);
    }
  });

  it("of no gradients is 0, of zeros too", () => {
    assert.equal(clipGradNorm([zeros([2]).requiresGrad_()], 1), 0);
    assert.equal(clipGradNorm(withGrads([0, 0]), 1), 0);
  });

  it("leaves no tensors", () => {
    const parameters = withGrads([3, 4]);
    const before = liveTensors();
    clipGradNorm(parameters, 1);
    assert.equal(liveTensors(), before);
  });

  it("refuses a limit that is no positive number", () => {
    for (const limit of [0, -1, Number.NaN])
      assert.throws(() => clipGradNorm([], limit), {
        name: "InvalidArgumentError",
        message: `expected a number above 0 for maxNorm but received ${limit}`,
      });
  });
});
