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

describe("operators against closed forms", () => {
  const values = (f: () => Tensor): number[] => scope(() => f().toArray());

  it("element by element", () => {
    const x = tensor([-2, -0.5, 0, 0.5, 2]);
    const forms: [(x: Tensor) => Tensor, (x: number) => number][] = [
      [(a) => a.neg(), (a) => -a],
      [(a) => a.abs(), Math.abs],
      [(a) => a.sign(), Math.sign],
      [(a) => a.square(), (a) => a * a],
      [(a) => a.exp(), Math.exp],
      [(a) => a.expm1(), Math.expm1],
      [(a) => a.sin(), Math.sin],
      [(a) => a.cos(), Math.cos],
      [(a) => a.tanh(), Math.tanh],
      [(a) => a.sigmoid(), (a) => 1 / (1 + Math.exp(-a))],
      [(a) => a.floor(), Math.floor],
      [(a) => a.ceil(), Math.ceil],
      [(a) => a.abs().sqrt(), (a) => Math.sqrt(Math.abs(a))],
      [(a) => a.abs().log1p(), (a) => Math.log1p(Math.abs(a))],
      [(a) => a.clamp(-1, 1), (a) => Math.min(1, Math.max(-1, a))],
      [(a) => a.clamp(null, 0), (a) => Math.min(0, a)],
      [(a) => a.clamp(0), (a) => Math.max(0, a)],
      [(a) => t.relu(a), (a) => Math.max(0, a)],
    ];
    for (const [ours, form] of forms) scope(() => near(ours(x), x.toArray().map(form), 1e-6));
    near(x.round(), [-2, -0, 0, 0, 2]); // halves go to the even neighbour
    near(tensor([0.5, 4]).rsqrt(), [Math.SQRT2, 0.5], 1e-6);
    near(tensor([0.5, 4]).reciprocal(), [2, 0.25]);
    near(tensor([0.5, 1]).erf(), [0.5204998778, 0.8427007929], 1e-6);
    near(tensor([1, Math.E]).log(), [0, 1], 1e-6);
  });

  it("comparison and logic", () => {
    const [a, b] = [tensor([1, 2, 3]), tensor([3, 2, 1])];
    assert.deepEqual(
      values(() => a.eq(b)),
      [0, 1, 0],
    );
    assert.deepEqual(
      values(() => a.ne(b)),
      [1, 0, 1],
    );
    assert.deepEqual(
      values(() => a.lt(b)),
      [1, 0, 0],
    );
    assert.deepEqual(
      values(() => a.le(2)),
      [1, 1, 0],
    );
    assert.deepEqual(
      values(() => a.gt(2)),
      [0, 0, 1],
    );
    assert.deepEqual(
      values(() => a.ge(b)),
      [0, 1, 1],
    );
    assert.deepEqual(
      values(() => a.gt(1).logicalAnd(b.gt(1))),
      [0, 1, 0],
    );
    assert.deepEqual(
      values(() => a.gt(2).logicalOr(b.gt(2))),
      [1, 0, 1],
    );
    assert.deepEqual(
      values(() => a.gt(2).logicalNot()),
      [1, 1, 0],
    );
    assert.equal(
      scope(() => a.eq(2).dtype),
      "bool",
    );
    assert.equal(a.equal(b), false);
    assert.equal(a.equal(scope(() => b.flip([0]))), true);
    assert.deepEqual(
      values(() => tensor([1, Number.NaN, Infinity]).isnan()),
      [0, 1, 0],
    );
    assert.deepEqual(
      values(() => tensor([1, Number.NaN, Infinity]).isfinite()),
      [1, 0, 0],
    );
    assert.deepEqual([scope(() => a.gt(0).all().item()), scope(() => a.gt(3).any().item())], [1, 0]);
    assert.deepEqual(
      values(() => t.where(a.gt(b), a, b)),
      [3, 2, 3],
    );
    assert.deepEqual(
      values(() => a.maximum(b).add(a.minimum(b))),
      [4, 4, 4],
    );
  });

  it("shapes and places", () => {
    const x = t.arange(0, 6).view(2, 3);
    assert.deepEqual(
      values(() => x.t()),
      [0, 3, 1, 4, 2, 5],
    );
    assert.deepEqual(
      values(() => x.transpose(0, 1).contiguous()),
      [0, 3, 1, 4, 2, 5],
    );
    assert.deepEqual(
      scope(() => x.permute(1, 0).shape),
      [3, 2],
    );
    assert.deepEqual(
      scope(() => x.reshape(3, -1).shape),
      [3, 2],
    );
    assert.deepEqual(
      scope(() => x.flatten().shape),
      [6],
    );
    assert.deepEqual(
      scope(() => x.unflatten(1, [3, 1]).shape),
      [2, 3, 1],
    );
    assert.deepEqual(
      scope(() => x.unsqueeze(0).expand(4, 2, 3).shape),
      [4, 2, 3],
    );
    assert.deepEqual(
      scope(() => x.view(1, 2, 1, 3).squeeze().shape),
      [2, 3],
    );
    assert.deepEqual(
      scope(() => x.view(1, 2, 1, 3).squeeze(0).shape),
      [2, 1, 3],
    );
    assert.deepEqual(
      scope(() => x.repeat(2, 1).shape),
      [4, 3],
    );
    assert.deepEqual(
      values(() => x.repeatInterleave(2, 1).select(0, 0)),
      [0, 0, 1, 1, 2, 2],
    );
    assert.deepEqual(
      values(() => x.select(0, -1)),
      [3, 4, 5],
    );
    assert.deepEqual(
      values(() => x.slice(1, 1)),
      [1, 2, 4, 5],
    );
    assert.deepEqual(
      values(() => x.slice(1, null, null, 2)),
      [0, 2, 3, 5],
    );
    assert.deepEqual(
      values(() => x.narrow(1, 0, 1)),
      [0, 3],
    );
    assert.deepEqual(
      values(() => x.flip([1])),
      [2, 1, 0, 5, 4, 3],
    );
    assert.deepEqual(
      values(() => x.roll(1, 1)),
      [2, 0, 1, 5, 3, 4],
    );
    assert.deepEqual(
      values(() => x.triu()),
      [0, 1, 2, 0, 4, 5],
    );
    assert.deepEqual(
      values(() => x.tril(-1)),
      [0, 0, 0, 3, 0, 0],
    );
    assert.deepEqual(
      values(() => x.diagonal(1)),
      [1, 5],
    );
    assert.deepEqual(
      values(() => tensor([1, 2]).diag()),
      [1, 0, 0, 2],
    );
    assert.deepEqual(
      values(() => x.indexSelect(1, tensor([2, 0], { dtype: "int64" }))),
      [2, 0, 5, 3],
    );
    assert.deepEqual(
      values(() => x.gather(1, tensor([[2], [0]], { dtype: "int64" }))),
      [2, 3],
    );
    assert.deepEqual(
      values(() => x.maskedSelect(x.gt(3))),
      [4, 5],
    );
    assert.deepEqual(
      values(() => x.maskedFill(x.gt(3), -1)),
      [0, 1, 2, 3, -1, -1],
    );
    assert.deepEqual(
      values(() => x.gt(3).nonzero()),
      [1, 1, 1, 2],
    );
    assert.deepEqual(
      values(() => t.cat([x, x], 1)),
      [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5],
    );
    assert.deepEqual(
      scope(() => t.stack([x, x, x], 1).shape),
      [2, 3, 3],
    );
    assert.deepEqual(
      values(() => t.constantPadNd(tensor([1, 2]), [1, 2], 9)),
      [9, 1, 2, 9, 9],
    );
    const parts = (f: () => Tensor[]) => scope(() => f().map((p) => p.toArray()));
    assert.deepEqual(
      parts(() => tensor([1, 2, 3]).split(2)),
      [[1, 2], [3]],
    );
    assert.deepEqual(
      parts(() => tensor([1, 2, 3]).splitWithSizes([1, 2])),
      [[1], [2, 3]],
    );
    assert.deepEqual(
      parts(() => tensor([1, 2, 3, 4]).chunk(2)),
      [
        [1, 2],
        [3, 4],
      ],
    );
    assert.deepEqual(
      parts(() => x.unbind(1)),
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    );
  });

  it("reductions", () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 9],
    ]);
    assert.equal(
      scope(() => x.sum().item()),
      24,
    );
    assert.deepEqual(
      values(() => x.sum(1)),
      [6, 18],
    );
    assert.deepEqual(
      scope(() => x.sum([0, 1], true).shape),
      [1, 1],
    );
    assert.deepEqual(
      values(() => x.mean(0)),
      [2.5, 3.5, 6],
    );
    near(x.var(1), [1, 7]);
    near(x.var(1, { correction: 0 }), [2 / 3, 14 / 3]);
    assert.deepEqual(
      values(() => x.amax(1)),
      [3, 9],
    );
    assert.deepEqual(
      values(() => x.amin()),
      [1],
    );
    assert.deepEqual([scope(() => x.argmax().item()), values(() => x.argmin(1))], [5, [0, 0]]);
    assert.equal(
      scope(() => x.prod().item()),
      1080,
    );
    assert.deepEqual(
      values(() => x.cumsum(1)),
      [1, 3, 6, 4, 9, 18],
    );
    assert.equal(
      scope(() => x.median().item()),
      3,
    );
    near(x.quantile(0.5, 1), [2, 5]);
    assert.equal(
      scope(() => x.narrow(1, 0, 2).trace().item()),
      6,
    );
    const [sorted, order] = x.view(6).sort(0, true);
    assert.deepEqual(
      [sorted.toArray(), order.toArray()],
      [
        [9, 5, 4, 3, 2, 1],
        [5, 4, 3, 2, 1, 0],
      ],
    );
    const [top, at] = x.topk(2, 1);
    assert.deepEqual(
      [top.toArray(), at.toArray()],
      [
        [3, 2, 9, 5],
        [2, 1, 2, 1],
      ],
    );
    assert.deepEqual(
      values(() => tensor([0, 2, 2], { dtype: "int64" }).bincount()),
      [1, 0, 2],
    );
    const edges = tensor([0, 1, 2]);
    assert.deepEqual(
      values(() => t.bucketize(tensor([-1, 0.5, 1, 3]), edges)),
      [0, 1, 1, 3],
    );
    assert.deepEqual(
      values(() => t.searchsorted(edges, tensor([1]), { right: true })),
      [2],
    );
  });

  it("matrix products and decompositions", () => {
    const a = tensor([
      [2, 1],
      [1, 3],
    ]);
    assert.deepEqual(
      values(() => a.matmul(tensor([1, 2]))),
      [4, 7],
    );
    assert.deepEqual(
      values(() => a.mm(a)),
      [5, 5, 5, 10],
    );
    assert.equal(
      scope(() =>
        tensor([1, 2])
          .dot(tensor([3, 4]))
          .item(),
      ),
      11,
    );
    assert.deepEqual(
      values(() => tensor([1, 2]).outer(tensor([3, 4]))),
      [3, 4, 6, 8],
    );
    assert.deepEqual(
      values(() => a.unsqueeze(0).baddbmm(a.unsqueeze(0), a.unsqueeze(0), { beta: 0, alpha: 2 })),
      [10, 10, 10, 20],
    );
    const [w, v] = t.linalgEigh(a);
    near(v.mm(w.diag()).mm(v.t()), a.toArray());
    const [q, r] = t.linalgQr(a);
    near(q.mm(r), a.toArray());
    near(q.t().mm(q), [1, 0, 0, 1]);
  });

  it("in place: the tensor itself comes back", () => {
    const x = tensor([1, 2, 3]);
    assert.equal(x.add_(1), x);
    assert.equal(x.mul_(tensor([1, 2, 3])), x);
    assert.deepEqual(x.toArray(), [2, 6, 12]);
    assert.equal(x.sub_(tensor([1, 1, 1]), { alpha: 2 }), x);
    assert.deepEqual(x.div_(2).toArray(), [0, 2, 5]);
    assert.deepEqual(x.clamp_(1, 4).toArray(), [1, 2, 4]);
    assert.deepEqual(x.fill_(3).addcmul_(x, x, { value: 2 }).toArray(), [21, 21, 21]);
    assert.deepEqual(
      x
        .zero_()
        .addcdiv_(tensor([1, 2, 3]), tensor([2, 2, 2]))
        .toArray(),
      [0.5, 1, 1.5],
    );
    assert.deepEqual(x.copy_(tensor([7])).toArray(), [7, 7, 7]);
    assert.deepEqual(x.lerp_(tensor([9, 9, 9]), 0.5).toArray(), [8, 8, 8]);
    assert.deepEqual(x.maskedFill_(tensor([1, 0, 1], { dtype: "bool" }), 0).toArray(), [0, 8, 0]);
    const i = tensor([2, 0], { dtype: "int64" });
    assert.deepEqual(x.indexAdd_(0, i, tensor([1, 2])).toArray(), [2, 8, 1]);
    assert.deepEqual(x.indexCopy_(0, i, tensor([5, 6])).toArray(), [6, 8, 5]);
    assert.deepEqual(x.scatter_(0, i, tensor([1, 1])).toArray(), [1, 8, 1]);
  });

  it("lists in place, all at once", () => {
    const list = [tensor([1, 2]), tensor([[3]])];
    t.foreachAdd_(list, [tensor([1, 1]), tensor([[1]])], { alpha: 2 });
    t.foreachAddScalar_(list, 1);
    t.foreachMul_(list, 2);
    t.foreachDiv_(list, 4);
    assert.deepEqual(
      list.map((x) => x.toArray()),
      [[2, 2.5], [3]],
    );
    t.foreachMulList_(
      list,
      list.map((x) => x.clone()),
    );
    t.foreachDivList_(list, [tensor([2, 2.5]), tensor([[3]])]);
    t.foreachAddcmul_(
      list,
      list.map((x) => x.clone()),
      list.map((x) => t.onesLike(x)),
      1,
    );
    t.foreachAddcdiv_(
      list,
      list.map((x) => t.onesLike(x)),
      list.map((x) => t.onesLike(x)),
      -1,
    );
    assert.deepEqual(
      list.map((x) => x.toArray()),
      [[3, 4], [5]],
    );
    assert.deepEqual(
      t.foreachNorm(list).map((x) => x.item()),
      [5, 5],
    );
    assert.deepEqual(
      t.foreachSqrt([tensor([4, 9])]).map((x) => x.toArray()),
      [[2, 3]],
    );
    t.foreachZero_(list);
    assert.deepEqual(
      list.map((x) => x.toArray()),
      [[0, 0], [0]],
    );
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
