import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  backward,
  backwardAll,
  enableGrad,
  grad,
  liveTensors,
  noGrad,
  OperatorError,
  scope,
  type Tensor,
  tensor,
} from "./index.js";

const leaf = (...values: number[]) => tensor(values).requiresGrad_();
const list = (t: Tensor | null | undefined) => t?.toArray() ?? null;

describe("backward", () => {
  it("adds to the gradient of every leaf", () => {
    const [x, y] = [leaf(1, 2), leaf(3, 4)];
    backward(x.mul(y).sum());
    assert.deepEqual(
      [list(x.grad), list(y.grad)],
      [
        [3, 4],
        [1, 2],
      ],
    );
    backward(x.sum());
    assert.deepEqual(
      [list(x.grad), list(y.grad)],
      [
        [4, 5],
        [1, 2],
      ],
    );
    x.grad = null;
    assert.equal(x.grad, null);
  });

  it("takes a gradient for an output that is no scalar", () => {
    const x = leaf(1, 2);
    backward(x.square(), { gradOutput: tensor([1, 10]) });
    assert.deepEqual(list(x.grad), [2, 40]);
    assert.throws(
      () => backward(x.square()),
      (e) =>
        e instanceof OperatorError &&
        /^backward: grad can be implicitly created only for scalar outputs/.test(e.message),
    );
    assert.throws(() => backward(x.square(), { gradOutput: tensor([1]) }), /^OperatorError: backward: .*shape/i);
  });

  it("keeps the graph only when told to", () => {
    const x = leaf(3);
    const y = x.square().sum();
    backward(y, { retainGraph: true });
    backward(y);
    assert.deepEqual(list(x.grad), [12]);
    assert.throws(() => backward(y), /^OperatorError: backward: Trying to backward through the graph a second time/);
  });

  it("refuses what has no graph", () => {
    assert.throws(() => backward(tensor([1]).sum()), /^OperatorError: backward: .*does not require grad/);
  });

  it("of several outputs at once", () => {
    const x = leaf(1, 2);
    backwardAll([x.sum(), x.square()], [null, tensor([1, 1])]);
    assert.deepEqual(list(x.grad), [3, 5]);
  });
});

describe("grad", () => {
  it("gives gradients and adds to none", () => {
    const [x, y] = [leaf(2), leaf(5)];
    const [gx, gy] = grad([x.mul(y)], [x, y]);
    assert.deepEqual([list(gx), list(gy), x.grad], [[5], [2], null]);
  });

  it("with respect to what is no leaf", () => {
    const x = leaf(2);
    const middle = x.square();
    assert.deepEqual(list(grad([middle.mul(3)], [middle])[0]), [3]);
  });

  it("says null where an input was not used, if that is allowed", () => {
    const [x, y] = [leaf(2), leaf(5)];
    assert.deepEqual(grad([x.square()], [x, y], { allowUnused: true }).map(list), [[4], null]);
    assert.throws(
      () => grad([x.square()], [x, y]),
      (e) =>
        e instanceof OperatorError && /^grad: .*differentiated Tensors appears to not have been used/.test(e.message),
    );
  });

  it("weighs outputs by their gradients, null for 1", () => {
    const x = leaf(1, 2);
    assert.deepEqual(list(grad([x.square(), x.sum()], [x], { gradOutputs: [tensor([1, 10]), null] })[0]), [3, 41]);
  });

  it("can be differentiated again", () => {
    const x = leaf(2);
    const [first] = grad([x.pow(3)], [x], { createGraph: true });
    assert.deepEqual(list(first), [12]);
    assert.deepEqual(list(grad([first as Tensor], [x])[0]), [12]);
  });

  it("frees its tensors with the scope", () => {
    const x = leaf(1);
    const before = liveTensors();
    scope(() => grad([x.square()], [x])[0]?.item());
    assert.equal(liveTensors(), before);
  });
});

describe("requiresGrad", () => {
  it("belongs to leaves of floating-point type", () => {
    const x = leaf(1);
    assert.deepEqual([x.requiresGrad, x.square().requiresGrad, x.detach().requiresGrad], [true, true, false]);
    assert.equal(x.requiresGrad_(false).requiresGrad, false);
    assert.throws(
      () => tensor([1], { dtype: "int64" }).requiresGrad_(),
      /^OperatorError: requiresGrad_: .*floating point/i,
    );
    assert.throws(
      () => leaf(1).square().requiresGrad_(false),
      /^OperatorError: requiresGrad_: you can only change requires_grad flags of leaf variables/,
    );
  });

  it("guards leaves from changes in place", () => {
    const x = leaf(1);
    assert.throws(
      () => x.add_(1),
      /^OperatorError: aten::add_.Scalar: a leaf Variable that requires grad is being used in an in-place operation/,
    );
    noGrad(() => x.add_(1));
    assert.equal(x.item(), 2);
  });
});

describe("a gradient that is set", () => {
  it("is a tensor of the same kind", () => {
    const x = leaf(1, 2);
    x.grad = tensor([5, 6]);
    backward(x.sum());
    assert.deepEqual(list(x.grad), [6, 7]);
    const wrong = (g: Tensor, text: string) =>
      assert.throws(
        () => {
          x.grad = g;
        },
        {
          name: "InvalidArgumentError",
          message: `grad: expected another tensor like float32[2] on cpu for grad but received ${text}`,
        },
      );
    wrong(tensor([1]), "float32[1] on cpu");
    wrong(tensor([1, 2], { dtype: "float64" }), "float64[2] on cpu");
    wrong(tensor([1, 2]).to({ device: "meta" }), "float32[2] on meta");
    wrong(x, "float32[2] on cpu");
  });
});

describe("noGrad and enableGrad", () => {
  it("switch recording, nest, and come back", () => {
    const x = leaf(1);
    const recorded = () => x.square().requiresGrad;
    assert.equal(recorded(), true);
    noGrad(() => {
      assert.equal(recorded(), false);
      enableGrad(() => {
        assert.equal(recorded(), true);
        noGrad(() => assert.equal(recorded(), false));
        assert.equal(recorded(), true);
      });
      assert.equal(recorded(), false);
    });
    assert.equal(recorded(), true);
    assert.equal(
      noGrad(() => 5),
      5,
    );
  });

  it("come back after an exception", () => {
    const x = leaf(1);
    const stop = () => {
      throw new Error("stop");
    };
    assert.throws(() => noGrad(stop), /stop/);
    assert.equal(x.square().requiresGrad, true);
    noGrad(() => {
      assert.throws(() => enableGrad(stop), /stop/);
      assert.equal(x.square().requiresGrad, false);
    });
  });

  it("refuse a promise, which would run on with recording as it is outside", () => {
    const received = "a synchronous function for";
    assert.throws(() => noGrad(async () => 1), {
      name: "InvalidArgumentError",
      message: `expected ${received} noGrad but received an object of type Promise`,
    });
    assert.throws(() => enableGrad(async () => 1), {
      name: "InvalidArgumentError",
      message: `expected ${received} enableGrad but received an object of type Promise`,
    });
    assert.equal(leaf(1).square().requiresGrad, true);
  });
});

describe("detached boundaries", () => {
  it("running a part again and feeding its gradient on gives the same bits as one graph", () => {
    const data = tensor(
      Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      { shape: [3, 4] },
    );
    const weights = [1, 2, 3].map((k) =>
      tensor(
        Array.from({ length: 16 }, (_, i) => Math.cos(k * i)),
        { shape: [4, 4] },
      ).requiresGrad_(),
    );
    const part = (x: Tensor, w: Tensor) => x.mm(w).tanh().add(x);

    let whole: Tensor = data;
    for (const w of weights) whole = part(whole, w);
    const expected = grad([whole.square().sum()], weights).map((g) => g?.data());

    const inputs: Tensor[] = [];
    let x = data;
    for (const w of weights) {
      inputs.push(x);
      x = noGrad(() => part(x, w)).requiresGrad_();
    }
    let [g] = grad([x.square().sum()], [x]) as Tensor[];
    const found = weights
      .map((w, i) => [w, inputs[i] as Tensor] as const)
      .reverse()
      .map(([w, input]) => {
        const boundary = input.detach().requiresGrad_();
        const [gw, gx] = grad([part(boundary, w)], [w, boundary], { gradOutputs: [g as Tensor] }) as [Tensor, Tensor];
        g = gx;
        return gw.data();
      });
    assert.deepEqual(found.reverse(), expected);
  });
});
