import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  attention,
  Conv2d,
  Embedding,
  Generator,
  GroupNorm,
  LayerNorm,
  Linear,
  liveTensors,
  loadWeights,
  type Module,
  noGrad,
  plainAttention,
  randn,
  scope,
  type Tensor,
  tensor,
} from "../index.js";
import { near, reference, tensorOf } from "../near.test.js";

/** A layer with the reference's weights, and its result on the reference's input. */
function check<L extends Module & { forward(x: Tensor): Tensor }>(
  name: string,
  layer: L,
  keys: readonly string[],
  input = 0,
): void {
  const c = reference.operators[name] as (typeof reference.operators)[string];
  const tensors = c.inputs.map(tensorOf);
  const [x] = tensors.splice(input, 1) as [Tensor];
  loadWeights(layer, new Map(keys.map((k, i) => [k, tensors[i] as Tensor])));
  near(layer.forward(x), c.output);
}

describe("layers have the values of Python's torch", () => {
  it("Linear", () => {
    const layer = new Linear(4, 5);
    check("linear", layer, ["weight", "bias"]);
    assert.deepEqual([layer.inFeatures, layer.outFeatures], [4, 5]);
  });
  it("Conv2d", () => {
    check("conv2d", new Conv2d(3, 4, { kernel: 3, stride: 2 }), ["weight", "bias"]);
    check("conv2d without bias", new Conv2d(4, 2, { kernel: 1, bias: false }), ["weight"]);
    assert.deepEqual(
      [1, 3, 5].map((kernel) => new Conv2d(1, 1, { kernel }).padding),
      [0, 1, 2],
    );
  });
  it("GroupNorm", () => check("groupNorm", new GroupNorm(2, 4, { eps: 1e-6 }), ["weight", "bias"]));
  it("LayerNorm", () => check("layerNorm", new LayerNorm(6), ["weight", "bias"]));
  it("Embedding", () => check("embedding", new Embedding(5, 4), ["weight"], 0));
});

describe("attention", () => {
  const generator = new Generator(3);
  const draw = (...shape: number[]) => randn(shape, { generator });

  it("looks at nothing after a causal mask's place", () => {
    const [q, k, v] = [draw(1, 1, 4, 8), draw(1, 1, 4, 8), draw(1, 1, 4, 8)];
    const mask = tensor(
      Array.from({ length: 16 }, (_, i) => (i % 4 > i >> 2 ? -Infinity : 0)),
      { shape: [4, 4] },
    );
    const out = attention(q, k, v, { causalMask: mask });
    near(out.select(2, 0), v.select(2, 0).toArray(), 1e-6);
    const changed = noGrad(() => v.clone());
    changed.select(2, 3).fill_(9);
    near(attention(q, k, changed, { causalMask: mask }).narrow(2, 0, 3), out.narrow(2, 0, 3).toArray(), 1e-6);
  });

  it("in parts, when the scores are large, gives what it gives in one", () => {
    // 8 heads · 3000² scores · 4 bytes = 288 MB, above the limit
    const [q, k, v] = [draw(1, 8, 3000, 4), draw(1, 8, 3000, 4), draw(1, 8, 3000, 4)];
    const causal = scope(() => tensor([-Infinity]).expand(3000, 3000).triu(1));
    for (const mask of [null, causal])
      scope(() => {
        const parts = plainAttention(q, k, v, mask);
        assert.deepEqual(parts.shape, [1, 8, 3000, 4]);
        for (const row of [0, 1, 1499, 2999]) {
          const one = plainAttention(q.narrow(2, row, 1), k, v, mask === null ? null : mask.narrow(0, row, 1));
          near(parts.narrow(2, row, 1), one.toArray(), 1e-5);
        }
      });
  });

  it("frees the scores of one part before the next, also inside a scope", () => {
    const [q, k, v] = [draw(1, 2, 6, 4), draw(1, 2, 6, 4), draw(1, 2, 6, 4)];
    scope(() => {
      const before = liveTensors();
      plainAttention(q, k, v, null);
      // three reshaped inputs, the scaled keys in two steps, the product and its view
      assert.equal(liveTensors() - before, 7);
    });
  });

  it("refuses inputs of another rank", () => {
    assert.throws(() => plainAttention(draw(2, 3, 4), draw(2, 3, 4), draw(2, 3, 4), null), {
      name: "ShapeError",
      message: "expected shape [b, heads, t, d] but received [2, 3, 4]",
    });
  });
});
