import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { FileFormatError, liveTensors, readSafetensors, readSafetensorsHeader } from "./index.js";

const scratch = mkdtempSync(join(tmpdir(), "safetensors-header-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const path = join(scratch, "x.safetensors");

/** A file with this header and so many bytes of data; `length` is what it says of its header's size. */
function file(header: string | Buffer | object, data = 0, length?: bigint): void {
  const text = Buffer.isBuffer(header)
    ? header
    : Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  writeFileSync(path, Buffer.concat([size, text, Buffer.alloc(data)]));
}
const entry = (dtype: unknown, shape: unknown, ...data_offsets: unknown[]) => ({ dtype, shape, data_offsets });

/** The file that was written last is refused with this message, by the header's reader and by the tensors'. */
function refused(problem: string | RegExp): void {
  const before = liveTensors();
  for (const read of [readSafetensorsHeader, readSafetensors])
    assert.throws(
      () => read(path),
      (e) => {
        assert.ok(e instanceof FileFormatError, String(e));
        assert.ok(e.message.startsWith(`${path}: `), e.message);
        const text = e.message.slice(path.length + 2);
        if (typeof problem === "string") assert.equal(text, problem);
        else assert.match(text, problem);
        return true;
      },
    );
  assert.equal(liveTensors(), before);
}

describe("a file that is no safetensors file is refused", () => {
  it("too short for a header", () => {
    for (const bytes of [0, 1, 7]) {
      writeFileSync(path, Buffer.alloc(bytes));
      refused(`expected a safetensors file but it has only ${bytes} bytes`);
    }
  });

  it("a header longer than the file, or absurdly long", () => {
    const says = (length: bigint, size: number) =>
      refused(
        `its header says it is ${Number(length)} bytes long, but the file has ${size}: truncated, or no safetensors file`,
      );
    file("{}", 0, 3n);
    says(3n, 10);
    for (const length of [100_000_001n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 8n]) {
      file("{}", 100, length);
      says(length, 110);
    }
  });

  it("a header that is no JSON object", () => {
    file("");
    refused(/^its header is not JSON \(.*\); is it a safetensors file\?$/);
    file("{'a': 1}");
    refused(/^its header is not JSON/);
    file("{}{}");
    refused(/^its header is not JSON/);
    file("{} \0");
    refused(/^its header is not JSON/);
    for (const json of ["[]", "null", "1", '"x"']) {
      file(json);
      refused("its header is not a JSON object");
    }
  });

  it("a header that is not UTF-8", () => {
    file(Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from('":1}')]));
    refused("its header is not UTF-8; is it a safetensors file?");
  });

  it("a zip archive, as Python's torch.save writes", () => {
    writeFileSync(path, Buffer.concat([Buffer.from("PK\x03\x04"), Buffer.alloc(200)]));
    refused(/^its header says it is 67324752 bytes long/);
  });

  it("a folder", () => {
    const folder = join(scratch, "folder");
    mkdirSync(folder);
    assert.throws(() => readSafetensors(folder), {
      name: "FileFormatError",
      message: `${folder}: expected a safetensors file but it is a folder or a device`,
    });
  });
});

describe("a header that lies is refused", () => {
  it("about an element type", () => {
    for (const dtype of ["F8_E4M3", "float32", "toString", "", 5, null]) {
      file({ a: entry(dtype, [1], 0, 4) }, 4);
      refused(
        `tensor a has dtype ${JSON.stringify(dtype)}, which is not one of I64, F64, F32, I32, BF16, F16, I16, I8, U8, BOOL`,
      );
    }
    file({ a: { shape: [1], data_offsets: [0, 4] } }, 4);
    refused(/^tensor a has dtype undefined/);
  });

  it("about a shape", () => {
    for (const shape of [[-1], [0.5], ["1"], [null], {}, 1, [2 ** 53], [[1]]]) {
      file({ a: entry("F32", shape, 0, 4) }, 4);
      refused(`tensor a has no valid shape: ${JSON.stringify(shape)}`);
    }
    file('{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', 4);
    refused("tensor a has no valid shape: [null]");
  });

  it("about offsets", () => {
    for (const offsets of [[], [0], [-4, 0], [4, 0], [0, 4.5], ["0", "4"], [0, 2 ** 53], [null, 4]]) {
      file({ a: entry("F32", [1], ...offsets) }, 4);
      refused(`tensor a has no valid offsets: ${JSON.stringify(offsets)}`);
    }
    file({ a: { dtype: "F32", shape: [1], data_offsets: { 0: 0, 1: 4 } } }, 4);
    refused(/^tensor a has no valid offsets/);
    file({ a: null });
    refused("tensor a is not described by an object");
    file({ a: 5 });
    refused("tensor a is not described by an object");
  });

  it("about the number of bytes", () => {
    file({ a: entry("F32", [2], 0, 4) }, 4);
    refused("tensor a of shape [2] needs 8 bytes, but its offsets span 4");
    file({ a: entry("F16", [2], 0, 8) }, 8);
    refused("tensor a of shape [2] needs 4 bytes, but its offsets span 8");
  });

  it("with sizes that overflow 32, 53 or 64 bits", () => {
    for (const shape of [
      [2 ** 31, 2 ** 31],
      [2 ** 32, 2 ** 32],
      [2 ** 40, 2 ** 40, 2 ** 40],
      [2 ** 52, 2 ** 52],
      Array.from({ length: 40 }, () => 2 ** 52),
    ]) {
      file({ a: entry("F32", shape, 0, 4) }, 4);
      refused(/^tensor a of shape \[.*\] needs .* bytes, but its offsets span 4$/);
    }
    file({ a: entry("F32", [2 ** 50], 0, 2 ** 52) }, 8);
    refused(/^it is truncated: 4503599627370\d+ bytes are described, \d+ are there$/);
  });

  it("with holes, overlaps, and data that is not there or not described", () => {
    file({ a: entry("F32", [1], 4, 8) }, 8);
    refused("tensor a leaves a hole before it");
    file({ a: entry("F32", [1], 0, 4), b: entry("F32", [1], 8, 12) }, 12);
    refused("tensor b leaves a hole before it");
    file({ a: entry("F32", [2], 0, 8), b: entry("F32", [2], 4, 12) }, 12);
    refused("tensor b overlaps another");
    file({ a: entry("F32", [2], 0, 8), b: entry("F32", [2], 0, 8) }, 8);
    refused("tensor b overlaps another");
    const good = { a: entry("F32", [2], 0, 8) };
    const size = 8 + JSON.stringify(good).length;
    file(good, 7);
    refused(`it is truncated: ${size + 8} bytes are described, ${size + 7} are there`);
    file(good, 9);
    refused("1 bytes at its end belong to no tensor");
    file({}, 3);
    refused("3 bytes at its end belong to no tensor");
  });

  it("with a name that is there twice", () => {
    const a = JSON.stringify(entry("F32", [1], 0, 4));
    file(`{"a":${a},"a":${a}}`, 4);
    refused("its header gives one name twice");
    file(`{"a":${a},"\\u0061":${a}}`, 4);
    refused("its header gives one name twice");
    file('{"a":{"dtype":"I32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4);
    refused("its header gives one name twice");
    file('{"__metadata__":{"k":"1","k":"2"}}');
    refused("its header gives one name twice");
    file('{"__metadata__":{"a\\":":"b\\\\","c":"{\\"a\\":1}"}}'); // quotes, colons and braces in strings are no names
    assert.deepEqual(readSafetensors(path).metadata, { 'a":': "b\\", c: '{"a":1}' });
  });

  it("with metadata that are not strings", () => {
    for (const metadata of [{ a: 1 }, { a: null }, { a: {} }, ["x"], "x", 5]) {
      file({ __metadata__: metadata });
      refused("its __metadata__ is not an object of strings");
    }
  });
});

describe("a header that is unusual is read", () => {
  it("no tensors, no metadata, or none at all", () => {
    for (const header of ["{}", "{}     ", ' {"__metadata__":null}', '{"__metadata__":{}}']) {
      file(header);
      assert.deepEqual(readSafetensors(path), { tensors: new Map(), metadata: {} });
    }
  });

  it("tensors without elements, also between others and with huge other axes", () => {
    file(
      {
        a: entry("F32", [0], 0, 0),
        b: entry("F32", [1], 0, 4),
        c: entry("I64", [0, 2 ** 40], 4, 4),
        d: entry("F32", [1], 4, 8),
        e: entry("U8", [0], 8, 8),
      },
      8,
    );
    const { tensors } = readSafetensors(path);
    assert.deepEqual(
      [...tensors].map(([name, t]) => [name, t.shape]),
      [
        ["a", [0]],
        ["b", [1]],
        ["c", [0, 2 ** 40]],
        ["d", [1]],
        ["e", [0]],
      ],
    );
    assert.deepEqual(tensors.get("c")?.toArray(), []);
  });

  it("any order of entries and keys, unknown keys beside the known ones", () => {
    file(
      '{"b":{"shape":[1],"data_offsets":[4,8],"dtype":"F32","more":[1]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      8,
    );
    assert.deepEqual([...readSafetensors(path).tensors.keys()], ["b", "a"]);
  });
});
