import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  adaptedConv2d,
  adaptedLinear,
  attention,
  Conv2d,
  conv2d,
  type DType,
  engineInfo,
  Generator,
  GroupNorm,
  gatedLinear,
  gelu,
  grad,
  groupNorm,
  keep,
  Linear,
  linear,
  noGrad,
  plainAttention,
  randn,
  scope,
  setThreads,
  silu,
  type Tensor,
  tensor,
} from "../index.js";
import { linearLayer } from "./linear.js";

const drawn = (seed: number, ...shape: number[]) => keep(randn(shape, { generator: new Generator(seed) }));
const double = (t: Tensor) => t.to("float64");

/** Output and the gradients of `wanted`, of a loss that weighs every output differently. */
function results(y: Tensor, wanted: readonly Tensor[]): Tensor[] {
  const loss = double(y)
    .mul(double(drawn(99, ...y.shape)))
    .sum();
  return [y.detach(), ...grad([loss], wanted).map((g) => g as Tensor)];
}

/** The largest difference, as a share of the largest number, or of a tenth where all are zero in truth. */
const distance = (a: Tensor, b: Tensor) =>
  noGrad(() => double(a).sub(double(b)).abs().amax().item() / Math.max(0.1, double(b).abs().amax().item()));

function assertNear(mine: readonly Tensor[], exact: readonly Tensor[], limit: number, of: string): void {
  assert.equal(mine.length, exact.length);
  for (const [i, t] of mine.entries()) {
    assert.deepEqual(t.shape, exact[i]?.shape);
    const off = distance(t, exact[i] as Tensor);
    assert.ok(off < limit, `${of}, ${i}: off by ${off}`);
  }
}

/** Rows, in, out: of whole tiles, of less than one, of one more, of several depths of a panel; one row. */
const PRODUCTS = [
  [56, 64, 64],
  [7, 48, 36],
  [15, 33, 65],
  [300, 1100, 70],
  [1030, 20, 31],
  [1, 130, 97],
  [8, 1, 1],
] as const;
const TYPES = ["float32", "float16", "bfloat16"] as const satisfies readonly DType[];

describe("the engine's own products", () => {
  for (const [rows, input, output] of PRODUCTS)
    for (const type of TYPES)
      it(`are those of double precision: ${rows} × ${input} by ${type} ${input} × ${output}`, () =>
        scope(() => {
          const weight = noGrad(() => drawn(1, output, input).to(type));
          const [x, bias] = [drawn(2, rows, input).requiresGrad_(), drawn(3, output)];
          const exact = () => linear(double(x), double(weight), double(bias));
          assertNear(results(linearLayer(x, weight, bias), [x]), results(exact(), [x]), 2e-6, "frozen");
          const [a, b] = [drawn(4, 3, input).requiresGrad_(), drawn(5, output, 3).requiresGrad_()];
          const low = double(x).matmul(double(a).t()).matmul(double(b).t());
          assertNear(
            results(adaptedLinear(x, weight, bias, { a, b, scale: 0.7 }), [x, a, b]),
            results(exact().add(low, { alpha: 0.7 }), [x, a, b]),
            2e-6,
            "adapted",
          );
        }));

  it("give a layer in training the gradient of its weight and bias", () =>
    scope(() => {
      for (const bias of [true, false]) {
        const layer = new Linear(100, 70, { bias }).initialize(new Generator(1));
        const x = drawn(2, 3, 50, 100).requiresGrad_();
        const wanted = [x, layer.weight, ...(layer.bias === null ? [] : [layer.bias])].map((t) => t.requiresGrad_());
        const exact = linear(double(x), double(layer.weight), layer.bias && double(layer.bias));
        assertNear(results(layer.forward(x), wanted), results(exact, wanted), 2e-6, `bias ${bias}`);
      }
    }));

  it("take their inputs wherever they lie", () =>
    scope(() => {
      const weight = drawn(1, 40, 64);
      for (const x of [drawn(2, 64, 50).t(), drawn(2, 50, 128).narrow(1, 3, 64), drawn(2, 10, 5, 64).transpose(0, 1)])
        assert.ok(distance(linearLayer(x, weight, null), linear(double(x), double(weight), null)) < 2e-6);
      const turned = drawn(3, 64, 40).t();
      assert.ok(distance(linearLayer(drawn(4, 9, 64), turned, null), drawn(4, 9, 64).matmul(turned.t())) < 2e-6);
    }));

  it("have second derivatives where a layer is in training", () =>
    scope(() => {
      const [x, weight] = [drawn(1, 12, 20).requiresGrad_(), drawn(2, 16, 20).requiresGrad_()];
      const second = (y: Tensor) => {
        const [first] = grad([y.square().sum()], [x], { createGraph: true });
        return grad([(first as Tensor).square().sum()], [weight]).map((g) => g as Tensor);
      };
      assertNear(second(linearLayer(x, weight, null)), second(linear(x, weight, null)), 1e-5, "second");
    }));

  it("say what does not fit", () => {
    assert.throws(
      () => linearLayer(drawn(1, 5, 10), drawn(2, 4, 11), null),
      /expected x \[\.\.\., in\], weight \[out, in\] and bias \[out\] but received/,
    );
    assert.throws(() => linearLayer(drawn(1, 5, 10), drawn(2, 4, 10), drawn(3, 5)), /and bias \[out\] but received/);
  });

  it("are the same bits on any number of threads", { skip: engineInfo().kernels === "none" }, () => {
    const before = engineInfo().threads;
    const bytes = (threads: number) =>
      scope(() => {
        setThreads(threads);
        const [x, weight] = [drawn(1, 400, 200).requiresGrad_(), noGrad(() => drawn(2, 96, 200).to("float16"))];
        const [a, b] = [drawn(3, 4, 200).requiresGrad_(), drawn(4, 96, 4).requiresGrad_()];
        return results(adaptedLinear(x, weight, null, { a, b, scale: 1 }), [x, a, b]).map((t) => [...t.data()]);
      });
    try {
      const one = bytes(1);
      for (const threads of [2, 3, 7]) assert.deepEqual(bytes(threads), one);
    } finally {
      setThreads(before);
    }
  });
});

/** Pictures, channels in and out, sides: whole vectors of tiles and less, odd sides; filters and tiles in one piece and in several. */
const CONVOLUTIONS = [
  [1, 32, 32, 16, 16],
  [2, 40, 33, 17, 19],
  [8, 35, 32, 8, 7],
  [3, 64, 48, 24, 70],
  [1, 330, 256, 20, 20],
  [1, 512, 520, 16, 16],
  [1, 512, 460, 44, 46],
] as const;

describe("the engine's own convolutions", () => {
  const exactOf = (x: Tensor, { weight, bias }: Conv2d) =>
    conv2d(double(x), double(weight), bias && double(bias), 1, 1);
  const layerOf = (input: number, output: number, { bias = true, seed = 1 } = {}) =>
    new Conv2d(input, output, { kernel: 3, bias }).initialize(new Generator(seed));

  for (const [b, input, output, h, w] of CONVOLUTIONS)
    it(`are those of double precision, with all gradients: ${b} × ${input} × ${h} × ${w} to ${output}`, () =>
      scope(() => {
        const layer = layerOf(input, output);
        const x = drawn(2, b, input, h, w).requiresGrad_();
        const frozen = results(layer.forward(x), [x]);
        const wanted = [x, layer.weight.requiresGrad_(), (layer.bias as Tensor).requiresGrad_()];
        const exact = results(exactOf(x, layer), wanted);
        assertNear(results(layer.forward(x), wanted), exact, 3e-6, "in training");
        assertNear(frozen, exact.slice(0, 2), 3e-6, "frozen");
        // only what is asked for
        assertNear(
          results(layer.forward(x.detach()), [layer.weight]),
          [exact[0], exact[2]] as Tensor[],
          3e-6,
          "weight",
        );
      }));

  it("take a frozen weight in a narrower type, with the same bits", () =>
    scope(() => {
      for (const type of ["float16", "bfloat16"] as const) {
        const [narrow, wide] = [layerOf(48, 40, { bias: false }), layerOf(48, 40, { bias: false })];
        narrow.weight = keep(noGrad(() => narrow.weight.to(type)));
        wide.weight = keep(noGrad(() => narrow.weight.to("float32")));
        const x = drawn(3, 2, 48, 12, 12).requiresGrad_();
        const bits = (layer: Conv2d) => results(layer.forward(x), [x]).map((t) => [...t.data()]);
        assert.deepEqual(bits(narrow), bits(wide));
      }
    }));

  for (const [b, input, output, h, w] of [...CONVOLUTIONS.slice(0, 5), [1, 8, 16, 6, 6]] as const)
    for (const type of ["float32", "float16"] as const)
      it(`take a low-rank update, with its gradients: ${b} × ${input} × ${h} × ${w} to ${output}, ${type}`, () =>
        scope(() => {
          const layer = layerOf(input, output);
          layer.weight = keep(noGrad(() => layer.weight.to(type)));
          const x = drawn(2, b, input, h, w).requiresGrad_();
          const a = keep(drawn(4, 5, input, 3, 3).mul(0.2)).requiresGrad_();
          const up = keep(drawn(5, output, 5, 1, 1).mul(0.2)).requiresGrad_();
          const low = conv2d(conv2d(double(x), double(a), null, 1, 1), double(up));
          assertNear(
            results(adaptedConv2d(x, layer, { a, b: up, scale: 0.7 }), [x, a, up]),
            results(exactOf(x, layer).add(low, { alpha: 0.7 }), [x, a, up]),
            3e-6,
            "adapted",
          );
        }));

  it("take their inputs wherever they lie", () =>
    scope(() => {
      const layer = layerOf(32, 36);
      const x = drawn(3, 32, 2, 20, 18).transpose(0, 1).detach().requiresGrad_();
      const turned = (y: Tensor) => results(y.transpose(2, 3), [x]);
      assertNear(turned(layer.forward(x)), turned(exactOf(x, layer)), 3e-6, "turned");
    }));

  it("have second derivatives, frozen or in training", () =>
    scope(() => {
      const layer = layerOf(32, 34);
      const x = drawn(1, 1, 32, 16, 16).requiresGrad_();
      const second = (y: Tensor, wanted: Tensor[]) => {
        const [first] = grad([y.square().sum()], [x], { createGraph: true });
        return grad([(first as Tensor).square().sum()], wanted).map((g) => g as Tensor);
      };
      const plain = () => conv2d(x, layer.weight, layer.bias, 1, 1);
      assertNear(second(layer.forward(x), [x]), second(plain(), [x]), 1e-5, "frozen");
      const wanted = [x, layer.weight.requiresGrad_(), (layer.bias as Tensor).requiresGrad_()];
      assertNear(second(layer.forward(x), wanted), second(plain(), wanted), 1e-5, "in training");
    }));

  it("say what does not fit", () => {
    assert.throws(() => layerOf(32, 40).forward(drawn(1, 1, 33, 16, 16)), /channels/);
    const [a, b] = [drawn(1, 4, 31, 3, 3), drawn(1, 40, 4, 1, 1)];
    assert.throws(
      () => adaptedConv2d(drawn(1, 1, 32, 16, 16), layerOf(32, 40), { a, b, scale: 1 }),
      /expected weight \[out, in, k, k\], a \[r, in, k, k\] and b \[out, r, 1, 1\] but received/,
    );
  });

  it("are the same bits on any number of threads", { skip: engineInfo().kernels === "none" }, () => {
    const before = engineInfo().threads;
    const bytes = (threads: number) =>
      scope(() => {
        setThreads(threads);
        const layer = layerOf(40, 48);
        const x = drawn(2, 3, 40, 18, 22).requiresGrad_();
        const [a, b] = [drawn(3, 4, 40, 3, 3).requiresGrad_(), drawn(4, 48, 4, 1, 1).requiresGrad_()];
        const adapted = results(adaptedConv2d(x, layer, { a, b, scale: 1 }), [x, a]);
        const wide = layerOf(512, 300, { bias: false });
        wide.weight.requiresGrad_();
        const trained = results(wide.forward(drawn(5, 1, 512, 16, 16)), [wide.weight]);
        return [...adapted, ...trained].map((t) => [...t.data()]);
      });
    try {
      const one = bytes(1);
      for (const threads of [2, 3, 7]) assert.deepEqual(bytes(threads), one);
    } finally {
      setThreads(before);
    }
  });
});

describe("the engine's own attention", () => {
  const cases: [string, number, number, number, number, number][] = [
    ["to itself", 2, 3, 64, 64, 64],
    ["to a text", 1, 2, 100, 77, 40],
    ["few and narrow", 1, 1, 5, 3, 7],
    ["in several blocks", 1, 2, 700, 530, 32],
    ["of one key", 1, 2, 9, 1, 8],
  ];
  for (const [name, b, heads, t, s, d] of cases)
    it(`is that of separate operators, with its gradients: ${name}`, () =>
      scope(() => {
        const wide = [t, s, s].map((n, i) => drawn(i + 1, b, n, heads * d).requiresGrad_());
        const run = (attend: (q: Tensor, k: Tensor, v: Tensor) => Tensor, as: (x: Tensor) => Tensor) => {
          const [q, k, v] = wide.map((x) => as(x).view(b, -1, heads, d).transpose(1, 2)) as [Tensor, Tensor, Tensor];
          return results(
            attend(q, k, v)
              .transpose(1, 2)
              .reshape(b, t, heads * d),
            wide,
          );
        };
        const exact = run((q, k, v) => plainAttention(q, k, v, null), double);
        assertNear(
          run(attention, (x) => x),
          exact,
          3e-6,
          name,
        );
      }));

  it("takes scores that an exponential cannot", () =>
    scope(() => {
      const [q, k, v] = [drawn(1, 1, 1, 20, 16).mul(300), drawn(2, 1, 1, 20, 16), drawn(3, 1, 1, 20, 16)];
      const exact = plainAttention(double(q), double(k), double(v), null);
      assert.ok(distance(attention(q, k, v), exact) < 1e-4); // a score of thousands is known to 10⁻⁴ alone
    }));

  it("says what does not fit", () =>
    assert.throws(
      () => attention(drawn(1, 1, 2, 5, 8), drawn(2, 1, 2, 6, 8), drawn(3, 1, 2, 7, 8)),
      /expected q \[b, heads, t, d\], k and v \[b, heads, s, d\] but received/,
    ));
});

describe("the engine's own group normalization", () => {
  for (const [b, channels, side, groups] of [
    [2, 32, 5, 8],
    [1, 64, 16, 16],
    [3, 12, 7, 4],
    [1, 8, 1, 2],
  ] as const)
    it(`is that of separate operators, with all gradients: ${b} × ${channels} × ${side}², ${groups} groups`, () =>
      scope(() => {
        const norm = new GroupNorm(groups, channels);
        norm.weight = drawn(1, channels).requiresGrad_();
        norm.bias = drawn(2, channels).requiresGrad_();
        // a mean far from zero, which a sum of squares would lose
        const x = keep(drawn(3, b, channels, side, side).mul(2).add(30)).requiresGrad_();
        const shift = drawn(4, b, channels, 1, 1).requiresGrad_();
        const exact = (t: Tensor) => groupNorm(double(t), groups, double(norm.weight), double(norm.bias), norm.eps);
        const own = [norm.weight, norm.bias];
        assertNear(results(norm.forward(x), [x, ...own]), results(exact(x), [x, ...own]), 1e-5, "alone");
        assertNear(results(norm.activated(x), [x, ...own]), results(silu(exact(x)), [x, ...own]), 1e-5, "activated");
        assertNear(
          results(norm.activated(x, shift), [x, shift, ...own]),
          results(silu(exact(double(x).add(double(shift)))), [x, shift, ...own]),
          1e-5,
          "shifted",
        );
        assertNear(
          results(norm.activated(x, shift), [shift]),
          results(silu(exact(double(x).add(double(shift)))), [shift]),
          1e-5,
          "the shift alone",
        );
      }));

  it("takes inputs that do not lie in order, and frozen weights", () =>
    scope(() => {
      const norm = new GroupNorm(4, 8).initialize(new Generator(1));
      const x = drawn(1, 6, 8, 5).transpose(0, 2).unsqueeze(-1).detach().requiresGrad_();
      const exact = silu(groupNorm(double(x), 4, double(norm.weight), double(norm.bias), norm.eps));
      assertNear(results(norm.activated(x), [x]), results(exact, [x]), 1e-5, "turned");
    }));

  it("leaves what does not fit to libtorch's words", () =>
    assert.throws(() => new GroupNorm(3, 8).initialize(new Generator(1)).forward(drawn(1, 1, 8, 2, 2)), /divisible/));
});

describe("gatedLinear", () => {
  it("is the gate of separate operators, with its gradient", () =>
    scope(() => {
      for (const shape of [
        [3, 34],
        [2, 5, 64],
        [1, 2],
        [40, 700],
      ]) {
        const x = keep(drawn(1, ...shape).mul(3)).requiresGrad_();
        const exact = (() => {
          const [value, gate] = double(x).chunk(2, -1) as [Tensor, Tensor];
          return value.mul(gelu(gate));
        })();
        assertNear(results(gatedLinear(x), [x]), results(exact, [x]), 5e-7, shape.join(" × "));
      }
    }));

  it("is right for every size of the gate", () =>
    scope(() => {
      const gate = Array.from({ length: 40_000 }, (_, i) => (i - 20_000) / 1000);
      const both = tensor(gate.map((g) => [1, g]));
      // sixteen to a row, so that whole vectors are computed
      const rows = both.view(-1, 16, 2).transpose(1, 2).reshape(-1, 32);
      const exact = gelu(double(rows.narrow(1, 16, 16)));
      const off = double(gatedLinear(rows)).sub(exact).abs();
      assert.ok(
        off
          .sub(
            double(rows.narrow(1, 16, 16))
              .abs()
              .mul(1.2e-7),
          )
          .amax()
          .item() < 1e-7,
        `${off.amax().item()}`,
      );
    }));

  it("says what does not fit", () =>
    assert.throws(() => gatedLinear(drawn(1, 4, 5)), /expected x \[\.\.\., 2n\] of a floating type but received/));
});

describe("other instruction sets", { skip: process.env.STILLFRAME_SIMD !== undefined }, () => {
  for (const set of ["avx2", "none"])
    it(`give the same: ${set}`, () => {
      const { status, stdout } = spawnSync(process.execPath, ["--test", fileURLToPath(import.meta.url)], {
        env: { ...process.env, STILLFRAME_SIMD: set, NODE_TEST_CONTEXT: undefined },
        encoding: "utf8",
      });
      assert.match(stdout, /^# pass [1-9]\d$/m);
      assert.equal(status, 0, stdout);
    });
});
