import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backward, FlatParameters, liveTensors, noGrad, Prodigy, scope, type Tensor, tensor } from "../index.js";

/** Three tensors in places of their own, flattened. */
function flattened() {
  const placed: { name: string; tensor: Tensor }[] = [];
  const given = [tensor([1, 2]), tensor([[3], [4], [5]], { dtype: "bfloat16" }), tensor(6)];
  const shapes = given.map((t) => t.shape);
  const flat = new FlatParameters(
    given.map((t, i) => ({
      name: `p${i}`,
      tensor: t,
      replace: (view: Tensor) => placed.push({ name: `p${i}`, tensor: view }),
    })),
  );
  return { flat, placed, given, shapes };
}

describe("the views of FlatParameters", () => {
  it("are put in each place once, in order, in float32 and the old shapes", () => {
    const { flat, placed, given, shapes } = flattened();
    assert.deepEqual(
      placed.map((p) => p.name),
      ["p0", "p1", "p2"],
    );
    for (const [i, { tensor: view }] of placed.entries()) {
      assert.equal(view, flat.views[i]);
      assert.deepEqual([view.shape, view.dtype, view.requiresGrad], [shapes[i], "float32", true]);
    }
    assert.ok(
      given.every((t) => t.disposed),
      "the old tensors are freed",
    );
    assert.deepEqual(flat.values.toArray(), [1, 2, 3, 4, 5, 6]);
  });

  it("are the same memory as values, both ways", () => {
    const { flat } = flattened();
    noGrad(() => {
      flat.values.mul_(10);
      assert.deepEqual(
        flat.views.map((v) => v.toArray()),
        [[10, 20], [30, 40, 50], [60]],
      );
      flat.views[1]?.fill_(7);
      flat.parameter.add_(1);
    });
    assert.deepEqual(flat.values.toArray(), [11, 21, 8, 8, 8, 61]);
  });

  it("have gradients in the same memory as grads, both ways, also after zeroGrad", () => {
    const { flat } = flattened();
    const pass = () => scope(() => backward(flat.views.map((v) => v.square().sum()).reduce((a, b) => a.add(b))));
    pass();
    assert.deepEqual(flat.grads.toArray(), [2, 4, 6, 8, 10, 12]);
    flat.zeroGrad();
    noGrad(() => flat.grads.add_(0.5));
    assert.deepEqual(
      flat.views.map((v) => v.grad?.toArray()),
      [[0.5, 0.5], [0.5, 0.5, 0.5], [0.5]],
    );
    pass();
    noGrad(() => flat.grads.mul_(2));
    assert.deepEqual(
      flat.views.map((v) => v.grad?.toArray()),
      [[5, 9], [13, 17, 21], [25]],
    );
    assert.deepEqual(flat.parameter.grad?.toArray(), flat.grads.toArray());
  });

  it("move with an optimizer's step over the one vector", () => {
    const { flat } = flattened();
    const optimizer = new Prodigy([flat.parameter], { d0: 0.5 });
    scope(() => backward((flat.views[0] as Tensor).sum()));
    optimizer.step();
    assert.deepEqual(flat.views[1]?.toArray(), [3, 4, 5], "no gradient, no step");
    const moved = (flat.views[0] as Tensor).toArray();
    assert.ok((moved[0] as number) < 1 && (moved[1] as number) < 2);
    assert.deepEqual(flat.values.toArray().slice(0, 2), moved);
  });

  it("are freed with the vectors, and so are the gradients they held", () => {
    const live = liveTensors();
    const flat = new FlatParameters([{ name: "p", tensor: tensor([1, 2, 3]), replace: () => undefined }]);
    // values, gradients, the view, its gradient, and the whole as a parameter
    assert.equal(liveTensors(), live + 5);
    flat.dispose();
    assert.ok([flat.values, flat.grads, flat.parameter, ...flat.views].every((t) => t.disposed));
    assert.equal(liveTensors(), live);
  });

  it("may be none", () => {
    const flat = new FlatParameters([]);
    flat.zeroGrad();
    assert.deepEqual([flat.size, flat.names, flat.views], [0, [], []]);
  });
});
