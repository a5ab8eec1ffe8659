import { type Dims, matchDims } from "./dims.js";
import { type DType, dtypeCode, dtypeName, isFloating } from "./dtype.js";
import { invalid } from "./errors.js";
import { bind, type Handle, native } from "./native.js";

/** Where a tensor lives. */
export type Device = "cpu" | "cuda" | "meta" | "mps" | `cuda:${number}`;

/** What `Tensor.data` gives for each element type; 16-bit floats come as their bits. */
export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

const VIEWS: Readonly<Record<DType, (b: ArrayBuffer) => TypedArray>> = {
  float32: (b) => new Float32Array(b),
  float64: (b) => new Float64Array(b),
  int64: (b) => new BigInt64Array(b),
  int32: (b) => new Int32Array(b),
  int16: (b) => new Int16Array(b),
  int8: (b) => new Int8Array(b),
  uint8: (b) => new Uint8Array(b),
  bool: (b) => new Uint8Array(b),
  float16: (b) => new Uint16Array(b),
  bfloat16: (b) => new Uint16Array(b),
};

const toLayout = bind("to", "dtype_layout");
const itemOf = bind("item");

/** Tensors of the innermost open `scope`; null outside every scope. */
let open: Tensor[] | null = null;

/** Frees what no scope owns once the collector finds it. A net, not the rule: a synchronous loop never reaches it. */
const net = new FinalizationRegistry<{ handle: Handle; bytes: number }>(({ handle, bytes }) => {
  native.dispose(handle);
  native.adjustMemory(-bytes);
});

/**
 * An n-dimensional array in native memory, one counted alias of an `at::Tensor`.
 *
 * Freed by the end of the innermost `scope` in which it was made, by `dispose` (or `using`), or at last by the
 * collector. Operators are methods with ATen's names in camelCase; those that end in an underscore work in place.
 */
export class Tensor {
  /** The native table's index, 0 once disposed. Not for use outside this package. */
  handle: Handle;
  private bytes = 0;
  private caught = false;

  /** @internal Takes over a handle. Use `tensor`, `zeros` and the like. */
  constructor(handle: Handle) {
    this.handle = handle;
    if (open !== null) open.push(this);
    else this.release();
  }

  /** @internal Belongs to no scope from here on: the collector's net holds it. */
  release(): void {
    if (this.caught) return;
    this.caught = true;
    this.bytes = native.ownedBytes(this.handle);
    if (this.bytes > 0) native.adjustMemory(this.bytes);
    net.register(this, { handle: this.handle, bytes: this.bytes }, this);
  }

  /** Frees this alias; the memory goes with the last one. Twice is harmless. */
  dispose(): void {
    if (this.handle === 0) return;
    native.dispose(this.handle);
    this.handle = 0;
    this.uncatch();
  }

  private uncatch(): void {
    if (!this.caught) return;
    this.caught = false;
    net.unregister(this);
    if (this.bytes > 0) native.adjustMemory(-this.bytes);
    this.bytes = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get disposed(): boolean {
    return this.handle === 0;
  }
  get shape(): number[] {
    return native.shape(this.handle);
  }
  get strides(): number[] {
    return native.strides(this.handle);
  }
  get rank(): number {
    return native.shape(this.handle).length;
  }
  /** Number of elements. */
  get numel(): number {
    return native.shape(this.handle).reduce((n, d) => n * d, 1);
  }
  get dtype(): DType {
    return dtypeName(native.dtype(this.handle));
  }
  get device(): Device {
    return native.device(this.handle) as Device;
  }
  /** Length of one axis; negative counts from the end. */
  size(dim: number): number {
    const shape = this.shape;
    const n = shape[dim < 0 ? dim + shape.length : dim];
    if (n === undefined) throw invalid("dim", `an integer from ${-shape.length} to ${shape.length - 1}`, dim);
    return n;
  }

  /**
   * Checks the shape and names its axes: `const { b, t } = x.dims("b t 2048")`. Integers must match, equal names
   * must agree, `_` matches anything.
   *
   * @throws ShapeError `expected shape [b, t, 2048] but received [2, 77, 768]`
   */
  dims<S extends string>(pattern: S): Dims<S> {
    return matchDims(this.shape, pattern);
  }

  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }
  /** Records operations on this leaf from here on (or no longer). */
  requiresGrad_(value = true): this {
    native.setRequiresGrad(this.handle, value);
    return this;
  }
  /** The accumulated gradient, a new alias each time it is read; null when there is none. */
  get grad(): Tensor | null {
    const g = native.getGrad(this.handle);
    return g === 0 ? null : new Tensor(g);
  }
  set grad(value: Tensor | null) {
    native.setGrad(this.handle, value === null ? null : value.handle);
  }

  /** Another element type or device; this tensor's alias if nothing changes. */
  to(target: DType | { dtype?: DType; device?: Device; channelsLast?: boolean; copy?: boolean }): Tensor {
    const o = typeof target === "string" ? { dtype: target } : target;
    const dtype = o.dtype === undefined ? undefined : dtypeCode(o.dtype);
    const format = o.channelsLast ? "channelsLast" : undefined;
    return new Tensor(toLayout(this.handle, dtype, undefined, o.device, undefined, false, o.copy ?? false, format));
  }

  /** The one element of a one-element tensor. Waits for the device. */
  item(): number {
    return Number(itemOf(this.handle));
  }

  /** A copy of the elements in C order, in the typed array of the dtype (int64 as bigint, 16-bit floats as bits). */
  data(): TypedArray {
    return VIEWS[this.dtype](native.toBytes(this.handle).buffer as ArrayBuffer);
  }

  /** A copy of the elements of a floating-point tensor as float32, in C order. */
  floats(): Float32Array {
    const { dtype } = this;
    if (!isFloating(dtype)) throw invalid("tensor", "a floating-point tensor", dtype);
    if (dtype === "float32") return this.data() as Float32Array;
    const wide = toLayout(this.handle, dtypeCode("float32"));
    try {
      return new Float32Array(native.toBytes(wide).buffer as ArrayBuffer);
    } finally {
      native.dispose(wide);
    }
  }

  /** A copy of the elements as ordinary numbers, in C order. */
  toArray(): number[] {
    const { dtype } = this;
    if (dtype === "float16" || dtype === "bfloat16") return Array.from(this.floats());
    return Array.from(this.data() as ArrayLike<number | bigint>, Number);
  }

  toString(): string {
    return this.handle === 0 ? "Tensor(disposed)" : `Tensor(${this.dtype}[${this.shape.join(", ")}] on ${this.device})`;
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** @internal The scope that closes gives this tensor to the one around it. */
  static adopt(tensor: Tensor): void {
    if (open !== null) open.push(tensor);
    else tensor.release();
  }
  /** @internal Opens a scope and gives back the one around it. */
  static enter(list: Tensor[] | null): Tensor[] | null {
    const before = open;
    open = list;
    return before;
  }
  /** @internal Whether a scope is open. */
  static get inScope(): boolean {
    return open !== null;
  }
}

/** The handles of a list, as the addon takes them. */
export function handlesOf(tensors: readonly Tensor[]): Int32Array {
  const out = new Int32Array(tensors.length);
  for (let i = 0; i < tensors.length; i++) out[i] = (tensors[i] as Tensor).handle;
  return out;
}

/** Like `handlesOf`, with -1 for "none". */
export function optionalHandlesOf(tensors: readonly (Tensor | null)[]): Int32Array {
  const out = new Int32Array(tensors.length);
  for (let i = 0; i < tensors.length; i++) out[i] = tensors[i]?.handle ?? -1;
  return out;
}

/** Tensors over new handles. */
export function wrapAll(handles: readonly Handle[]): Tensor[] {
  return handles.map((h) => new Tensor(h));
}
