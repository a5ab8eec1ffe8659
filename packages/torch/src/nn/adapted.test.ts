import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { adaptedLinear, type DType, Generator, grad, linear, noGrad, randn, scope, type Tensor } from "../index.js";
import { linearLayer } from "./linear.js";

const drawn = (seed: number, ...shape: number[]) => randn(shape, { generator: new Generator(seed) });

interface Operands {
  x: Tensor;
  weight: Tensor;
  bias: Tensor | null;
  a: Tensor;
  b: Tensor;
}
const operands = (shape: number[], { bias = true, rank = 3 } = {}): Operands => ({
  x: drawn(1, ...shape).requiresGrad_(),
  weight: drawn(2, 14, 10),
  bias: bias ? drawn(3, 14) : null,
  a: drawn(4, rank, 10).requiresGrad_(),
  b: drawn(5, 14, rank).requiresGrad_(),
});
const SCALE = 0.7;

/** The same of separate operators, each with the gradient that libtorch gives it. */
const composed = ({ x, weight, bias, a, b }: Operands): Tensor =>
  linear(x, weight, bias).add(x.matmul(a.t()).matmul(b.t()), { alpha: SCALE });
const fused = ({ x, weight, bias, a, b }: Operands): Tensor => adaptedLinear(x, weight, bias, { a, b, scale: SCALE });

/** Output and the gradients of `wanted`, of a loss that weighs every output differently. */
function outputAndGradients(make: (o: Operands) => Tensor, o: Operands, wanted: readonly Tensor[]): Tensor[] {
  return scope(() => {
    const y = make(o);
    const loss = y
      .to("float32")
      .mul(drawn(6, ...y.shape))
      .sum();
    return [y.detach(), ...grad([loss], wanted).map((g) => g as Tensor)];
  });
}
const largest = (a: Tensor, b: Tensor) => a.to("float32").sub(b.to("float32")).abs().amax().item();

describe("adaptedLinear", () => {
  for (const [name, shape, options] of [
    ["a batch of rows", [2, 5, 10], {}],
    ["rows without bias", [7, 10], { bias: false }],
    ["one row", [10], { rank: 1 }],
    ["pictures", [2, 3, 4, 10], { rank: 8, bias: false }],
  ] as const)
    it(`is the layer and its update in separate operators: ${name}`, () => {
      const o = operands([...shape], options);
      const wanted = [o.x, o.a, o.b];
      const [one, two] = [outputAndGradients(fused, o, wanted), outputAndGradients(composed, o, wanted)];
      for (const [i, t] of one.entries()) {
        assert.deepEqual(t.shape, two[i]?.shape);
        assert.ok(largest(t, two[i] as Tensor) < 2e-5, `${i}: ${largest(t, two[i] as Tensor)}`);
      }
    });

  it("gives gradients where they are wanted alone", () => {
    const o = operands([4, 10], { bias: false });
    for (const wanted of [[o.x], [o.a], [o.b], [o.b, o.x]]) {
      const [one, two] = [outputAndGradients(fused, o, wanted), outputAndGradients(composed, o, wanted)];
      assert.equal(one.length, wanted.length + 1);
      for (const [i, t] of one.entries()) assert.ok(largest(t, two[i] as Tensor) < 2e-5);
    }
    const first = operands([4, 10]);
    first.x = noGrad(() => first.x.detach());
    const [, ofA] = outputAndGradients(fused, first, [first.a]);
    assert.ok(largest(ofA as Tensor, outputAndGradients(composed, first, [first.a])[1] as Tensor) < 2e-5);
  });

  it("computes in the input's type and gives the matrices' gradients in theirs", () => {
    const o = operands([6, 10]);
    const low: Operands = {
      ...o,
      x: o.x.detach().to("bfloat16").requiresGrad_(),
      weight: o.weight.to("bfloat16"),
      bias: (o.bias as Tensor).to("bfloat16"),
    };
    const results = outputAndGradients(fused, low, [low.x, low.a, low.b]);
    assert.deepEqual(
      results.map((t) => t.dtype),
      ["bfloat16", "bfloat16", "float32", "float32"] satisfies DType[],
    );
    const exact = outputAndGradients(composed, o, [o.x, o.a, o.b]);
    for (const [i, t] of results.entries()) {
      const size = (exact[i] as Tensor).abs().amax().item();
      assert.ok(largest(t, exact[i] as Tensor) < 0.02 * size, `${i}`);
    }
  });

  it("takes a base weight narrower than it computes in, to the same numbers", () => {
    const o = operands([6, 10]);
    const half = { ...o, weight: o.weight.to("float16") };
    const wide = { ...o, weight: half.weight.to("float32") };
    const wanted = [o.x, o.a, o.b];
    const [one, two] = [outputAndGradients(fused, half, wanted), outputAndGradients(fused, wide, wanted)];
    for (const [i, t] of one.entries()) assert.ok(largest(t, two[i] as Tensor) < 2e-5);
  });

  it("is exactly the base where B is zero", () => {
    const o = operands([5, 10]);
    noGrad(() => o.b.zero_());
    assert.ok(fused(o).equal(linearLayer(o.x, o.weight, o.bias)));
  });

  it("says what does not fit", () => {
    const o = operands([5, 10]);
    assert.throws(
      () => adaptedLinear(o.x, o.weight, o.bias, { a: o.b, b: o.a, scale: 1 }),
      /expected x \[\.\.\., in\], weight \[out, in\], a \[r, in\] and b \[out, r\] but received/,
    );
    assert.throws(() => fused({ ...o, weight: o.weight.requiresGrad_() }), /expected a frozen weight and bias/);
  });
});
