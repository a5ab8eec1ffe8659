import { type DType, dtypeCode } from "./dtype.js";
import { invalid } from "./errors.js";
import type { Generator } from "./generator.js";
import { bind, native } from "./native.js";
import { type Device, Tensor, type TypedArray } from "./tensor.js";

/** How the elements lie in memory; `preserve` keeps the source's order. */
export type MemoryFormat = "contiguous" | "channelsLast" | "preserve";

/** What a new tensor is made of; float32 on the CPU unless said. */
export interface TensorOptions {
  dtype?: DType;
  device?: Device;
}
export interface RandomOptions extends TensorOptions {
  generator?: Generator | null;
}

const opEmpty = bind("empty", "memory_format");
const opFull = bind("full");
const opEye = bind("eye");
const opArange = bind("arange", "start_step");
const opLinspace = bind("linspace");
const opRandn = bind("randn", "generator");
const opRand = bind("rand", "generator");
const opRandint = bind("randint", "low_generator");
const opRandperm = bind("randperm", "generator");

const FLOAT32 = dtypeCode("float32");
const code = (dtype: DType | undefined): number => (dtype === undefined ? FLOAT32 : dtypeCode(dtype));

/** Memory as it comes, `[...shape]`. */
export const empty = (shape: readonly number[], { dtype, device }: TensorOptions = {}): Tensor =>
  new Tensor(opEmpty(shape, code(dtype), undefined, device));

/** Every element equal to `value`, `[...shape]`. */
export const full = (shape: readonly number[], value: number, { dtype, device }: TensorOptions = {}): Tensor =>
  new Tensor(opFull(shape, value, code(dtype), undefined, device));

export const zeros = (shape: readonly number[], options: TensorOptions = {}): Tensor => full(shape, 0, options);
export const ones = (shape: readonly number[], options: TensorOptions = {}): Tensor => full(shape, 1, options);

/** The identity matrix `[n, n]`. */
export const eye = (n: number, { dtype, device }: TensorOptions = {}): Tensor =>
  new Tensor(opEye(n, code(dtype), undefined, device));

/** `start, start + step, …` below `end`; int64 unless said. */
export const arange = (
  start: number,
  end: number,
  { step = 1, dtype = "int64", device }: TensorOptions & { step?: number } = {},
): Tensor => new Tensor(opArange(start, end, step, dtypeCode(dtype), undefined, device));

/** `steps` equal steps from `start` to `end`, both included. */
export const linspace = (
  start: number,
  end: number,
  { steps, dtype, device }: TensorOptions & { steps: number },
): Tensor => new Tensor(opLinspace(start, end, steps, code(dtype), undefined, device));

/** A draw is made on the generator's own device and moved, so that one seed gives one result everywhere. */
function drawn(make: (device: Device | undefined) => Tensor, { generator, device }: RandomOptions): Tensor {
  const home = generator?.device ?? device;
  const t = make(home);
  if (device === undefined || device === home) return t;
  const moved = t.to({ device });
  t.dispose();
  return moved;
}

/** Standard normal numbers `[...shape]`. */
export const randn = (shape: readonly number[], options: RandomOptions = {}): Tensor =>
  drawn((d) => new Tensor(opRandn(shape, options.generator?.native, code(options.dtype), undefined, d)), options);

/** Uniform numbers in [0, 1), `[...shape]`. */
export const rand = (shape: readonly number[], options: RandomOptions = {}): Tensor =>
  drawn((d) => new Tensor(opRand(shape, options.generator?.native, code(options.dtype), undefined, d)), options);

/** Uniform integers in [low, high), `[...shape]`, int64 unless said. */
export const randint = (shape: readonly number[], options: RandomOptions & { low?: number; high: number }): Tensor =>
  drawn(
    (d) =>
      new Tensor(
        opRandint(
          options.low ?? 0,
          options.high,
          shape,
          options.generator?.native,
          dtypeCode(options.dtype ?? "int64"),
          undefined,
          d,
        ),
      ),
    options,
  );

/** A random order of 0 … n - 1, int64. */
export const randperm = (n: number, options: RandomOptions = {}): Tensor =>
  drawn(
    (d) => new Tensor(opRandperm(n, options.generator?.native, dtypeCode(options.dtype ?? "int64"), undefined, d)),
    options,
  );

const NATURAL: readonly [new (n: number) => TypedArray, DType][] = [
  [Float32Array, "float32"],
  [Float64Array, "float64"],
  [BigInt64Array, "int64"],
  [Int32Array, "int32"],
  [Int16Array, "int16"],
  [Int8Array, "int8"],
  [Uint8Array, "uint8"],
];
type Nested = number | readonly Nested[];
/** What each integer type holds; a cast would cut 1.9 to 1 and 256 to 0 without a word. */
const RANGES: Partial<Record<DType, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

function shapeOf(data: Nested): number[] {
  const shape: number[] = [];
  for (let d = data; Array.isArray(d); d = d[0] as Nested) shape.push(d.length);
  return shape;
}
function flatten(data: Nested, shape: readonly number[], into: number[], depth = 0): void {
  if (typeof data === "number") {
    if (depth !== shape.length) throw invalid("data", "an array with rows of equal length", data);
    into.push(data);
    return;
  }
  if (!Array.isArray(data)) throw invalid("data", "numbers", data);
  if (data.length !== shape[depth]) throw invalid("data", "an array with rows of equal length", data);
  for (const d of data) flatten(d, shape, into, depth + 1);
}

/**
 * A tensor with a copy of `data`: a typed array (its own dtype; `Uint16Array` needs float16 or bfloat16 and holds
 * bits), a number, or nested arrays of numbers (float32 unless said).
 */
export function tensor(
  data: Nested | TypedArray,
  { shape, dtype, device }: TensorOptions & { shape?: readonly number[] } = {},
): Tensor {
  const made = ArrayBuffer.isView(data)
    ? fromTyped(data, shape ?? [data.length], dtype)
    : fromNumbers(data, shape, dtype);
  if (device === undefined || device === "cpu") return made;
  const moved = made.to({ device });
  made.dispose();
  return moved;
}

function fromTyped(data: TypedArray, shape: readonly number[], dtype: DType | undefined): Tensor {
  const own = NATURAL.find(([T]) => data instanceof T)?.[1];
  const bits = data instanceof Uint16Array && (dtype === "float16" || dtype === "bfloat16") ? dtype : own;
  const stored = dtype === "bool" && own === "uint8" ? "bool" : bits;
  if (stored === undefined) throw invalid("data", "a typed array of a supported element type", data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const made = new Tensor(native.fromBytes(bytes, shape, dtypeCode(stored)));
  if (dtype === undefined || dtype === stored) return made;
  const cast = made.to(dtype);
  made.dispose();
  return cast;
}

function fromNumbers(data: Nested, shape: readonly number[] | undefined, dtype: DType = "float32"): Tensor {
  const numbers: number[] = [];
  const own = shapeOf(data);
  flatten(data, own, numbers);
  const range = RANGES[dtype];
  const wrong = range && numbers.find((n) => !Number.isInteger(n) || n < range[0] || n > range[1]);
  if (wrong !== undefined) throw invalid("data", `integers from ${range?.[0]} to ${range?.[1]} (${dtype})`, wrong);
  if (dtype === "int64") return fromTyped(BigInt64Array.from(numbers, BigInt), shape ?? own, dtype);
  const wide = dtype === "float32" ? Float32Array.from(numbers) : Float64Array.from(numbers);
  return fromTyped(wide, shape ?? own, dtype);
}
