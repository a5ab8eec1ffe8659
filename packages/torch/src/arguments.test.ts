import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bernoulli,
  cat,
  conv2d,
  Generator,
  InvalidArgumentError,
  linear,
  OperatorError,
  scope,
  type Tensor,
  tensor,
  zeros,
  zerosLike,
} from "./index.js";

const x = tensor([
  [1, 2],
  [3, 4],
]);

/** What a caller without types may pass. */
const loose = (f: unknown) => f as (...args: unknown[]) => unknown;
function refused(f: () => unknown, message: string): void {
  assert.throws(f, (e) => {
    assert.ok(e instanceof InvalidArgumentError && e instanceof TypeError, String(e));
    assert.equal(e.message, message);
    return true;
  });
}

describe("arguments of operators are checked, not converted", () => {
  it("integers", () => {
    const select = loose(x.select.bind(x));
    for (const [value, text] of [
      [Number.NaN, "NaN"],
      [1.9, "1.9"],
      [-Infinity, "-Infinity"],
      [2 ** 60, "1152921504606847000"],
      ["0", '"0"'],
      [true, "true"],
      [{}, "an object"],
      [[0], "an array"],
      [Symbol("s"), "a symbol"],
      [() => 0, "a function"],
    ] as const)
      refused(() => select(0, value), `aten::select.int: expected an integer for index but received ${text}`);
    refused(() => select(0, null), "aten::select.int: expected a value for index but received null");
    refused(() => select(0), "aten::select.int: expected a value for index but received undefined");
    refused(
      () => select(0, 2n ** 64n),
      "aten::select.int: expected a 64-bit integer for index but received 18446744073709551616",
    );
    assert.deepEqual((select(0, 1n) as Tensor).toArray(), [3, 4]);
  });

  it("lists of integers", () => {
    refused(() => loose(conv2d)(x, x, null, [1, 0.5]), "aten::conv2d: expected an integer for stride but received 0.5");
    refused(() => loose(conv2d)(x, x, null, "1"), 'aten::conv2d: expected an array for stride but received "1"');
    refused(
      () => loose(x.permute.bind(x))(0, undefined),
      "aten::permute: expected an integer for dims but received undefined",
    );
  });

  it("numbers, booleans, strings", () => {
    refused(() => loose(x.clamp.bind(x))("0"), 'aten::clamp: expected a number for min but received "0"');
    refused(() => loose(x.normal_.bind(x))({}), "aten::normal_: expected a number for mean but received an object");
    refused(
      () => loose(x.sum.bind(x))(0, 1),
      "aten::sum.dim_IntList: expected true or false for keepdim but received 1",
    );
    refused(() => loose(x.div.bind(x))("2"), "aten::div.Tensor: expected a Tensor for other but received undefined");
    refused(
      () => zerosLike(x, { memoryFormat: "channelsFirst" as "preserve" }),
      'aten::zeros_like: expected contiguous, preserve or channelsLast for memoryFormat but received "channelsFirst"',
    );
    refused(() => loose(zerosLike)(x, { device: 1 }), "aten::zeros_like: expected a string for device but received 1");
  });

  it("tensors and generators", () => {
    refused(() => loose(x.mm.bind(x))({}), "aten::mm: expected a Tensor for mat2 but received undefined");
    refused(() => loose(linear)(x, {}), "aten::linear: expected a Tensor for weight but received undefined");
    refused(
      () => loose(bernoulli)(x, { generator: { native: {} } }),
      "aten::bernoulli: expected a Generator for generator but received an object",
    );
    assert.throws(() => loose(x.add.bind(x))(null), TypeError);
  });

  it("missing ones take the schema's default", () => {
    assert.deepEqual(
      scope(() => x.unsqueeze(0).flatten(undefined, 1).shape),
      [2, 2],
    );
    assert.deepEqual(
      scope(() => x.triu(undefined).toArray()),
      [1, 2, 0, 4],
    );
    refused(() => loose(x.triu.bind(x))(null), "aten::triu: expected a value for diagonal but received null");
  });
});

describe("seeds", () => {
  it("are whole numbers from 0", () => {
    const expected = "expected an integer from 0 to 2^53 - 1, or a bigint below 2^63, for seed but received";
    for (const [seed, text] of [
      [-1, "-1"],
      [0.5, "0.5"],
      [2 ** 53, "9007199254740992"],
      [Number.NaN, "NaN"],
      [-1n, "-1n"],
      [2n ** 63n, "9223372036854775808n"],
      ["7", '"7"'],
    ] as const) {
      refused(() => new Generator(seed as number), `${expected} ${text}`);
      refused(() => new Generator().reseed(seed as number), `${expected} ${text}`);
    }
  });
});

describe("an operator that fails", () => {
  it("names itself and its operands with shapes, types and devices", () => {
    assert.throws(
      () => x.mm(zeros([3, 2], { dtype: "float64" })),
      (e) => {
        assert.ok(e instanceof OperatorError);
        assert.equal(e.name, "OperatorError");
        assert.equal(e.operator, "aten::mm");
        assert.match(e.message, /^aten::mm: /);
        assert.ok(e.message.endsWith("\n  operands: self float32[2, 2] on cpu, mat2 float64[3, 2] on cpu"), e.message);
        assert.match(String(e.stack), /arguments\.test/);
        return true;
      },
    );
  });

  it("describes lists, to a limit", () => {
    assert.throws(
      () => cat([x, zeros([1, 3])]),
      /operands: tensors\[0\] float32\[2, 2\] on cpu, tensors\[1\] float32\[1, 3\] on cpu$/,
    );
    const many = [zeros([1, 3]), ...Array.from({ length: 10 }, () => x)];
    assert.throws(() => cat(many), /tensors\[7\] float32\[2, 2\] on cpu, … 11 in all$/);
  });

  it("uses this library's names of element types", () => {
    const names = [
      "uint8",
      "int8",
      "int16",
      "int32",
      "int64",
      "float16",
      "float32",
      "float64",
      "bool",
      "bfloat16",
    ] as const;
    for (const dtype of names)
      assert.throws(
        () => zeros([1], { dtype }).view(2),
        (e) => e instanceof OperatorError && e.message.endsWith(`operands: self ${dtype}[1] on cpu`),
      );
  });

  it("says so when a weight was never loaded", () => {
    const weight = zeros([2, 2], { device: "meta" });
    const hint = "a weight was declared but never loaded or initialized (device meta). ";
    assert.throws(
      () => x.copy_(weight),
      (e) =>
        e instanceof OperatorError &&
        e.message.startsWith(`aten::copy_: ${hint}`) &&
        e.message.endsWith("src float32[2, 2] on meta"),
    );
    assert.throws(() => weight.data(), {
      name: "OperatorError",
      message: `data: ${hint}float32[2, 2] on meta has no elements to read`,
    });
    assert.throws(
      () => linear(x, weight).sum().item(), // some operators go on without elements: the first that needs one says it
      (e) => e instanceof OperatorError && e.message.startsWith(`aten::item: ${hint}`),
    );
  });

  it("leaves nothing behind", () => {
    scope(() => {
      for (let i = 0; i < 10; i++) assert.throws(() => x.mm(zeros([3, 3])));
    });
    assert.deepEqual(x.toArray(), [1, 2, 3, 4]);
  });
});
