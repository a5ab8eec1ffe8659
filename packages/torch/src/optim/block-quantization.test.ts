import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketize, Generator, liveTensors, randn, scope, type Tensor, tensor } from "../index.js";
import { CodeBook, dynamicTreeMap, QuantizedVector, stretches } from "./block-quantization.js";
import { reference } from "./optim-reference.test.js";

const signed = dynamicTreeMap({ signed: true });
const unsigned = dynamicTreeMap({ signed: false });
const floats = (t: Tensor) => [...t.floats()];

describe("dynamicTreeMap", () => {
  it("has the numbers that the codes' bits say", () => {
    assert.deepEqual([...signed], reference.maps.mean);
    assert.deepEqual([...unsigned], reference.maps.square);
  });

  it("has 256 different numbers in order, from the largest magnitude to 1, and 0", () => {
    for (const map of [signed, unsigned]) {
      assert.equal(map.length, 256);
      assert.ok(map.every((v, i) => i === 0 || v > (map[i - 1] as number)));
      assert.equal(map[255], 1);
    }
    assert.equal(unsigned[0], 0);
    assert.equal(signed[127], 0);
    assert.equal(signed[0], -signed.at(-2)!);
  });

  it("is symmetric but for the 1, which has no negative", () => {
    assert.deepEqual([...signed.subarray(0, 127)], Array.from(signed.subarray(128, 255), (v) => -v).reverse());
  });

  it("spends a code's bits on exponent or fraction: 7 decades, each with half the numbers of the next", () => {
    const decades = (map: Float32Array) =>
      Array.from({ length: 7 }, (_, e) => map.filter((v) => v > 10 ** -(e + 1) && v < 10 ** -e).length);
    assert.deepEqual(decades(unsigned), [128, 64, 32, 16, 8, 4, 2]);
    assert.deepEqual(decades(signed), [64, 32, 16, 8, 4, 2, 1]);
  });
});

describe("stretches", () => {
  const all = (n: number, blockSize: number, chunkSize: number) => [...stretches(n, { blockSize, chunkSize })];
  it("cover a vector with whole blocks, and the rest alone", () => {
    assert.deepEqual(all(10, 2, 4), [
      { start: 0, block: 0, rows: 2, columns: 2 },
      { start: 4, block: 2, rows: 2, columns: 2 },
      { start: 8, block: 4, rows: 1, columns: 2 },
    ]);
    assert.deepEqual(all(7, 3, 100), [
      { start: 0, block: 0, rows: 2, columns: 3 },
      { start: 6, block: 2, rows: 1, columns: 1 },
    ]);
    assert.deepEqual(all(2, 3, 1), [{ start: 0, block: 0, rows: 1, columns: 2 }]);
    assert.deepEqual(all(6, 3, 1).length, 2, "at least a block at a time");
  });
});

/** Numbers through 8 bits, and the vector that held them. */
function through(values: Tensor, book: CodeBook, { blockSize = 256, chunkSize = 1024 } = {}) {
  const n = values.numel;
  const vector = QuantizedVector.zeros(book, { size: n, blockSize });
  const read: number[] = [];
  for (const at of stretches(n, { blockSize, chunkSize })) {
    vector.write(at, values.narrow(0, at.start, at.rows * at.columns).view(at.rows, at.columns));
    read.push(...floats(vector.read(at)));
  }
  return { read, vector };
}

describe("QuantizedVector", () => {
  const mean = new CodeBook({ signed: true, device: "cpu" });
  const square = new CodeBook({ signed: false, zeroExact: true, device: "cpu" });
  const normal = randn([5000], { generator: new Generator(1) });

  it("is zero at first", () => {
    for (const book of [mean, square]) {
      const vector = QuantizedVector.zeros(book, { size: 5, blockSize: 4 });
      for (const at of stretches(5, { blockSize: 4, chunkSize: 4 }))
        assert.ok(floats(vector.read(at)).every((v) => v === 0));
    }
  });

  it("gives every number the nearest code of its block", () => {
    for (const [book, map, x] of [
      [mean, signed, normal],
      [new CodeBook({ signed: false, device: "cpu" }), unsigned, normal.square()],
    ] as const) {
      const { vector } = through(x, book);
      const [codes, values] = [vector.codes.toArray(), floats(x)];
      for (const [i, v] of values.entries()) {
        const block = Math.floor(i / 256);
        const scale = Math.max(...values.slice(block * 256, block * 256 + 256).map(Math.abs));
        assert.equal(vector.scales.toArray()[block], scale);
        const [got, best] = [codes[i] as number, map.reduce((b, c) => Math.min(b, Math.abs(c - v / scale)), 1)];
        assert.ok(Math.abs((map[got] as number) - v / scale) <= best + 1e-7, `element ${i}`);
      }
    }
  });

  it("is off by half the distance of two codes at most, and exact for a block's largest positive number and for 0", () => {
    const blocks = 5000 / 250;
    const { read } = through(normal, mean, { blockSize: 250 });
    for (let b = 0; b < blocks; b++) {
      const from = floats(normal).slice(b * 250, b * 250 + 250);
      const scale = Math.max(...from.map(Math.abs));
      for (const [i, v] of from.entries()) {
        const got = read[b * 250 + i] as number;
        const relative = Math.abs(v) / scale;
        // half a part of the number's decade (0.9 / 2⁷⁻ᵉ / 10ᵉ), and at decades' ends the half of the larger one
        const decade = Math.floor(-Math.log10(Math.max(relative, 1e-7)));
        const bound = decade === 0 ? 0.9 / 64 / 2 : Math.max(0.9 / 2 ** (6 - decade) / 10 ** decade, 1e-6);
        assert.ok(Math.abs(got - v) <= 1.01 * bound * scale, `${v} of ${scale} became ${got}`);
        if (v === scale) assert.equal(got, v);
      }
    }
    const zeros = through(tensor([0, 0, 3, 0]), mean, { blockSize: 2 });
    assert.deepEqual(zeros.read, [0, 0, 3, 0]);
  });

  it("an outlier costs its block alone", () => {
    const x = normal.clone();
    x.narrow(0, 0, 1).fill_(1e6);
    const [plain, spoilt] = [through(normal, mean).read, through(x, mean).read];
    assert.deepEqual(spoilt.slice(256), plain.slice(256));
    assert.ok(spoilt.slice(1, 256).every((v) => Math.abs(v) < 10));
  });

  it("never makes a small square 0, where the mean's codes do", () => {
    const x = tensor([1, 1e-5, 1e-9, 1e-20, 0]);
    const { read } = through(x, square, { blockSize: 5 });
    assert.deepEqual([read[0], read[4]], [1, 0]);
    assert.deepEqual(read.slice(2, 4), [unsigned[1], unsigned[1]]);
    assert.deepEqual(through(x, mean, { blockSize: 5 }).read.slice(2), [0, 0, 0]);
  });

  it("takes numbers of any size: float32's largest, smallest and subnormal ones", () => {
    for (const scale of [3e38, 1, 1e-37, 1e-42]) {
      const x = tensor([scale, -scale / 2, 0]);
      const { read } = through(x, mean, { blockSize: 3 });
      for (const [i, v] of floats(x).entries())
        assert.ok(Math.abs((read[i] as number) - v) <= 0.01 * Math.max(scale, 2 ** -126), `${v} became ${read[i]}`);
    }
  });

  it("shows what is not a number", () => {
    const { read } = through(tensor([1, Number.NaN, 2, 3]), mean, { blockSize: 2 });
    assert.deepEqual([Number.isNaN(read[0]), Number.isNaN(read[1])], [true, true]);
    assert.deepEqual(
      read.slice(2).map((v) => Math.abs(v - Math.round(v)) < 0.02),
      [true, true],
    );
  });

  it("writing what was read changes nothing where a block's largest magnitude is positive", () => {
    const { read, vector } = through(normal.abs(), mean);
    const again = through(tensor(Float32Array.from(read)), mean);
    assert.deepEqual(again.vector.codes.data(), vector.codes.data());
    assert.deepEqual(again.vector.scales.data(), vector.scales.data());
    const { read: negative } = through(tensor([-2, 1]), mean);
    assert.ok(Math.abs((negative[0] as number) / -2 - 0.99297) < 1e-5, "there is no code of -1");
  });

  it("does not depend on how much is taken at a time", () => {
    const [a, b] = [through(normal, mean, { chunkSize: 256 }), through(normal, mean, { chunkSize: 2 ** 20 })];
    assert.deepEqual(a.vector.codes.data(), b.vector.codes.data());
    assert.deepEqual(a.read, b.read);
  });

  it("leaves nothing behind", () => {
    const live = liveTensors();
    scope(() => {
      const book = new CodeBook({ signed: true, device: "cpu" });
      assert.equal(bucketize(tensor([0]), book.bounds).item(), book.zero);
      through(normal, book).vector.dispose();
      book.dispose();
    });
    assert.ok(liveTensors() <= live, "less only where the collector was at work");
  });
});
