import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { readSafetensors } from "@stillframe/torch";
import { FileFormatError } from "@stillframe/torch/errors";
import { strToU8, zipSync } from "fflate";
import { convertTorchWeights, readTorchWeights } from "./convert-weights.js";

const fixtures = fileURLToPath(new URL("../../fixtures/evaluate/pickle", import.meta.url));
const fixture = (name: string) => join(fixtures, name);
const scratch = mkdtempSync(join(tmpdir(), "weights-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A `.pth` around a pickle that is written here byte by byte, and a storage of 0, 1, 2, 3. */
function pthOf(name: string, ...opcodes: (string | number | readonly number[])[]): string {
  const bytes = opcodes.flatMap((o) => (typeof o === "string" ? [...strToU8(o)] : o));
  const path = join(scratch, name);
  const data = { "0": new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer) };
  writeFileSync(path, zipSync({ archive: { "data.pkl": new Uint8Array([0x80, 2, ...bytes]), data } }, { level: 0 }));
  return path;
}

const refuses = (path: string, message: RegExp) =>
  assert.throws(
    () => readTorchWeights(path),
    (e: Error) => {
      assert.ok(e instanceof FileFormatError, String(e));
      assert.match(e.message, message);
      return true;
    },
  );

describe("readTorchWeights", () => {
  const rows = Array.from({ length: 12 }, (_, i) => i / 4);
  for (const name of ["zip.pth", "zip-torch2.pth", "legacy.pth", "protocol4.pth"])
    it(`reads every kind of tensor from ${name}`, () => {
      const weights = readTorchWeights(fixture(name));
      const of = (key: string) => {
        const t = weights.get(key)!;
        return [t.dtype, t.shape, t.toArray()];
      };
      assert.equal(weights.size, 11);
      assert.deepEqual(of("layer.weight"), ["float32", [3, 4], rows]);
      assert.deepEqual(of("layer.shared"), ["float32", [4], [1, 1.25, 1.5, 1.75]]);
      assert.deepEqual(of("layer.transposed"), [
        "float32",
        [4, 3],
        [0, 1, 2, 0.25, 1.25, 2.25, 0.5, 1.5, 2.5, 0.75, 1.75, 2.75],
      ]);
      assert.deepEqual(of("layer.stepped"), ["float32", [4], [0.25, 1, 1.75, 2.5]]);
      assert.deepEqual(of("bn.num_batches_tracked"), ["int64", [], [7]]);
      assert.deepEqual(of("half"), ["float16", [2], [1.5, -2]]);
      assert.deepEqual(of("bfloat16"), ["bfloat16", [2], [1.5, -3]]);
      assert.deepEqual(of("double"), ["float64", [1, 1], [0.1]]);
      assert.deepEqual(of("flags"), ["bool", [3], [1, 0, 1]]);
      assert.deepEqual(of("bytes"), ["uint8", [2], [0, 255]]);
      assert.deepEqual(of("empty"), ["float32", [0, 3], []]);
    });

  it("reads parameters", () => {
    const weights = readTorchWeights(fixture("parameters.pth"));
    assert.deepEqual(weights.get("weight")!.toArray(), [2, 3]);
    assert.deepEqual(weights.get("bias")!.toArray(), [0.5]);
  });

  it("takes a dictionary inside a checkpoint by its key", () => {
    refuses(
      fixture("checkpoint.pth"),
      /epoch, state_dict hold something else; choose a dictionary inside by its key: state_dict/,
    );
    const weights = readTorchWeights(fixture("checkpoint.pth"), { key: "state_dict" });
    assert.deepEqual(weights.get("w")!.toArray(), [1, 1]);
    assert.throws(
      () => readTorchWeights(fixture("checkpoint.pth"), { key: "model" }),
      /there is no dictionary model in it/,
    );
  });

  it("refuses what could run code, and names it", () => {
    refuses(fixture("os-system.pth"), /asks for posix\.system, which weights do not need; it is refused/);
    refuses(fixture("os-system-legacy.pth"), /asks for posix\.system/);
    refuses(fixture("getattr.pth"), /asks for __?builtins?_?_?\.getattr/);
    refuses(fixture("module.pth"), /asks for torch\.nn\.modules\.linear\.Linear/);
    refuses(fixture("torchscript.pth"), /a TorchScript archive, which holds code/);
    refuses(pthOf("eval.pth", "c__builtin__\neval\n", "(X", [3, 0, 0, 0], "1+1", "tR."), /asks for __builtin__\.eval/);
    refuses(pthOf("inst.pth", "(S'ls'\nios\nsystem\n."), /opcode STRING \(0x53\)/);
    refuses(pthOf("newobj.pth", "ccollections\nOrderedDict\n)", 0x81, "."), /opcode NEWOBJ \(0x81\)/);
    refuses(pthOf("unknown.pth", 0xfe, "."), /opcode 0xfe/);
  });

  it("refuses known names used in another way", () => {
    refuses(pthOf("call-type.pth", "ctorch\nFloatStorage\n)R."), /asks for a call of torch\.FloatStorage/);
    refuses(pthOf("name-value.pth", "ccollections\nOrderedDict\n."), /asks for collections\.OrderedDict as a value/);
    refuses(pthOf("call-string.pth", "X", [1, 0, 0, 0], "f)R."), /calls a value that is no known name/);
    refuses(
      pthOf("bad-tensor.pth", "ctorch._utils\n_rebuild_tensor_v2\n)R."),
      /calls torch\._utils\._rebuild_tensor_v2 with what is no tensor/,
    );
    refuses(pthOf("state.pth", "}X", [1, 0, 0, 0], "ab."), /an object with a state of its own/);
  });

  it("refuses values that weights do not have", () => {
    refuses(fixture("set.pth"), /opcode EMPTY_SET \(0x8f\)/);
    refuses(fixture("bytes.pth"), /opcode SHORT_BINBYTES \(0x43\)/);
    refuses(pthOf("number.pth", "K", 1, "."), /expected a dictionary of tensors/);
    refuses(pthOf("nothing.pth", "}."), /the dictionary is empty/);
  });

  it("refuses damaged files", () => {
    refuses(fixture("truncated.pth"), /it is truncated or damaged/);
    refuses(fixture("truncated-legacy.pth"), /it is truncated: \d+ bytes are described/);
    refuses(pthOf("stack.pth", "."), /takes a value from an empty stack/);
    refuses(pthOf("mark.pth", "u."), /no mark where it needs one/);
    refuses(pthOf("end.pth", "X", [9, 0, 0, 0], "abc"), /ends too early/);
    refuses(pthOf("recall.pth", "h", 3, "."), /recalls value 3, which it never kept/);
    const text = join(scratch, "text.pth");
    writeFileSync(text, "not a file of weights");
    refuses(text, /expected a file that torch\.save wrote but it begins with other bytes/);
    const plainZip = join(scratch, "zip.pth");
    writeFileSync(plainZip, zipSync({ "a.txt": strToU8("a") }));
    refuses(plainZip, /there is no data\.pkl in it/);
  });

  it("refuses a tensor that reaches beyond its storage, or shows more than it holds", () => {
    const text = (value: string) => ["X", [value.length, 0, 0, 0], value] as const;
    const pth = (name: string, of: { numel: number; offset: number; size: number; stride: number }) => {
      const storage = [
        "(",
        ...text("storage"),
        "ctorch\nFloatStorage\n",
        ...text("0"),
        ...text("cpu"),
        "K",
        of.numel,
        "tQ",
      ];
      const window = ["K", of.offset, "K", of.size, 0x85, "K", of.stride, 0x85, 0x89, ")t"];
      return pthOf(name, "}", ...text("w"), "ctorch._utils\n_rebuild_tensor_v2\n(", ...storage, ...window, "Rs.");
    };
    const good = readTorchWeights(pth("good.pth", { numel: 4, offset: 1, size: 3, stride: 1 }));
    assert.deepEqual(good.get("w")!.toArray(), [1, 2, 3]);
    refuses(
      pth("beyond.pth", { numel: 4, offset: 2, size: 3, stride: 1 }),
      /tensor w reaches beyond its storage of 4 elements/,
    );
    refuses(
      pth("more.pth", { numel: 4, offset: 0, size: 200, stride: 0 }),
      /tensor w shows 200 elements of a storage of 4/,
    );
    refuses(pth("short.pth", { numel: 5, offset: 0, size: 5, stride: 1 }), /storage 0 needs 20 bytes but has 16/);
  });

  it("refuses a published file that is not what its name says", () => {
    const path = join(scratch, "weights-0123456789abcdef.pth");
    copyFileSync(fixture("zip.pth"), path);
    refuses(
      path,
      /its SHA-256 begins with 0123456789abcdef, but it begins with [0-9a-f]{16}: it is not the published file/,
    );
  });
});

describe("convertTorchWeights", () => {
  it("writes safetensors with the same tensors", () => {
    const output = join(scratch, "converted.safetensors");
    const result = convertTorchWeights(fixture("legacy.pth"), output);
    const { tensors } = readSafetensors(output);
    assert.equal(result.tensors, 11);
    assert.equal(result.bytes, readFileSync(output).length);
    assert.deepEqual([...tensors.keys()].sort(), [...readTorchWeights(fixture("zip.pth")).keys()].sort());
    for (const [name, t] of readTorchWeights(fixture("zip.pth"))) {
      assert.equal(tensors.get(name)!.dtype, t.dtype);
      assert.deepEqual(tensors.get(name)!.toArray(), t.toArray(), name);
    }
  });
});
