import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { threadId } from "node:worker_threads";
import { type DType, dtypeCode, ELEMENT_SIZE } from "./dtype.js";
import { FileFormatError } from "./errors.js";
import { native } from "./native.js";
import { Tensor } from "./tensor.js";

/** One tensor of a file: its element type, shape, and where its bytes are, counted from the start of the file. */
export interface TensorInfo {
  dtype: DType;
  shape: number[];
  start: number;
  end: number;
}
export interface SafetensorsHeader {
  tensors: Map<string, TensorInfo>;
  metadata: Record<string, string>;
}

/** In the reference implementation's order, which is the order of tensors in a file: wide element types first. */
const DTYPES: Readonly<Record<string, DType>> = {
  I64: "int64",
  F64: "float64",
  F32: "float32",
  I32: "int32",
  BF16: "bfloat16",
  F16: "float16",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};
const ORDER = Object.values(DTYPES);
const CODE_OF = Object.fromEntries(Object.entries(DTYPES).map(([code, dtype]) => [dtype, code])) as Record<
  DType,
  string
>;
/** The reference implementation's limit; larger headers are an attack or an accident. */
const MAX_HEADER = 100_000_000;

function readHeaderBytes(path: string): { text: string; size: number; offset: number } {
  const fd = openSync(path, "r");
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new FileFormatError(path, "expected a safetensors file but it is a folder or a device");
    const { size } = stat;
    const head = Buffer.alloc(8);
    if (size < 8 || readSync(fd, head, 0, 8, 0) < 8)
      throw new FileFormatError(path, `expected a safetensors file but it has only ${size} bytes`);
    const length = Number(head.readBigUInt64LE());
    if (length > MAX_HEADER || 8 + length > size)
      throw new FileFormatError(
        path,
        `its header says it is ${length} bytes long, but the file has ${size}: truncated, or no safetensors file`,
      );
    const body = Buffer.alloc(length);
    if (readSync(fd, body, 0, length, 8) < length)
      throw new FileFormatError(path, "its header could not be read whole");
    if (!isUtf8(body)) throw new FileFormatError(path, "its header is not UTF-8; is it a safetensors file?");
    return { text: body.toString("utf8"), size, offset: 8 + length };
  } finally {
    closeSync(fd);
  }
}

const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;

function checkEntry(path: string, name: string, raw: unknown, offset: number): TensorInfo {
  const wrong = (problem: string) => new FileFormatError(path, `tensor ${name} ${problem}`);
  const e = raw as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null;
  if (typeof e !== "object" || e === null) throw wrong("is not described by an object");
  const dtype = typeof e.dtype === "string" && Object.hasOwn(DTYPES, e.dtype) ? DTYPES[e.dtype] : undefined;
  if (dtype === undefined)
    throw wrong(`has dtype ${JSON.stringify(e.dtype)}, which is not one of ${Object.keys(DTYPES).join(", ")}`);
  if (!Array.isArray(e.shape) || !e.shape.every(isCount)) throw wrong(`has no valid shape: ${JSON.stringify(e.shape)}`);
  const [start, end] = Array.isArray(e.data_offsets) ? (e.data_offsets as unknown[]) : [];
  if (!isCount(start) || !isCount(end) || end < start)
    throw wrong(`has no valid offsets: ${JSON.stringify(e.data_offsets)}`);
  const bytes = (e.shape as number[]).reduce((n, d) => n * d, ELEMENT_SIZE[dtype]);
  if (bytes !== end - start)
    throw wrong(`of shape [${e.shape.join(", ")}] needs ${bytes} bytes, but its offsets span ${end - start}`);
  return { dtype, shape: e.shape as number[], start: offset + start, end: offset + end };
}

/** `JSON.parse` takes the last of two equal keys without a word; here each name is counted in the text as well. */
function checkNamedOnce(path: string, text: string, json: object): void {
  let written = 0;
  for (const m of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (m[1] !== undefined) written++;
  const count = (v: unknown): number =>
    typeof v === "object" && v !== null
      ? (Array.isArray(v) ? 0 : Object.keys(v).length) + Object.values(v).reduce((n: number, x) => n + count(x), 0)
      : 0;
  if (written !== count(json)) throw new FileFormatError(path, "its header gives one name twice");
}

function checkMetadata(path: string, metadata: unknown): Record<string, string> {
  if (metadata === undefined || metadata === null) return {};
  if (
    typeof metadata !== "object" ||
    Array.isArray(metadata) ||
    Object.values(metadata).some((v) => typeof v !== "string")
  )
    throw new FileFormatError(path, "its __metadata__ is not an object of strings");
  return metadata as Record<string, string>;
}

/**
 * Reads and checks the header alone; the file's tensors must cover it without holes or overlaps.
 *
 * @throws FileFormatError when the file is truncated, lies about a size, or is of another format
 */
export function readSafetensorsHeader(path: string): SafetensorsHeader {
  const { text, size, offset } = readHeaderBytes(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (e) {
    throw new FileFormatError(path, `its header is not JSON (${(e as Error).message}); is it a safetensors file?`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new FileFormatError(path, "its header is not a JSON object");
  checkNamedOnce(path, text, json);
  const { __metadata__, ...entries } = json as Record<string, unknown>;
  const metadata = checkMetadata(path, __metadata__);
  const tensors = new Map(Object.entries(entries).map(([name, raw]) => [name, checkEntry(path, name, raw, offset)]));
  let at = offset;
  for (const [name, { start, end }] of [...tensors].sort((a, b) => a[1].start - b[1].start || a[1].end - b[1].end)) {
    if (start !== at)
      throw new FileFormatError(path, `tensor ${name} ${start < at ? "overlaps another" : "leaves a hole before it"}`);
    at = end;
  }
  if (at !== size)
    throw new FileFormatError(
      path,
      at > size
        ? `it is truncated: ${at} bytes are described, ${size} are there`
        : `${size - at} bytes at its end belong to no tensor`,
    );
  return { tensors, metadata };
}

/**
 * Opens a file. Tensors are views of the mapped file: no copy is made, memory is used page by page as they are read,
 * and writing to one never changes the file.
 *
 * @param keys which tensors to open; all unless given
 * @throws FileFormatError see `readSafetensorsHeader`
 */
export function readSafetensors(
  path: string,
  { keys }: { keys?: (name: string) => boolean } = {},
): { tensors: Map<string, Tensor>; metadata: Record<string, string> } {
  const { tensors, metadata } = readSafetensorsHeader(path);
  const wanted = [...tensors].filter(([name]) => keys === undefined || keys(name));
  const infos = wanted.map(([, info]) => info);
  if (infos.length === 0) return { tensors: new Map(), metadata };
  const handles = native.mapFile(
    path,
    infos.map((i) => i.start),
    infos.map((i) => i.shape),
    infos.map((i) => dtypeCode(i.dtype)),
  );
  return { tensors: new Map(wanted.map(([name], i) => [name, new Tensor(handles[i] as number)])), metadata };
}

const ALIGNMENT = 8;

/**
 * Writes tensors beside `path` and renames the whole file into place, so that a reader finds the old file or the new
 * one. The order in the file is the reference implementation's: equal content gives equal bytes.
 *
 * @returns size in bytes and SHA-256 of the file
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [string, Tensor]>,
  { metadata }: { metadata?: Record<string, string> } = {},
): { bytes: number; sha256: string } {
  const entries = [...tensors].map(([name, t]) => ({ name, tensor: t, dtype: t.dtype, shape: t.shape }));
  entries.sort(
    (a, b) =>
      ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype) || Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  const names = new Set(["__metadata__"]);
  // written piece by piece: an object would put names like "0" first and lose "__proto__"
  const parts = metadata === undefined ? [] : [`"__metadata__":${JSON.stringify(checkMetadata(path, metadata))}`];
  let at = 0;
  for (const { name, dtype, shape } of entries) {
    if (names.has(name))
      throw new FileFormatError(
        path,
        name === "__metadata__" ? "a tensor may not be called __metadata__" : `tensor ${name} is given twice`,
      );
    names.add(name);
    const bytes = shape.reduce((n, d) => n * d, ELEMENT_SIZE[dtype]);
    parts.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: CODE_OF[dtype], shape, data_offsets: [at, at + bytes] })}`,
    );
    at += bytes;
  }
  let text = Buffer.from(`{${parts.join(",")}}`);
  const padding = (ALIGNMENT - (text.length % ALIGNMENT)) % ALIGNMENT;
  text = Buffer.concat([text, Buffer.alloc(padding, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return writeWhole(
    path,
    [length, text],
    entries.map((e) => e.tensor),
  );
}

function writeWhole(
  path: string,
  head: readonly Uint8Array[],
  tensors: readonly Tensor[],
): { bytes: number; sha256: string } {
  const partial = `${path}.${process.pid}-${threadId}.partial`;
  const hash = createHash("sha256");
  let bytes = 0;
  const fd = openSync(partial, "w");
  try {
    const put = (chunk: Uint8Array) => {
      hash.update(chunk);
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
      bytes += chunk.length;
    };
    for (const chunk of head) put(chunk);
    for (const t of tensors) put(native.toBytes(t.handle));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(partial, path);
  } catch (e) {
    try {
      closeSync(fd);
    } catch {
      // closed already: the rename failed, and that is the error to report
    }
    rmSync(partial, { force: true });
    throw e;
  }
  syncFolder(dirname(path));
  return { bytes, sha256: hash.digest("hex") };
}

/** The rename itself survives a power cut only once its folder is on disk. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
