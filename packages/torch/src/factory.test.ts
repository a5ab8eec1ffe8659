import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  arange,
  empty,
  eye,
  full,
  Generator,
  InvalidArgumentError,
  linspace,
  OutOfMemoryError,
  ones,
  rand,
  randint,
  randn,
  randperm,
  zeros,
} from "./index.js";

describe("new tensors", () => {
  it("have the values, shapes and element types asked for", () => {
    assert.deepEqual([empty([2, 3]).shape, empty([2], { dtype: "int8" }).dtype], [[2, 3], "int8"]);
    assert.deepEqual(zeros([2]).toArray(), [0, 0]);
    assert.deepEqual(ones([2], { dtype: "float16" }).toArray(), [1, 1]);
    assert.deepEqual(full([2], -Infinity).toArray(), [-Infinity, -Infinity]);
    assert.deepEqual([full([1], 3).dtype, full([1], 3, { dtype: "int64" }).dtype], ["float32", "int64"]);
    assert.deepEqual(eye(2).toArray(), [1, 0, 0, 1]);
    assert.deepEqual([arange(2, 5).toArray(), arange(2, 5).dtype], [[2, 3, 4], "int64"]);
    assert.deepEqual(arange(1, 0, { step: -0.5, dtype: "float32" }).toArray(), [1, 0.5]);
    assert.deepEqual(linspace(0, 1, { steps: 5 }).toArray(), [0, 0.25, 0.5, 0.75, 1]);
    assert.deepEqual(linspace(0, 1, { steps: 2, dtype: "float64" }).dtype, "float64");
  });

  it("on the meta device have a shape and no memory", () => {
    const x = empty([1_000_000, 1_000_000], { device: "meta" });
    assert.deepEqual([x.device, x.numel], ["meta", 1e12]);
  });

  it("random ones have the range and type asked for", () => {
    const generator = new Generator(1);
    const u = rand([1000], { generator }).toArray();
    assert.ok(u.every((x) => x >= 0 && x < 1));
    const n = randn([10_000], { generator });
    assert.ok(Math.abs(n.mean().item()) < 0.05 && Math.abs(n.std(null).item() - 1) < 0.05);
    const i = randint([1000], { low: -2, high: 3, generator });
    assert.deepEqual([i.dtype, [...new Set(i.toArray())].sort((a, b) => a - b)], ["int64", [-2, -1, 0, 1, 2]]);
    assert.deepEqual(randperm(5, { generator }).toArray().sort(), [0, 1, 2, 3, 4]);
    assert.equal(randn([1], { dtype: "float64", generator }).dtype, "float64");
    assert.deepEqual(randn([2, 0]).shape, [2, 0]);
  });
});

describe("a shape that cannot be", () => {
  const refused = (shape: unknown, message: string) =>
    assert.throws(
      () => zeros(shape as number[]),
      (e) => e instanceof InvalidArgumentError && e.message === `aten::full: ${message}`,
    );

  it("is refused with the value that is wrong", () => {
    refused([1.9], "expected an integer for size but received 1.9");
    refused([Number.NaN], "expected an integer for size but received NaN");
    refused([2 ** 60], "expected an integer for size but received 1152921504606847000");
    refused([Infinity], "expected an integer for size but received Infinity");
    refused([null], "expected an integer for size but received null");
    refused(["2"], 'expected an integer for size but received "2"');
    refused([{}], "expected an integer for size but received an object");
    refused([2n ** 70n], "expected a 64-bit integer for size but received 1180591620717411303424");
    refused(undefined, "expected a value for size but received undefined");
    refused(null, "expected a value for size but received null");
    refused("22", 'expected an array for size but received "22"');
    refused({ length: 1 }, "expected an array for size but received an object");
  });

  it("negative is libtorch's to refuse", () => {
    assert.throws(() => zeros([-1]), /aten::full: .*negative dimension -1/s);
  });

  it("larger than memory is an OutOfMemoryError", () => {
    assert.throws(
      () => zeros([2 ** 44]),
      (e) =>
        e instanceof OutOfMemoryError &&
        e.name === "OutOfMemoryError" &&
        e.operator === "aten::full" &&
        /memory: you tried to allocate 70368744177664 bytes/.test(e.message),
    );
  });
});
