import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  cat,
  DisposedError,
  type DType,
  ELEMENT_SIZE,
  grad,
  InvalidArgumentError,
  isFloating,
  OperatorError,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "./index.js";
import { near, reference, tensorOf } from "./near.test.js";

const DTYPES = Object.keys(ELEMENT_SIZE) as DType[];

describe("a tensor", () => {
  it("knows its shape, strides, element type and device", () => {
    const x = zeros([2, 3, 4], { dtype: "int16" });
    assert.deepEqual(
      [x.shape, x.strides, x.rank, x.numel, x.dtype, x.device],
      [[2, 3, 4], [12, 4, 1], 3, 24, "int16", "cpu"],
    );
    assert.deepEqual([x.size(0), x.size(-1)], [2, 4]);
    assert.deepEqual(x.transpose(0, 2).strides, [1, 4, 12]);
    const scalar = tensor(5);
    assert.deepEqual([scalar.shape, scalar.rank, scalar.numel, scalar.item()], [[], 0, 1, 5]);
    const none = zeros([0, 3]);
    assert.deepEqual([none.shape, none.numel, none.toArray()], [[0, 3], 0, []]);
  });

  it("prints what it is, also after it was freed", () => {
    const x = zeros([2, 3], { dtype: "bfloat16" });
    assert.equal(String(x), "Tensor(bfloat16[2, 3] on cpu)");
    assert.equal(inspect(x), "Tensor(bfloat16[2, 3] on cpu)");
    x.dispose();
    assert.equal(String(x), "Tensor(disposed)");
  });

  it("refuses an axis that is not there", () => {
    const x = zeros([2, 3]);
    for (const dim of [2, -3, 0.5, Number.NaN])
      assert.throws(() => x.size(dim), {
        name: "InvalidArgumentError",
        message: `expected an integer from -2 to 1 for dim but received ${dim}`,
      });
  });

  it("gives its elements in C order, whatever its strides", () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]).t();
    assert.deepEqual(x.data(), new Float32Array([1, 3, 2, 4]));
    assert.deepEqual(x.floats(), new Float32Array([1, 3, 2, 4]));
    assert.deepEqual(x.toArray(), [1, 3, 2, 4]);
    assert.deepEqual(tensor([1, 2, 3, 4]).slice(0, 1, null, 2).toArray(), [2, 4]);
  });

  it("gives copies: what is done to them does not reach it", () => {
    const x = tensor([1, 2]);
    (x.data() as Float32Array)[0] = 9;
    x.floats()[1] = 9;
    assert.deepEqual(x.toArray(), [1, 2]);
  });

  it("reads one element only when there is one", () => {
    assert.equal(tensor([[7]]).item(), 7);
    assert.equal(tensor(1, { dtype: "bool" }).item(), 1);
    assert.throws(
      () => tensor([1, 2]).item(),
      (e) => e instanceof OperatorError && /2 elements/.test(e.message),
    );
  });

  it("floats() is for floating-point tensors", () => {
    assert.throws(
      () => zeros([1], { dtype: "int32" }).floats(),
      /expected a floating-point tensor for tensor but received "int32"/,
    );
    assert.deepEqual(tensor([1.5]).to("float64").floats(), new Float32Array([1.5]));
    assert.deepEqual(tensor([1.5]).to("bfloat16").floats(), new Float32Array([1.5]));
  });
});

describe("element types", () => {
  it("have the sizes that libtorch gives them", () => {
    for (const dtype of DTYPES) assert.equal(zeros([3], { dtype }).data().byteLength, 3 * ELEMENT_SIZE[dtype], dtype);
  });

  it("convert into each other", () => {
    for (const from of DTYPES)
      for (const to of DTYPES)
        scope(() => {
          const y = tensor([0, 1, 5], { dtype: from }).to(to);
          const five = from === "bool" || to === "bool" ? 1 : 5;
          assert.deepEqual([y.dtype, y.toArray()], [to, [0, 1, five]], `${from} to ${to}`);
        });
  });

  it("come out in the typed array of their kind", () => {
    const kinds = Object.fromEntries(DTYPES.map((d) => [d, zeros([1], { dtype: d }).data().constructor.name]));
    assert.deepEqual(kinds, {
      uint8: "Uint8Array",
      int8: "Int8Array",
      int16: "Int16Array",
      int32: "Int32Array",
      int64: "BigInt64Array",
      float16: "Uint16Array",
      float32: "Float32Array",
      float64: "Float64Array",
      bool: "Uint8Array",
      bfloat16: "Uint16Array",
    });
    assert.deepEqual(DTYPES.filter(isFloating), ["float16", "float32", "float64", "bfloat16"]);
  });

  it("16-bit floats have the bits of Python's torch", () => {
    const x = tensorOf(reference.casts.float32);
    for (const dtype of ["float16", "bfloat16"] as const) {
      const bits = x.to(dtype).data();
      assert.deepEqual(Array.from(bits as Uint16Array), reference.casts[dtype]);
      assert.deepEqual(tensor(bits, { dtype }).data(), bits);
    }
    near(tensor(new Uint16Array([0x3c00, 0xc000, 0x7c00]), { dtype: "float16" }), [1, -2, Infinity]);
    near(tensor(new Uint16Array([0x3f80, 0xc000]), { dtype: "bfloat16" }), [1, -2]);
  });

  it("unknown ones are refused with the list of known ones", () => {
    assert.throws(() => zeros([1], { dtype: "float8" as DType }), {
      name: "InvalidArgumentError",
      message: `expected one of ${DTYPES.join(", ")} for dtype but received "float8"`,
    });
  });
});

describe("to", () => {
  it("is an alias when nothing changes, and a copy when asked for", () => {
    const x = tensor([1]);
    const [alias, copy] = [x.to("float32"), x.to({ copy: true })];
    x.add_(1);
    assert.deepEqual([alias.item(), copy.item()], [2, 1]);
  });

  it("lays pictures out channels last, with the same elements", () => {
    const x = tensor(
      Array.from({ length: 24 }, (_, i) => i),
      { shape: [1, 2, 3, 4] },
    );
    const y = x.to({ channelsLast: true });
    assert.deepEqual([y.shape, y.strides, y.toArray()], [x.shape, [24, 1, 8, 2], x.toArray()]);
    assert.deepEqual(y.contiguous().strides, x.strides);
    assert.throws(
      () => tensor([1]).to({ channelsLast: true }),
      /aten::to.dtype_layout: required rank 4 tensor to use channels_last format\n {2}operands: self float32\[1\] on cpu/,
    );
  });

  it("says which device there is not", () => {
    assert.throws(
      () => tensor([1]).to({ device: "nowhere" as "cpu" }),
      (e) => e instanceof OperatorError && /aten::to.dtype_layout: .*nowhere/.test(e.message),
    );
  });
});

describe("dispose", () => {
  it("frees once; twice is harmless", () => {
    const x = tensor([1]);
    assert.equal(x.disposed, false);
    x.dispose();
    x.dispose();
    assert.equal(x.disposed, true);
  });

  it("`using` frees at the end of the block", () => {
    let outside: Tensor;
    {
      using x = tensor([1]);
      outside = x;
      assert.equal(x.disposed, false);
    }
    assert.equal(outside.disposed, true);
  });

  it("an alias lives on", () => {
    const x = tensor([1, 2]);
    const view = x.slice(0, 1);
    x.dispose();
    assert.equal(view.item(), 2);
  });

  it("later use is an error that names operator and argument", () => {
    const [x, gone] = [tensor([1]), tensor([2])];
    gone.dispose();
    const says = (f: () => unknown, message: string) =>
      assert.throws(f, (e) => e instanceof DisposedError && e instanceof ReferenceError && e.message === message);
    says(() => gone.add(1), "aten::add.Scalar: the tensor given as self was disposed");
    says(() => x.add(gone), "aten::add.Tensor: the tensor given as other was disposed");
    says(() => cat([x, gone]), "aten::cat: tensor 1 of tensors was disposed");
    says(() => grad([x], [gone]), "grad: tensor 0 of inputs was disposed");
    says(() => gone.shape, "shape: the tensor given as self was disposed");
    says(() => gone.data(), "dtype: the tensor given as self was disposed");
    says(() => gone.requiresGrad_(), "requiresGrad_: the tensor given as self was disposed");
    says(() => {
      x.grad = gone;
    }, "grad: the tensor given as grad was disposed");
  });

  it("a new tensor in the freed place is not mistaken for the old one", () => {
    const old = tensor([1]);
    old.dispose();
    const fresh = tensor([2]);
    assert.throws(() => old.item(), DisposedError);
    old.dispose();
    assert.equal(fresh.item(), 2);
  });
});

describe("tensor()", () => {
  it("takes numbers, nested arrays and typed arrays", () => {
    assert.deepEqual(
      tensor([
        [[1], [2]],
        [[3], [4]],
      ]).shape,
      [2, 2, 1],
    );
    assert.deepEqual(tensor([]).shape, [0]);
    assert.deepEqual(tensor([[], []]).shape, [2, 0]);
    assert.deepEqual(tensor(new Float32Array([1, 2, 3, 4]), { shape: [2, 2] }).toArray(), [1, 2, 3, 4]);
    assert.deepEqual(tensor([1, 2, 3, 4], { shape: [4, 1] }).shape, [4, 1]);
    const own: [Parameters<typeof tensor>[0], DType][] = [
      [new Float64Array(1), "float64"],
      [new BigInt64Array(1), "int64"],
      [new Int32Array(1), "int32"],
      [new Int16Array(1), "int16"],
      [new Int8Array(1), "int8"],
      [new Uint8Array(1), "uint8"],
    ];
    for (const [data, dtype] of own) assert.equal(tensor(data).dtype, dtype);
    assert.deepEqual(tensor(new Uint8Array([0, 1]), { dtype: "bool" }).dtype, "bool");
    assert.deepEqual(tensor(new Uint8Array([0, 7]), { dtype: "float32" }).toArray(), [0, 7]);
    const inside = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    assert.deepEqual(tensor(inside).toArray(), [1, 2]);
  });

  it("copies: the array may change afterwards", () => {
    const data = new Float32Array([1]);
    const x = tensor(data);
    data[0] = 2;
    assert.equal(x.item(), 1);
  });

  it("keeps whole integers whole", () => {
    assert.deepEqual(
      tensor([2 ** 53 - 1, -(2 ** 53) + 1], { dtype: "int64" }).data(),
      new BigInt64Array([2n ** 53n - 1n, -(2n ** 53n) + 1n]),
    );
    assert.deepEqual(tensor(new BigInt64Array([2n ** 62n + 1n])).data(), new BigInt64Array([2n ** 62n + 1n]));
  });

  it("refuses ragged rows, other values and shapes that do not fit", () => {
    const refused = (data: unknown, message: RegExp, options = {}) =>
      assert.throws(
        () => tensor(data as number[], options),
        (e) => e instanceof InvalidArgumentError && message.test(e.message),
      );
    refused([[1, 2], [3]], /expected an array with rows of equal length for data but received \[3\]/);
    refused([1, [2]], /rows of equal length for data but received \[2\]/);
    refused([[1], 2], /rows of equal length for data but received 2/);
    refused(["1"], /expected numbers for data but received "1"/);
    refused([true], /expected numbers for data but received true/);
    refused([null], /expected numbers for data but received null/);
    refused([undefined], /expected numbers for data but received undefined/);
    refused(
      new Uint16Array(1),
      /expected a typed array of a supported element type for data but received an object of type Uint16Array/,
    );
    refused(new BigUint64Array(1), /received an object of type BigUint64Array/);
    refused([1, 2, 3], /tensor: expected 16 bytes for data but received 12/, { shape: [2, 2] });
    refused([1], /tensor: expected an integer for shape but received 0.5/, { shape: [0.5] });
  });

  it("refuses numbers that an integer type would cut", () => {
    assert.throws(
      () => tensor([1, 1.9], { dtype: "int32" }),
      /expected integers from -2147483648 to 2147483647 \(int32\) for data but received 1.9/,
    );
    assert.throws(
      () => tensor([256], { dtype: "uint8" }),
      /expected integers from 0 to 255 \(uint8\) for data but received 256/,
    );
    assert.throws(() => tensor([-129], { dtype: "int8" }), /received -129/);
    assert.throws(() => tensor([Number.NaN], { dtype: "int64" }), /received NaN/);
    assert.throws(() => tensor([2 ** 60], { dtype: "int64" }), /received 1152921504606847000/);
  });
});
