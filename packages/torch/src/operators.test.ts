import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as t from "./index.js";
import { near, reference, tensorOf } from "./near.test.js";

const { scope, tensor } = t;
type Tensor = t.Tensor;

/** The cases of `fixtures/make-reference.py`, written for this library. */
const CASES: Record<string, (...inputs: Tensor[]) => Tensor> = {
  conv2d: (x, w, b) => t.conv2d(x as Tensor, w as Tensor, b, 2, 1),
  "conv2d without bias": (x, w) => t.conv2d(x as Tensor, w as Tensor),
  "conv2d in groups": (x, w) => t.conv2d(x as Tensor, w as Tensor, null, 1, 0, [2, 2], 2),
  groupNorm: (x, w, b) => t.groupNorm(x as Tensor, 2, w, b, 1e-6),
  layerNorm: (x, w, b) => t.layerNorm(x as Tensor, [6], w, b, 1e-5),
  batchNorm: (x, w, b) =>
    t.batchNorm(x as Tensor, w, b, tensor([0.1, -0.2, 0.3]), tensor([1, 2, 0.5]), false, 0.1, 1e-3, false),
  linear: (x, w, b) => t.linear(x as Tensor, w as Tensor, b),
  bmm: (a, b) => (a as Tensor).bmm(b as Tensor),
  addmm: (x, a, b) => (x as Tensor).addmm(a as Tensor, b as Tensor, { beta: 0.5, alpha: 2 }),
  einsum: (a, b) => t.einsum("bij,jk->bki", [a as Tensor, b as Tensor]),
  attention: (q, k, v) => t.attention(q as Tensor, k as Tensor, v as Tensor),
  "attention with a causal mask": (q, k, v) =>
    t.attention(q as Tensor, k as Tensor, v as Tensor, { causalMask: t.full([4, 4], -Infinity).triu(1) }),
  embedding: (ids, w) => t.embedding(w as Tensor, ids as Tensor),
  softmax: (x) => t.softmax(x as Tensor, -1),
  logSoftmax: (x) => t.logSoftmax(x as Tensor, 0),
  gelu: (x) => t.gelu(x as Tensor),
  "gelu by tanh": (x) => t.gelu(x as Tensor, { approximate: "tanh" }),
  silu: (x) => t.silu(x as Tensor),
  softplus: (x) => t.softplus(x as Tensor, 2, 10),
  leakyRelu: (x) => t.leakyRelu(x as Tensor, 0.2),
  maxPool2d: (x) => t.maxPool2d(x as Tensor, 3, 2, 1),
  avgPool2d: (x) => t.avgPool2d(x as Tensor, 3, 2, 1, false, false),
  adaptiveAvgPool2d: (x) => t.adaptiveAvgPool2d(x as Tensor, [2, 1]),
  upsampleNearest2d: (x) => t.upsampleNearest2d(x as Tensor, [7, 3]),
  upsampleBilinear2d: (x) => t.upsampleBilinear2d(x as Tensor, [5, 7], false),
  upsampleBicubic2d: (x) => t.upsampleBicubic2d(x as Tensor, [6, 3], false),
  reflectionPad2d: (x) => t.reflectionPad2d(x as Tensor, [1, 2, 0, 1]),
  unfold: (x) => t.unfold(x as Tensor, 2, 1, 0, 2),
  mseLoss: (x, y) => t.mseLoss(x as Tensor, y as Tensor),
  l1Loss: (x, y) => t.l1Loss(x as Tensor, y as Tensor, 2),
  smoothL1Loss: (x, y) => t.smoothL1Loss(x as Tensor, y as Tensor, 0, 0.7),
  crossEntropyLoss: (x, y) => t.crossEntropyLoss(x as Tensor, y as Tensor, null, 1, -100, 0.1),
  binaryCrossEntropyWithLogits: (x) => t.binaryCrossEntropyWithLogits(x as Tensor, t.full([3, 4], 0.25)),
  cdist: (x, y) => t.cdist(x as Tensor, y as Tensor),
  vectorNorm: (x) => t.linalgVectorNorm(x as Tensor, 2, 1),
  std: (x) => (x as Tensor).std([1, 2], { keepdim: true }),
  cumprod: (x) => (x as Tensor).cumprod(1),
  eigvalsh: (x) => t.linalgEigvalsh((x as Tensor).mm((x as Tensor).t()).add(t.eye(4))),
  svdvals: (x) => t.linalgSvdvals(x as Tensor),
};

describe("operators against Python's torch, forward and backward", () => {
  it("covers every reference case", () => {
    assert.deepEqual(Object.keys(CASES), Object.keys(reference.operators));
  });

  for (const [name, expected] of Object.entries(reference.operators))
    it(name, () => {
      scope(() => {
        const inputs = expected.inputs.map(tensorOf);
        const leaves = inputs.filter((x) => x.dtype === "float32").map((x) => x.requiresGrad_());
        const output = (CASES[name] as (...inputs: Tensor[]) => Tensor)(...inputs);
        near(output, expected.output);
        const grads = t.grad([output], leaves, { gradOutputs: [tensorOf(expected.gradOutput)] });
        for (const [i, g] of grads.entries()) near(g as Tensor, expected.grads[i] as (typeof expected.grads)[0], 1e-4);
      });
    });
});

describe("the overload of an operator", () => {
  it("is chosen by a number or a tensor", () => {
    const x = tensor([1, 2]);
    assert.deepEqual(x.add(1).toArray(), [2, 3]);
    assert.deepEqual(x.add(x).toArray(), [2, 4]);
    assert.deepEqual(x.add(1, { alpha: 3 }).toArray(), [4, 5]);
    assert.deepEqual(x.add(x, { alpha: 3 }).toArray(), [4, 8]);
    assert.deepEqual(x.pow(2).toArray(), [1, 4]);
    assert.deepEqual(x.pow(x).toArray(), [1, 4]);
    assert.deepEqual(x.lerp(tensor([3, 4]), 0.5).toArray(), [2, 3]);
    assert.deepEqual(x.lerp(tensor([3, 4]), tensor([0, 1])).toArray(), [1, 4]);
    assert.deepEqual(x.remainder(2).toArray(), [1, 0]);
  });

  it("is chosen by a missing argument", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    assert.deepEqual([x.mean().shape, x.mean(0).shape, x.mean(0, true).shape], [[], [2], [1, 2]]);
    assert.deepEqual(x.sum(null).shape, []); // null asks for all axes by name
    assert.equal(x.sum(undefined, undefined, { dtype: "float64" }).dtype, "float64");
  });

  it("keeps the element type when an integer number meets floats, and the other way round", () => {
    assert.equal(tensor([1]).add(1).dtype, "float32");
    assert.equal(tensor([1]).to("float16").mul(0.5).dtype, "float16");
    assert.equal(t.arange(0, 2).add(1).dtype, "int64");
    assert.equal(t.arange(0, 2).add(0.5).dtype, "float32");
    assert.equal(t.arange(0, 2).div(2).dtype, "float32");
  });

  it("keeps the sign of zero and takes what JavaScript's numbers can say", () => {
    assert.ok(Object.is(tensor([0]).fill_(-0).item(), -0));
    assert.equal(tensor([0]).add(Infinity).item(), Infinity);
    assert.ok(Number.isNaN(tensor([0]).add(Number.NaN).item()));
    assert.equal(
      tensor([0], { dtype: "int64" })
        .add(2 ** 53 - 1)
        .item(),
      2 ** 53 - 1,
    );
    assert.equal(
      tensor([0], { dtype: "float64" })
        .add(2 ** 70)
        .item(),
      2 ** 70,
    );
  });
});
