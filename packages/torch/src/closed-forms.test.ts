import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as t from "./index.js";
import { near } from "./near.test.js";

const { scope, tensor } = t;
type Tensor = t.Tensor;

describe("operators against closed forms", () => {
  const values = (f: () => Tensor): number[] => scope(() => f().toArray());
  const gives = (f: () => Tensor, expected: number[]) => assert.deepEqual(values(f), expected);
  const hasShape = (f: () => Tensor, expected: number[]) =>
    assert.deepEqual(
      scope(() => f().shape),
      expected,
    );

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
    gives(() => a.eq(b), [0, 1, 0]);
    gives(() => a.ne(b), [1, 0, 1]);
    gives(() => a.lt(b), [1, 0, 0]);
    gives(() => a.le(2), [1, 1, 0]);
    gives(() => a.gt(2), [0, 0, 1]);
    gives(() => a.ge(b), [0, 1, 1]);
    gives(() => a.gt(1).logicalAnd(b.gt(1)), [0, 1, 0]);
    gives(() => a.gt(2).logicalOr(b.gt(2)), [1, 0, 1]);
    gives(() => a.gt(2).logicalNot(), [1, 1, 0]);
    assert.equal(
      scope(() => a.eq(2).dtype),
      "bool",
    );
    assert.equal(a.equal(b), false);
    assert.equal(a.equal(scope(() => b.flip([0]))), true);
    gives(() => tensor([1, Number.NaN, Infinity]).isnan(), [0, 1, 0]);
    gives(() => tensor([1, Number.NaN, Infinity]).isfinite(), [1, 0, 0]);
    assert.deepEqual([scope(() => a.gt(0).all().item()), scope(() => a.gt(3).any().item())], [1, 0]);
    gives(() => t.where(a.gt(b), a, b), [3, 2, 3]);
    gives(() => a.maximum(b).add(a.minimum(b)), [4, 4, 4]);
  });

  it("shapes and places", () => {
    const x = t.arange(0, 6).view(2, 3);
    gives(() => x.t(), [0, 3, 1, 4, 2, 5]);
    gives(() => x.transpose(0, 1).contiguous(), [0, 3, 1, 4, 2, 5]);
    hasShape(() => x.permute(1, 0), [3, 2]);
    hasShape(() => x.reshape(3, -1), [3, 2]);
    hasShape(() => x.flatten(), [6]);
    hasShape(() => x.unflatten(1, [3, 1]), [2, 3, 1]);
    hasShape(() => x.unsqueeze(0).expand(4, 2, 3), [4, 2, 3]);
    hasShape(() => x.view(1, 2, 1, 3).squeeze(), [2, 3]);
    hasShape(() => x.view(1, 2, 1, 3).squeeze(0), [2, 1, 3]);
    hasShape(() => x.repeat(2, 1), [4, 3]);
    gives(() => x.repeatInterleave(2, 1).select(0, 0), [0, 0, 1, 1, 2, 2]);
    gives(() => x.select(0, -1), [3, 4, 5]);
    gives(() => x.slice(1, 1), [1, 2, 4, 5]);
    gives(() => x.slice(1, null, null, 2), [0, 2, 3, 5]);
    gives(() => x.narrow(1, 0, 1), [0, 3]);
    gives(() => x.flip([1]), [2, 1, 0, 5, 4, 3]);
    gives(() => x.roll(1, 1), [2, 0, 1, 5, 3, 4]);
    gives(() => x.triu(), [0, 1, 2, 0, 4, 5]);
    gives(() => x.tril(-1), [0, 0, 0, 3, 0, 0]);
    gives(() => x.diagonal(1), [1, 5]);
    gives(() => tensor([1, 2]).diag(), [1, 0, 0, 2]);
    gives(() => x.indexSelect(1, tensor([2, 0], { dtype: "int64" })), [2, 0, 5, 3]);
    gives(() => x.gather(1, tensor([[2], [0]], { dtype: "int64" })), [2, 3]);
    gives(() => x.maskedSelect(x.gt(3)), [4, 5]);
    gives(() => x.maskedFill(x.gt(3), -1), [0, 1, 2, 3, -1, -1]);
    gives(() => x.gt(3).nonzero(), [1, 1, 1, 2]);
    gives(() => t.cat([x, x], 1), [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
    hasShape(() => t.stack([x, x, x], 1), [2, 3, 3]);
    gives(() => t.constantPadNd(tensor([1, 2]), [1, 2], 9), [9, 1, 2, 9, 9]);
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
    gives(() => x.sum(1), [6, 18]);
    hasShape(() => x.sum([0, 1], true), [1, 1]);
    gives(() => x.mean(0), [2.5, 3.5, 6]);
    near(x.var(1), [1, 7]);
    near(x.var(1, { correction: 0 }), [2 / 3, 14 / 3]);
    gives(() => x.amax(1), [3, 9]);
    gives(() => x.amin(), [1]);
    assert.deepEqual([scope(() => x.argmax().item()), values(() => x.argmin(1))], [5, [0, 0]]);
    assert.equal(
      scope(() => x.prod().item()),
      1080,
    );
    gives(() => x.cumsum(1), [1, 3, 6, 4, 9, 18]);
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
    gives(() => tensor([0, 2, 2], { dtype: "int64" }).bincount(), [1, 0, 2]);
    const edges = tensor([0, 1, 2]);
    gives(() => t.bucketize(tensor([-1, 0.5, 1, 3]), edges), [0, 1, 1, 3]);
    gives(() => t.searchsorted(edges, tensor([1]), { right: true }), [2]);
  });

  it("matrix products and decompositions", () => {
    const a = tensor([
      [2, 1],
      [1, 3],
    ]);
    gives(() => a.matmul(tensor([1, 2])), [4, 7]);
    gives(() => a.mm(a), [5, 5, 5, 10]);
    assert.equal(
      scope(() =>
        tensor([1, 2])
          .dot(tensor([3, 4]))
          .item(),
      ),
      11,
    );
    gives(() => tensor([1, 2]).outer(tensor([3, 4])), [3, 4, 6, 8]);
    gives(() => a.unsqueeze(0).baddbmm(a.unsqueeze(0), a.unsqueeze(0), { beta: 0, alpha: 2 }), [10, 10, 10, 20]);
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
