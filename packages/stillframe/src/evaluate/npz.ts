import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type Tensor, tensor } from "@stillframe/torch";
import { FileFormatError } from "@stillframe/torch/errors";
import { unzipSync, zipSync } from "fflate";
import type { Gaussian } from "./statistics.js";

/** An array of numbers in numpy's format, in C order, as float64. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
/** Statistics of 2048 features are 34 MB; nothing that belongs here is larger than this. */
const MAX_BYTES = 1 << 30;

/**
 * Reads mean and covariance from an `.npz` of pytorch-fid (`mu`, `sigma`), as clean-fid and others also write it. Float32
 * is widened; Python objects are refused, because reading them runs code.
 *
 * @throws FileFormatError
 */
export function readStatistics(path: string): Gaussian {
  const arrays = readNpz(path, ["mu", "sigma"]);
  const mean = arrays.get("mu")!;
  const covariance = arrays.get("sigma")!;
  const [d] = mean.shape;
  if (mean.shape.length !== 1 || covariance.shape.join() !== `${d},${d}`)
    throw new FileFormatError(
      path,
      `expected mu [d] and sigma [d, d] but they are [${mean.shape.join(", ")}] and [${covariance.shape.join(", ")}]`,
    );
  if (![mean, covariance].every(({ data }) => data.every(Number.isFinite)))
    throw new FileFormatError(path, "expected finite statistics but they hold NaN or infinite values");
  return { mean: tensor(mean.data), covariance: tensor(covariance.data, { shape: covariance.shape }) };
}

/** Writes mean and covariance for pytorch-fid, beside `path` first and then in its place. */
export function writeStatistics(path: string, { mean, covariance }: Gaussian): void {
  const array = (t: Tensor): NumpyArray => ({ shape: t.shape, data: t.to("float64").data() as Float64Array });
  const bytes = zipSync(
    { "mu.npy": encodeArray(array(mean)), "sigma.npy": encodeArray(array(covariance)) },
    { level: 6 },
  );
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    writeFileSync(partial, bytes);
    renameSync(partial, path);
  } catch (e) {
    rmSync(partial, { force: true });
    throw e;
  }
}

/** The named arrays of an `.npz`; others in it are not read. */
export function readNpz(path: string, names: readonly string[]): Map<string, NumpyArray> {
  const wanted = new Set(names.map((name) => `${name}.npy`));
  const files = unzip(path, wanted);
  return new Map(
    names.map((name) => {
      const bytes = files[`${name}.npy`];
      if (bytes === undefined) throw new FileFormatError(path, `there is no array ${name} in it`);
      return [name, decodeArray(bytes, { path, name })];
    }),
  );
}

function unzip(path: string, wanted: ReadonlySet<string>): Record<string, Uint8Array> {
  const filter = ({ name, originalSize }: { name: string; originalSize: number }) => {
    if (!wanted.has(name)) return false;
    if (originalSize > MAX_BYTES) throw new Error(`${name} says that it has ${originalSize} bytes`);
    return true;
  };
  try {
    return unzipSync(readFileSync(path), { filter });
  } catch (e) {
    throw new FileFormatError(path, `expected an .npz archive but ${(e as Error).message}`);
  }
}

/** numpy's format, version 1 to 3: magic, version, length of the header, header, numbers. */
function decodeArray(bytes: Uint8Array, { path, name }: { path: string; name: string }): NumpyArray {
  const wrong = (problem: string) => new FileFormatError(path, `array ${name}: ${problem}`);
  if (!MAGIC.every((b, i) => bytes[i] === b)) throw wrong("expected numpy's format but it begins with other bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6]! > 1;
  const start = long ? 12 : 10;
  const end = start + (bytes.length < start ? 0 : long ? view.getUint32(8, true) : view.getUint16(8, true));
  if (bytes.length < end) throw wrong("it is truncated");
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, end));
  const { type, fortran, shape } = parseHeader(header, wrong);
  const numel = shape.reduce((n, d) => n * d, 1);
  const size = type === "<f8" ? 8 : 4;
  if (bytes.length - end !== numel * size)
    throw wrong(`expected ${numel * size} bytes of numbers but it has ${bytes.length - end}`);
  const body = bytes.slice(end).buffer as ArrayBuffer;
  const data = type === "<f8" ? new Float64Array(body) : Float64Array.from(new Float32Array(body));
  if (!fortran || shape.length < 2) return { shape, data };
  if (shape.length !== 2) throw wrong("expected at most 2 axes in Fortran order");
  const [rows, columns] = shape as [number, number];
  return { shape, data: data.map((_, i) => data[(i % columns) * rows + Math.floor(i / columns)]!) };
}

/** `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }` */
function parseHeader(
  header: string,
  wrong: (problem: string) => Error,
): { type: "<f8" | "<f4"; fortran: boolean; shape: number[] } {
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(header)?.[1];
  if (type !== "<f8" && type !== "<f4")
    throw wrong(`expected numbers of type <f8 or <f4 but they are ${type ?? "of an unknown type"}`);
  if (fortran === undefined || shape === undefined) throw wrong(`its header is damaged: ${header.trim()}`);
  return { type, fortran: fortran === "True", shape: (shape.match(/\d+/g) ?? []).map(Number) };
}

function encodeArray({ shape, data }: NumpyArray): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${tuple}), }`;
  // Numbers begin at a multiple of 64.
  header = `${header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + header.length + data.byteLength);
  bytes.set([...MAGIC, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return bytes;
}
