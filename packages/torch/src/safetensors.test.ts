import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  DisposedError,
  type DType,
  ELEMENT_SIZE,
  FileFormatError,
  liveTensors,
  noGrad,
  readSafetensors,
  readSafetensorsHeader,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
  zeros,
} from "./index.js";

const scratch = mkdtempSync(join(tmpdir(), "safetensors-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(scratch, `${count++}.safetensors`);
const partials = () => readdirSync(scratch).filter((f) => f.endsWith(".partial"));

describe("writing", () => {
  it("gives the reference implementation's bytes", () => {
    const path = fresh();
    writeSafetensors(path, []);
    assert.deepEqual([...readFileSync(path)], [8, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from("{}      ")]);
    writeSafetensors(path, [], { metadata: { framework: "pt" } });
    assert.deepEqual(
      [...readFileSync(path)],
      [40, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('{"__metadata__":{"framework":"pt"}}     ')],
    );
    writeSafetensors(path, [
      [
        "attn.0",
        tensor([
          [
            [0, 1, 2],
            [3, 4, 5],
          ],
        ]),
      ],
    ]);
    const data = Buffer.from(new Float32Array([0, 1, 2, 3, 4, 5]).buffer);
    assert.deepEqual(
      readFileSync(path),
      Buffer.concat([
        Buffer.from([64, 0, 0, 0, 0, 0, 0, 0]),
        Buffer.from('{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}'),
        data,
      ]),
    );
  });

  it("gives back a file of mixed element types byte for byte", () => {
    const original = fileURLToPath(new URL("../fixtures/mixed-types.safetensors", import.meta.url));
    const path = fresh();
    const { tensors } = readSafetensors(original);
    assert.ok(tensors.size > 30);
    writeSafetensors(path, [...tensors].reverse());
    assert.ok(readFileSync(path).equals(readFileSync(original)));
  });

  it("orders by element type, widest first, then by name, whatever the order given", () => {
    const dtypes = Object.keys(ELEMENT_SIZE) as DType[];
    const names = ["b", "a", "10", "9", "é", "😀", "\uffff", "__proto__"];
    const path = fresh();
    writeSafetensors(
      path,
      dtypes.flatMap((dtype) => names.map((n) => [`${n}-${dtype}`, zeros([1], { dtype })] as const)),
    );
    const text = headerText(path);
    const order = [...text.matchAll(/"dtype":"(\w+)"/g)].map((m) => m[1]);
    assert.deepEqual([...new Set(order)], ["I64", "F64", "F32", "I32", "BF16", "F16", "I16", "I8", "U8", "BOOL"]);
    const first = [...text.matchAll(/"([^"]+)-int64"/g)].map((m) => m[1]);
    assert.deepEqual(first, ["10", "9", "__proto__", "a", "b", "é", "\uffff", "😀"]);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
    );
  });

  it("says how large the file is and what its hash is", () => {
    const path = fresh();
    const { bytes, sha256 } = writeSafetensors(path, [["x", tensor([1, 2, 3])]]);
    assert.deepEqual(
      [bytes, sha256],
      [statSync(path).size, createHash("sha256").update(readFileSync(path)).digest("hex")],
    );
  });

  it("writes elements in C order, from any layout", () => {
    const path = fresh();
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    const picture = tensor([0, 1, 2, 3, 4, 5, 6, 7], { shape: [1, 2, 2, 2] }).to({ channelsLast: true });
    writeSafetensors(path, [
      ["t", x.t()],
      ["p", picture],
    ]);
    const { tensors } = readSafetensors(path);
    assert.deepEqual(
      [tensors.get("t")?.toArray(), tensors.get("p")?.toArray()],
      [
        [1, 3, 2, 4],
        [0, 1, 2, 3, 4, 5, 6, 7],
      ],
    );
  });

  it("refuses a name that is there twice, and the name of the metadata", () => {
    const path = fresh();
    const x = tensor([1]);
    assert.throws(
      () =>
        writeSafetensors(path, [
          ["x", x],
          ["x", x],
        ]),
      { name: "FileFormatError", message: `${path}: tensor x is given twice` },
    );
    assert.throws(() => writeSafetensors(path, [["__metadata__", x]]), {
      message: `${path}: a tensor may not be called __metadata__`,
    });
    assert.throws(() => writeSafetensors(path, [], { metadata: { n: 1 as unknown as string } }), {
      message: `${path}: its __metadata__ is not an object of strings`,
    });
    assert.equal(existsSync(path), false);
  });

  it("that fails leaves the old file and nothing else", () => {
    const path = fresh();
    const [good, gone] = [tensor([1]), tensor([2])];
    writeSafetensors(path, [["x", good]]);
    const old = readFileSync(path);
    gone.dispose();
    assert.throws(
      () =>
        writeSafetensors(path, [
          ["x", good],
          ["y", gone],
        ]),
      DisposedError,
    );
    const meta = zeros([1], { device: "meta" }); // its elements cannot be read, which shows only half way through
    assert.throws(
      () =>
        writeSafetensors(path, [
          ["x", good],
          ["y", meta],
        ]),
      /never loaded or initialized/,
    );
    assert.deepEqual([readFileSync(path), partials()], [old, []]);
    const folder = `${path}.d`;
    mkdirSync(folder);
    assert.throws(() => writeSafetensors(folder, [["x", good]]), { code: "EISDIR" });
    assert.throws(() => writeSafetensors(join(scratch, "none", "x"), [["x", good]]), { code: "ENOENT" });
    assert.deepEqual(partials(), []);
  });

  it("on a full disk leaves the old file and nothing else", (t) => {
    const disk = join(scratch, "disk");
    mkdirSync(disk);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    if (mounted.status !== 0) return t.skip("a small disk can be mounted by root alone");
    try {
      const path = join(disk, "x.safetensors");
      writeSafetensors(path, [["x", tensor([1, 2, 3])]]);
      const old = readFileSync(path);
      assert.throws(() => writeSafetensors(path, [["x", zeros([100_000])]]), { code: "ENOSPC" });
      assert.deepEqual([readFileSync(path), readdirSync(disk)], [old, ["x.safetensors"]]);
    } finally {
      spawnSync("umount", [disk]);
    }
  });
});

describe("reading", () => {
  it("gives back every element type, shape and the metadata", () => {
    const path = fresh();
    const dtypes = Object.keys(ELEMENT_SIZE) as DType[];
    const given = dtypes.map((dtype) => [dtype, tensor([[0, 1, 1]], { dtype })] as const);
    const metadata = { format: "pt", 'quote " and \\ and é': "line\nbreak" };
    writeSafetensors(
      path,
      [...given, ["scalar", tensor(7)], ["none", zeros([0, 5], { dtype: "int64" })], ["__proto__", tensor([3])]],
      { metadata },
    );
    const read = readSafetensors(path);
    assert.deepEqual(read.metadata, metadata);
    for (const [dtype, x] of given) {
      const y = read.tensors.get(dtype) as Tensor;
      assert.deepEqual([y.dtype, y.shape, y.data()], [dtype, [1, 3], x.data()]);
    }
    assert.deepEqual([read.tensors.get("scalar")?.shape, read.tensors.get("scalar")?.item()], [[], 7]);
    assert.deepEqual([read.tensors.get("none")?.shape, read.tensors.get("none")?.dtype], [[0, 5], "int64"]);
    assert.equal(read.tensors.get("__proto__")?.item(), 3);
  });

  it("keeps the bits of NaN, infinity and negative zero", () => {
    const path = fresh();
    const bits = new Float32Array(new Uint32Array([0x7fc0dead, 0x7f800000, 0x80000000, 1]).buffer);
    writeSafetensors(path, [["x", tensor(bits)]]);
    assert.deepEqual(
      new Uint8Array(readSafetensors(path).tensors.get("x")?.data().buffer as ArrayBuffer),
      new Uint8Array(bits.buffer),
    );
  });

  it("opens only the tensors asked for", () => {
    const path = fresh();
    writeSafetensors(path, [
      ["a.x", tensor([1])],
      ["a.y", tensor([2])],
      ["b.x", tensor([3])],
    ]);
    const before = liveTensors();
    const { tensors } = readSafetensors(path, { keys: (name) => name.startsWith("a.") });
    assert.deepEqual([[...tensors.keys()], liveTensors() - before], [["a.x", "a.y"], 2]);
    assert.equal(readSafetensors(path, { keys: () => false }).tensors.size, 0);
    assert.deepEqual([...readSafetensorsHeader(path).tensors.keys()], ["a.x", "a.y", "b.x"]);
  });

  it("changes in memory never reach the file", () => {
    const path = fresh();
    writeSafetensors(path, [["x", tensor([1, 2])]]);
    const before = readFileSync(path);
    const x = readSafetensors(path).tensors.get("x") as Tensor;
    noGrad(() => x.mul_(100));
    assert.deepEqual([x.toArray(), readFileSync(path)], [[100, 200], before]);
  });

  it("a mapped file may be deleted, and replaced by a new one", () => {
    const path = fresh();
    writeSafetensors(path, [["x", tensor([1, 2])]]);
    const x = readSafetensors(path).tensors.get("x") as Tensor;
    writeSafetensors(path, [["x", tensor([5, 6])]]);
    assert.deepEqual(
      [x.toArray(), readSafetensors(path).tensors.get("x")?.toArray()],
      [
        [1, 2],
        [5, 6],
      ],
    );
    rmSync(path);
    assert.deepEqual(x.toArray(), [1, 2]);
  });

  it("a tensor may be written over the file that it is mapped from", () => {
    const path = fresh();
    writeSafetensors(path, [["x", tensor([1, 2])]]);
    const { tensors } = readSafetensors(path);
    writeSafetensors(path, tensors);
    assert.deepEqual(readSafetensors(path).tensors.get("x")?.toArray(), [1, 2]);
  });

  it("copies what lies at an address that its type cannot have", () => {
    const path = fresh();
    const header =
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}';
    const data = Buffer.concat([Buffer.from([7]), Buffer.from(new Float32Array([1.5, -2]).buffer)]);
    writeFileSync(path, Buffer.concat([sizeOf(Buffer.byteLength(header)), Buffer.from(header), data]));
    const { tensors } = readSafetensors(path);
    assert.deepEqual([tensors.get("a")?.item(), tensors.get("b")?.toArray()], [7, [1.5, -2]]);
    assert.equal(
      scope(() => tensors.get("b")?.sum().item()),
      -0.5,
    );
  });

  it("unmaps the file with its last tensor", {
    skip: !existsSync("/proc/self/maps") && "there is no /proc here",
  }, () => {
    const path = fresh();
    writeSafetensors(path, [
      ["x", tensor([1])],
      ["y", tensor([2])],
    ]);
    const mapped = () => readFileSync("/proc/self/maps", "utf8").includes(path);
    const { tensors } = readSafetensors(path);
    const view = tensors.get("y")?.view(1, 1) as Tensor;
    for (const t of tensors.values()) t.dispose();
    assert.equal(mapped(), true);
    view.dispose();
    assert.equal(mapped(), false);
  });

  it("moves with its folder", () => {
    const path = fresh();
    writeSafetensors(path, [["x", tensor([1])]]);
    renameSync(path, `${path}2`);
    assert.equal(readSafetensors(`${path}2`).tensors.get("x")?.item(), 1);
    assert.throws(() => readSafetensors(path), { code: "ENOENT" });
  });

  it("an error is a FileFormatError with the path", () => {
    const path = fresh();
    writeFileSync(path, "no");
    assert.throws(
      () => readSafetensors(path),
      (e) => e instanceof FileFormatError && e.path === path,
    );
  });
});

function sizeOf(length: number | bigint): Buffer {
  const b = Buffer.alloc(8);
  b.writeBigUInt64LE(BigInt(length));
  return b;
}
function headerText(path: string): string {
  const file = readFileSync(path);
  return file.subarray(8, 8 + Number(file.readBigUInt64LE())).toString();
}
