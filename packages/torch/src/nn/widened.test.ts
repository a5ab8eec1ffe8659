import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import {
  Conv2d,
  type DType,
  full,
  Generator,
  grad,
  keep,
  type Layer,
  Linear,
  loadWeights,
  Module,
  narrowedWeight,
  noGrad,
  randn,
  readSafetensors,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
} from "../index.js";
import { near } from "../near.test.js";
import { WORTH_NARROWING } from "./widened.js";

const folder = mkdtempSync(join(tmpdir(), "stillframe-widened-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A layer with a weight in `dtype`, and its twin with the same numbers in float32. */
function twins<T extends Linear | Conv2d>(make: () => T, dtype: DType): { narrow: T; wide: T } {
  const [narrow, wide] = [make(), make()];
  for (const layer of [narrow, wide]) layer.reset(new Generator(3));
  narrow.weight = keep(noGrad(() => narrow.weight.to(dtype)));
  wide.weight = keep(noGrad(() => narrow.weight.to("float32")));
  return { narrow, wide };
}

/** Output and the input's gradient of a layer, as bytes. */
function bytesOf(layer: Layer, x: Tensor): { output: Buffer; gradient: Buffer } {
  return scope(() => {
    const input = x.detach().requiresGrad_();
    const output = layer.forward(input);
    const weights = randn(output.shape, { generator: new Generator(5) });
    const [gradient] = grad([output.mul(weights).sum()], [input]);
    const raw = (t: Tensor) => Buffer.from((t.detach().data() as Float32Array).slice().buffer);
    return { output: raw(output), gradient: raw(gradient as Tensor) };
  });
}

/** The same but for the rounding of sums. */
function assertSame(a: Record<"output" | "gradient", Buffer>, b: Record<"output" | "gradient", Buffer>): void {
  const numbers = (bytes: Buffer) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  for (const key of ["output", "gradient"] as const) {
    const [mine, theirs] = [numbers(a[key]), numbers(b[key])];
    assert.equal(mine.length, theirs.length);
    const worst = mine.reduce((most, v, i) => Math.max(most, Math.abs(v - (theirs[i] as number))), 0);
    const size = theirs.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    assert.ok(worst < 1e-6 * size, `${key}: ${worst} of ${size}`);
  }
}

describe("a frozen weight in a narrower type", () => {
  const cases: [string, () => Linear | Conv2d, number[]][] = [
    ["a linear layer", () => new Linear(48, 36), [2, 5, 48]],
    ["one without bias, on rows", () => new Linear(48, 36, { bias: false }), [7, 48]],
    ["a convolution", () => new Conv2d(12, 20, { kernel: 3 }), [2, 12, 9, 7]],
    ["one of stride 2", () => new Conv2d(12, 20, { kernel: 3, stride: 2 }), [1, 12, 10, 10]],
    ["one of 1 × 1", () => new Conv2d(12, 20, { kernel: 1, bias: false }), [1, 12, 6, 6]],
  ];
  for (const [name, make, shape] of cases)
    for (const dtype of ["float16", "bfloat16"] as const)
      it(`gives the numbers of the widened one, a convolution to the bit: ${name}, ${dtype}`, () => {
        const { narrow, wide } = twins(make, dtype);
        const x = randn(shape, { generator: new Generator(4) });
        const [a, b] = [bytesOf(narrow, x), bytesOf(wide, x)];
        if (narrow instanceof Conv2d) {
          assert.ok(a.output.equals(b.output));
          assert.ok(a.gradient.equals(b.gradient));
        } else assertSame(a, b);
        assert.equal(narrow.weight.dtype, dtype);
      });

  it("uses large weights in parts", () => {
    for (const bias of [true, false]) {
      const { narrow, wide } = twins(() => new Linear(600, 2000, { bias }), "float16");
      const x = randn([2, 3, 600], { generator: new Generator(4) });
      assertSame(bytesOf(narrow, x), bytesOf(wide, x));
    }
  });

  it("gives each layer its own weight where several are widened before the gradient", () => {
    const pairs = [0, 1, 2].map(() => twins(() => new Linear(40, 40), "float16"));
    for (const [i, { narrow, wide }] of pairs.entries())
      noGrad(() => {
        narrow.weight.mul_(2 ** i);
        wide.weight.mul_(2 ** i);
      });
    const chain = (pick: "narrow" | "wide"): Layer => ({
      forward: (x) => pairs.reduce((h, pair) => pair[pick].forward(h), x),
    });
    const x = randn([3, 40], { generator: new Generator(1) });
    assertSame(bytesOf(chain("narrow"), x), bytesOf(chain("wide"), x));
  });

  it("refuses a weight that is trained, and one wider than the input", () => {
    const { narrow } = twins(() => new Linear(8, 8), "float16");
    narrow.weight.requiresGrad_();
    assert.throws(() => narrow.forward(randn([1, 8])), /expected a frozen weight and bias but received/);
    const { wide } = twins(() => new Linear(8, 8), "float16");
    assert.throws(
      () => wide.forward(randn([1, 8]).to("float16")),
      /expected a weight of a type not wider than the input's but received/,
    );
  });
});

describe("narrowedWeight", () => {
  it("keeps what half precision holds, and refuses what it would change", () => {
    const half = randn([60, 70], { generator: new Generator(2) })
      .to("float16")
      .to("float32");
    const narrowed = narrowedWeight(half);
    assert.equal(narrowed?.dtype, "float16");
    assert.ok(narrowed?.to("float32").equal(half));
    assert.equal(narrowedWeight(randn([60, 70], { generator: new Generator(2) })), null);
    for (const value of [1e5, 1e-9, 1 + 2 ** -11, Number.NaN])
      assert.equal(
        narrowedWeight(full([5000], 0.5).indexCopy_(0, tensor([4999], { dtype: "int64" }), tensor([value]))),
        null,
      );
  });
});

class Two extends Module {
  readonly first = new Linear(160, 128);
  readonly second = new Conv2d(32, 64, { kernel: 3 });
  readonly small = new Linear(8, 8);
}

describe("loading frozen weights", () => {
  const path = join(folder, "two.safetensors");
  const drawn = new Two().initialize(new Generator(7));
  noGrad(() => drawn.first.weight.copy_(drawn.first.weight.to("float16")));
  writeSafetensors(path, drawn.stateDict());
  const load = (options: { frozen?: boolean }) => {
    const model = new Two();
    loadWeights(model, readSafetensors(path).tensors, options);
    return model;
  };

  it("narrows the layers whose numbers survive, and nothing else", () => {
    const model = load({ frozen: true });
    assert.ok(model.first.weight.numel >= WORTH_NARROWING && model.second.weight.numel >= WORTH_NARROWING);
    assert.deepEqual(
      [...model.weights()].map((w) => w.tensor.dtype),
      ["float16", "float32", "float32", "float32", "float32", "float32"],
    );
    const x = randn([3, 160], { generator: new Generator(1) });
    near(model.first.forward(x), load({}).first.forward(x).toArray(), 1e-5);
  });

  it("leaves the file and other readers of it as they are", () => {
    const before = load({});
    load({ frozen: true });
    assert.ok(before.first.weight.equal(drawn.first.weight));
  });

  it("keeps half-precision files as they are", () => {
    const other = join(folder, "half.safetensors");
    writeSafetensors(
      other,
      [...drawn.stateDict()].map(([k, t]): [string, Tensor] => [k, t.to("bfloat16")]),
    );
    const model = new Two();
    loadWeights(model, readSafetensors(other).tensors, { frozen: true, dtype: "float32" });
    assert.deepEqual(
      [...model.weights()].map((w) => w.tensor.dtype),
      ["bfloat16", "float32", "bfloat16", "float32", "float32", "float32"],
    );
  });
});
