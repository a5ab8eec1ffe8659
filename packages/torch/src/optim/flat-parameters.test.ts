import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AdamW,
  backward,
  clipGradNorm,
  FlatParameters,
  keep,
  liveTensors,
  type ParameterSlot,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "../index.js";

/** Two matrices in slots that let the flat vector take their places. */
function slots(): { slots: ParameterSlot[]; now: Tensor[] } {
  const now = [
    tensor([
      [1, 2],
      [3, 4],
    ]),
    tensor([5, 6, 7]),
  ];
  return {
    now,
    slots: now.map((tensor, i) => ({
      name: `p${i}`,
      tensor,
      replace: (t) => {
        now[i]?.dispose();
        now[i] = t;
      },
    })),
  };
}

/** One parameter of `n` values. */
const single = (n: number): FlatParameters =>
  new FlatParameters([{ name: "p", tensor: zeros([n]), replace: () => {} }]);

describe("FlatParameters", () => {
  it("takes the norm of its gradients without losing small ones in a long sum", () => {
    for (const n of [1, 4095, 4096, 4097, 5_000_000]) {
      const flat = single(n);
      flat.grads.fill_(0.1);
      const [norm, exact] = [flat.gradNorm().item(), Math.fround(0.1) * Math.sqrt(n)];
      assert.ok(Math.abs(norm / exact - 1) < 1e-6, `${n}: ${norm}, exactly ${exact}`);
      flat.dispose();
    }
  });

  it("views share one vector, and gradients another", () => {
    const { slots: given, now } = slots();
    const flat = new FlatParameters(given);
    assert.deepEqual([flat.size, flat.names, flat.values.toArray()], [7, ["p0", "p1"], [1, 2, 3, 4, 5, 6, 7]]);
    assert.deepEqual(
      now.map((t) => [t.shape, t.requiresGrad]),
      [
        [[2, 2], true],
        [[3], true],
      ],
    );
    const loss = () =>
      (now[0] as Tensor)
        .square()
        .sum()
        .add((now[1] as Tensor).sum());
    backward(loss());
    assert.deepEqual(flat.grads.toArray(), [2, 4, 6, 8, 1, 1, 1]);
    backward(loss());
    assert.deepEqual(flat.grads.toArray(), [4, 8, 12, 16, 2, 2, 2]);
    assert.deepEqual(flat.parameter.grad?.toArray(), flat.grads.toArray());
    flat.zeroGrad();
    assert.deepEqual(
      [flat.grads.toArray(), now[0]?.grad?.toArray()],
      [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0],
      ],
    );
    backward(loss());
    assert.deepEqual(flat.grads.toArray(), [2, 4, 6, 8, 1, 1, 1]);
    flat.dispose();
  });

  it("one step over the vector is the step over its parts, to the bit", () => {
    const { slots: given, now } = slots();
    const apart = now.map((t) => t.clone().requiresGrad_());
    const flat = new FlatParameters(given);
    const [one, many] = [new AdamW([flat.parameter], { lr: 0.1 }), new AdamW(apart, { lr: 0.1 })];
    for (let i = 0; i < 4; i++) {
      flat.zeroGrad();
      many.zeroGrad();
      for (const [a, b] of [now, apart] as [Tensor, Tensor][]) backward(a.pow(3).sum().add(b.square().sum()));
      const norms = [clipGradNorm([flat.parameter], 2), clipGradNorm(apart, 2)] as const;
      assert.ok(Math.abs(norms[0] - norms[1]) < 1e-4 * norms[1]);
      for (const [k, p] of apart.entries()) p.grad = ((now[k] as Tensor).grad as Tensor).clone(); // the same last bit of the norm
      one.step();
      many.step();
    }
    assert.deepEqual(
      now.map((t) => t.data()),
      apart.map((t) => t.data()),
    );
  });

  it("leaves nothing behind", () => {
    const before = liveTensors();
    scope(() => {
      const { slots: given } = slots();
      new FlatParameters(given.map((s) => ({ ...s, tensor: keep(s.tensor) }))).dispose();
    });
    assert.equal(liveTensors(), before);
  });
});
