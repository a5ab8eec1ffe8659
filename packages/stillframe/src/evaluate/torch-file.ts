import { readFileSync } from "node:fs";
import { FileFormatError } from "@stillframe/torch/errors";
import { type Unzipped, unzipSync } from "fflate";
import { PickleReader } from "./pickle.js";
import type { PickleValue, StorageRecord, TensorRecord } from "./pickle-names.js";

/** A file of weights that PyTorch wrote: what its pickle holds, and the bytes of its storages. */
export interface TorchFile {
  readonly value: PickleValue;
  /** The bytes of a storage, little-endian, at least as many as it says. */
  readonly storage: (record: StorageRecord) => Uint8Array;
}

/** Bytes of one element of a storage, by the storage's type. */
export const STORAGE_ELEMENT: Readonly<Record<string, number>> = {
  DoubleStorage: 8,
  FloatStorage: 4,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
};

const ZIP = [0x50, 0x4b, 0x03, 0x04];
/** PyTorch's numbers at the head of a file in the format before 1.6. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/**
 * Reads a `.pth`, `.pt` or `.bin` of weights: the zip format of PyTorch 1.6 and later, or the one before. The pickle inside
 * is read by `PickleReader`, which runs nothing.
 *
 * @throws FileFormatError for anything but weights
 */
export function readTorchFile(path: string): TorchFile {
  const bytes = new Uint8Array(readFileSync(path));
  return ZIP.every((b, i) => bytes[i] === b) ? readZip(bytes, path) : readLegacy(bytes, path);
}

function readZip(bytes: Uint8Array, path: string): TorchFile {
  const entries = unzip(bytes, path);
  const names = Object.keys(entries);
  const pickle = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined)
    throw new FileFormatError(path, "expected a file that torch.save wrote but there is no data.pkl in it");
  const folder = pickle.slice(0, -"data.pkl".length);
  if (names.some((name) => name.startsWith(`${folder}code/`)))
    throw new FileFormatError(
      path,
      "it is a TorchScript archive, which holds code beside weights; expected a file that torch.save wrote",
    );
  const order = entries[`${folder}byteorder`];
  if (order !== undefined && new TextDecoder().decode(order).trim() !== "little")
    throw new FileFormatError(path, "expected numbers in little-endian order but it holds them in big-endian");
  const { value } = new PickleReader(entries[pickle]!, { path }).read();
  return { value, storage: (record) => checkedStorage(entries[`${folder}data/${record.key}`], record, path) };
}

function unzip(bytes: Uint8Array, path: string): Unzipped {
  let declared = 0;
  try {
    return unzipSync(bytes, {
      filter: ({ originalSize, name }) => {
        declared += originalSize;
        // PyTorch stores without compression: entries that add up to more than the file are no weights.
        if (declared > bytes.length) throw new Error(`${name} says that it is larger than the file`);
        return true;
      },
    });
  } catch (e) {
    throw new FileFormatError(path, `it is truncated or damaged: ${(e as Error).message}`);
  }
}

/** Magic number, protocol, system, value, keys of the storages: five pickles; then the storages, each with its length. */
function readLegacy(bytes: Uint8Array, path: string): TorchFile {
  let at = 0;
  const next = () => {
    const { value, end } = new PickleReader(bytes, { path, start: at }).read();
    at = end;
    return value;
  };
  if (bytes[0] !== 0x80 || next() !== LEGACY_MAGIC)
    throw new FileFormatError(path, "expected a file that torch.save wrote but it begins with other bytes");
  const protocol = next();
  if (protocol !== LEGACY_PROTOCOL)
    throw new FileFormatError(path, `expected format 1001 but it is ${String(protocol)}`);
  const system = next();
  if (!(system instanceof Map) || system.get("little_endian") !== true)
    throw new FileFormatError(path, "expected numbers in little-endian order but it holds them in big-endian");
  const value = next();
  const keys = next();
  const sizes = new Map(storagesOf(value).map((s) => [s.key, s]));
  if (!Array.isArray(keys)) throw new FileFormatError(path, "its list of storages is damaged");
  const storages = new Map<string, Uint8Array>();
  for (const key of keys as readonly PickleValue[]) {
    const record = sizes.get(key as string);
    if (record === undefined)
      throw new FileFormatError(path, `its storage ${String(key)} belongs to no tensor, so that its size is unknown`);
    const length = record.numel * STORAGE_ELEMENT[record.type]!;
    // The eight bytes before it repeat the number of elements.
    storages.set(record.key, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  if (at !== bytes.length)
    throw new FileFormatError(
      path,
      at > bytes.length
        ? `it is truncated: ${at} bytes are described, ${bytes.length} are there`
        : `${bytes.length - at} bytes at its end belong to no storage`,
    );
  return { value, storage: (record) => checkedStorage(storages.get(record.key), record, path) };
}

function checkedStorage(bytes: Uint8Array | undefined, record: StorageRecord, path: string): Uint8Array {
  const needed = record.numel * STORAGE_ELEMENT[record.type]!;
  if (bytes === undefined || bytes.length < needed)
    throw new FileFormatError(
      path,
      `its storage ${record.key} needs ${needed} bytes but has ${bytes?.length ?? 0}: it is truncated or damaged`,
    );
  return bytes;
}

/** All storages below a value, each once. */
function storagesOf(value: PickleValue): StorageRecord[] {
  const found = new Map<string, StorageRecord>();
  const seen = new Set<unknown>();
  const open: unknown[] = [value];
  while (open.length > 0) {
    const item = open.pop();
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    if (Array.isArray(item)) for (const each of item) open.push(each);
    else if (item instanceof Map) for (const each of item.values()) open.push(each);
    else if ((item as TensorRecord).kind === "tensor")
      found.set((item as TensorRecord).storage.key, (item as TensorRecord).storage);
  }
  return [...found.values()];
}
