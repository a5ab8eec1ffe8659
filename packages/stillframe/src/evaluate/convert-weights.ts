import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import {
  type DType,
  FileFormatError,
  scope,
  type Tensor,
  type TypedArray,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import type { PickleValue, TensorRecord } from "./pickle-names.js";
import { readTorchFile, STORAGE_ELEMENT, type TorchFile } from "./torch-file.js";

const VIEWS: Readonly<Record<string, readonly [DType, (b: ArrayBuffer) => TypedArray]>> = {
  DoubleStorage: ["float64", (b) => new Float64Array(b)],
  FloatStorage: ["float32", (b) => new Float32Array(b)],
  HalfStorage: ["float16", (b) => new Uint16Array(b)],
  BFloat16Storage: ["bfloat16", (b) => new Uint16Array(b)],
  LongStorage: ["int64", (b) => new BigInt64Array(b)],
  IntStorage: ["int32", (b) => new Int32Array(b)],
  ShortStorage: ["int16", (b) => new Int16Array(b)],
  CharStorage: ["int8", (b) => new Int8Array(b)],
  ByteStorage: ["uint8", (b) => new Uint8Array(b)],
  BoolStorage: ["bool", (b) => new Uint8Array(b)],
};

export interface TorchWeightsOptions {
  /** The dictionary to take, where the file holds several: for instance `state_dict`; with dots for one inside another. */
  readonly key?: string;
}

/**
 * The tensors of a `.pth` that PyTorch wrote, by name. Nothing in the file is run; see `PickleReader`.
 *
 * @throws FileFormatError for a file that holds anything but tensors in a dictionary
 */
export function readTorchWeights(path: string, { key }: TorchWeightsOptions = {}): Map<string, Tensor> {
  checkNamedHash(path);
  const file = readTorchFile(path);
  const dictionary = dictionaryAt(file.value, { key, path });
  const others = [...dictionary]
    .filter(([name, v]) => typeof name !== "string" || !isTensor(v))
    .map(([name]) => String(name));
  if (others.length > 0) {
    const inside = [...dictionary].filter(([, v]) => v instanceof Map).map(([name]) => String(name));
    const hint = inside.length > 0 ? `; choose a dictionary inside by its key: ${inside.slice(0, 8).join(", ")}` : "";
    throw new FileFormatError(
      path,
      `expected tensors by name but ${others.slice(0, 8).join(", ")} hold something else${hint}`,
    );
  }
  const tensors = [...dictionary] as [string, TensorRecord][];
  if (tensors.length === 0) throw new FileFormatError(path, "expected tensors by name but the dictionary is empty");
  return scope(() => new Map(tensors.map(([name, record]) => [name, toTensor(record, { file, name, path })])));
}

/**
 * Writes the tensors of a `.pth` as safetensors, once, so that everything else reads safetensors alone.
 *
 * @returns the number of tensors, the size and the SHA-256 of the written file
 */
export function convertTorchWeights(
  path: string,
  output: string,
  options: TorchWeightsOptions = {},
): { tensors: number; bytes: number; sha256: string } {
  return scope(() => {
    const weights = readTorchWeights(path, options);
    return { tensors: weights.size, ...writeSafetensors(output, weights, { metadata: { format: "pt" } }) };
  });
}

const isTensor = (v: PickleValue): v is TensorRecord => (v as TensorRecord | null)?.kind === "tensor";

function dictionaryAt(
  value: PickleValue,
  { key, path }: { key: string | undefined; path: string },
): ReadonlyMap<PickleValue, PickleValue> {
  let inside = value;
  for (const part of key === undefined ? [] : key.split(".")) {
    const next: PickleValue | undefined = inside instanceof Map ? inside.get(part) : undefined;
    if (next === undefined) throw new FileFormatError(path, `there is no dictionary ${key} in it`);
    inside = next;
  }
  if (!(inside instanceof Map)) throw new FileFormatError(path, "expected a dictionary of tensors");
  return inside;
}

/** The elements that the tensor's window of its storage shows, in C order. */
function toTensor(record: TensorRecord, { file, name, path }: { file: TorchFile; name: string; path: string }): Tensor {
  const { storage, offset, shape, strides } = record;
  const size = STORAGE_ELEMENT[storage.type]!;
  const bytes = file.storage(storage);
  const numel = shape.reduce((n, d) => n * d, 1);
  const last = shape.reduce((at, d, i) => at + (d - 1) * strides[i]!, offset);
  // A view that repeats elements may show more than there are, without bound; weights do not need it.
  if (numel > storage.numel)
    throw new FileFormatError(path, `tensor ${name} shows ${numel} elements of a storage of ${storage.numel}`);
  if (numel > 0 && last >= storage.numel)
    throw new FileFormatError(path, `tensor ${name} reaches beyond its storage of ${storage.numel} elements`);
  const contiguous = shape.every((d, i) => d <= 1 || strides[i] === shape.slice(i + 1).reduce((n, s) => n * s, 1));
  const window = contiguous
    ? bytes.slice(offset * size, (offset + numel) * size)
    : gathered(bytes, record, { size, numel });
  const [dtype, view] = VIEWS[storage.type]!;
  return tensor(view(window.buffer as ArrayBuffer), { shape, dtype });
}

function gathered(
  bytes: Uint8Array,
  { offset, shape, strides }: TensorRecord,
  { size, numel }: { size: number; numel: number },
): Uint8Array {
  const out = new Uint8Array(numel * size);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < out.length; to += size) {
    for (let b = 0; b < size; b++) out[to + b] = bytes[from * size + b]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

/** PyTorch's published files carry the head of their own SHA-256 in their name: `vgg16-397923af.pth`. */
function checkNamedHash(path: string): void {
  const expected = /-([0-9a-f]{8,64})\.\w+$/.exec(basename(path))?.[1];
  if (expected === undefined) return;
  const actual = createHash("sha256").update(readFileSync(path)).digest("hex");
  if (!actual.startsWith(expected))
    throw new FileFormatError(
      path,
      `its name says that its SHA-256 begins with ${expected}, but it begins with ${actual.slice(0, expected.length)}: it is not the published file`,
    );
}
