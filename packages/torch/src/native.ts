import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import {
  DisposedError,
  EngineUnavailableError,
  InvalidArgumentError,
  OperatorError,
  OutOfMemoryError,
} from "./errors.js";

/** A tensor's place in the native table; 0 is "none". Only `Tensor` holds one. */
export type Handle = number;
/** A native operator, bound once. Arguments are in the schema's order; tensors are handles, lists are `Int32Array`s. */
// biome-ignore lint/suspicious/noExplicitAny: the generated wrappers give each operator its types
export type NativeOperator = (...args: any[]) => any;

/** One operator's signature as libtorch has it. `kind` is the index in `KINDS` of the generator script. */
export interface OperatorSchema {
  text: string;
  args: { name: string; kind: number; optional: boolean; hasDefault: boolean; keywordOnly: boolean; writes: boolean }[];
  returns: number[];
}

/** What the addon exports. It converts and dispatches; everything that decides is in TypeScript. */
export interface Native {
  bind(name: string, overload: string): NativeOperator | undefined;
  schema(name: string, overload: string): OperatorSchema | undefined;
  backward(
    outputs: Int32Array,
    grads?: Int32Array | null,
    retain?: boolean,
    create?: boolean,
    inputs?: Int32Array | null,
  ): void;
  grad(
    outputs: Int32Array,
    inputs: Int32Array,
    grads?: Int32Array | null,
    retain?: boolean,
    create?: boolean,
    allowUnused?: boolean,
  ): Handle[];
  setGradEnabled(enabled: boolean): boolean;
  getGrad(h: Handle): Handle;
  setGrad(h: Handle, grad: Handle | null): void;
  requiresGrad(h: Handle): boolean;
  setRequiresGrad(h: Handle, value: boolean): void;
  fromBytes(bytes: Uint8Array, shape: readonly number[], dtype: number): Handle;
  toBytes(h: Handle): Uint8Array;
  mapFile(path: string, offsets: number[], shapes: number[][], dtypes: number[]): Handle[];
  releasePages(h: Handle): void;
  shape(h: Handle): number[];
  strides(h: Handle): number[];
  dtype(h: Handle): number;
  device(h: Handle): string;
  dataPointer(h: Handle): number;
  alias(h: Handle): Handle;
  dispose(h: Handle): void;
  disposeMany(handles: Int32Array, count: number): void;
  adjustMemory(bytes: number): void;
  ownedBytes(h: Handle): number;
  liveTensors(): number;
  kernels(): string;
  gatedLinear(x: Handle): Handle;
  /** undefined where libtorch is to do it */
  attention(q: Handle, k: Handle, v: Handle): Handle | undefined;
  /** undefined where libtorch is to do it */
  normedGroups(
    x: Handle,
    shift: Handle | undefined,
    weight: Handle,
    bias: Handle,
    groups: number,
    eps: number,
    activated: boolean,
  ): Handle | undefined;
  linearLayer(x: Handle, weight: Handle, bias: Handle | undefined): Handle;
  convLayer(x: Handle, weight: Handle, bias: Handle | undefined, stride: number, padding: number): Handle;
  adaptedConv2d(
    x: Handle,
    weight: Handle,
    bias: Handle | undefined,
    stride: number,
    padding: number,
    a: Handle,
    b: Handle,
    scale: number,
  ): Handle | undefined;
  adaptedLinear(x: Handle, weight: Handle, bias: Handle | undefined, a: Handle, b: Handle, scale: number): Handle;
  setThreads(n: number): void;
  getThreads(): number;
  generator(seed: bigint | number, device: string): object;
  generatorSeed(generator: object, seed: bigint | number): void;
  getGeneratorState(generator: object): Handle;
  setGeneratorState(generator: object, state: Handle): void;
  deviceCount(device: string): number;
  setTf32(allow: boolean): void;
  setDeterministic(deterministic: boolean): void;
  version(): string;
  buildInfo(): string;
  keepHeap(): boolean;
  trimHeap(): boolean;
  onError(make: (kind: string, message: string, operator: string) => Error): void;
}

const OUT_OF_MEMORY = /out of memory|can't allocate memory|not enough memory/i;

function toError(kind: string, message: string, operator: string): Error {
  if (kind === "disposed") return new DisposedError(`${operator}: ${message}`);
  if (kind === "invalid") return new InvalidArgumentError(`${operator}: ${message}`);
  const text = `${operator}: ${message}`;
  return OUT_OF_MEMORY.test(message) ? new OutOfMemoryError(text, operator) : new OperatorError(text, operator);
}

function load(): Native {
  const path = process.env["STILLFRAME_ADDON"] ?? fileURLToPath(new URL("../build/torch.node", import.meta.url));
  if (!existsSync(path))
    throw new EngineUnavailableError(`the engine is not built (${path} does not exist): run \`npm run setup\``);
  let native: Native;
  try {
    native = createRequire(import.meta.url)(path) as Native;
  } catch (e) {
    const reason = e instanceof Error ? e.message : String(e);
    throw new EngineUnavailableError(
      `the engine at ${path} cannot be loaded: ${reason}\nThe libtorch that it was built on may have moved or changed: run \`npm run setup\` again.`,
      { cause: e },
    );
  }
  native.onError(toError);
  native.keepHeap();
  // Debian's libtorch starts with one thread
  const asked = Number(process.env["STILLFRAME_THREADS"] ?? process.env["OMP_NUM_THREADS"]);
  native.setThreads(Number.isInteger(asked) && asked > 0 ? asked : availableParallelism());
  return native;
}

/** The addon. Loading happens with this module, once for each environment. */
export const native: Native = load();

/**
 * One operator by its ATen name. Where this libtorch has none of that name the function throws when it is called,
 * so that a module which only may use it still loads; ask `hasOperator` first.
 */
export function bind(name: string, overload = ""): NativeOperator {
  const full = overload ? `aten::${name}.${overload}` : `aten::${name}`;
  return (
    native.bind(`aten::${name}`, overload) ??
    (() => {
      throw new OperatorError(`${full}: libtorch ${native.version()} has no such operator`, full);
    })
  );
}

/** Whether this libtorch has an operator. */
export function hasOperator(name: string, overload = ""): boolean {
  return native.bind(`aten::${name}`, overload) !== undefined;
}
