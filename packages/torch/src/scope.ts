import { DisposedError, invalid } from "./errors.js";
import { native } from "./native.js";
import { Tensor } from "./tensor.js";

const NOTHING: ReadonlySet<Tensor> = new Set();

function collect(value: unknown, into: Set<Tensor>, seen: Set<object>): void {
  if (typeof value !== "object" || value === null || seen.has(value)) return;
  if (value instanceof Tensor) {
    into.add(value);
    return;
  }
  seen.add(value);
  if (Array.isArray(value)) for (const v of value) collect(v, into, seen);
  else if (value instanceof Map || value instanceof Set) for (const v of value.values()) collect(v, into, seen);
  else if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
    for (const v of Object.values(value)) collect(v, into, seen);
}

function tensorsIn(value: unknown): ReadonlySet<Tensor> {
  if (typeof value !== "object" || value === null) return NOTHING;
  const found = new Set<Tensor>();
  collect(value, found, new Set());
  return found;
}

let buffer = new Int32Array(1024);

/** Frees all but those that are kept or returned. */
function free(list: readonly Tensor[], kept: ReadonlySet<Tensor>, returned: ReadonlySet<Tensor>): void {
  if (buffer.length < list.length) buffer = new Int32Array(list.length * 2);
  let n = 0;
  for (const t of list) {
    if (t.handle === 0 || kept.has(t) || returned.has(t)) continue;
    buffer[n++] = t.handle;
    t.handle = 0;
  }
  native.disposeMany(buffer, n);
}

/** Tensors that `keep` took out of the scopes while they were open. */
const keepers: Set<Tensor>[] = [];

/**
 * Runs `body` and frees every tensor made inside, except those in its result (a tensor, or arrays, maps, sets and
 * plain objects of them) and those given to `keep`. An exception frees all of them.
 *
 * @throws InvalidArgumentError when `body` returns a promise: what runs later would find its tensors freed
 * @example const loss = scope(() => mseLoss(model.forward(x), y).item());
 */
export function scope<T>(body: () => T): T {
  const made: Tensor[] = [];
  const around = Tensor.enter(made);
  const kept = new Set<Tensor>();
  keepers.push(kept);
  let result: T;
  let returned = NOTHING;
  try {
    result = body();
    if (typeof (result as { then?: unknown } | null | undefined)?.then === "function")
      throw invalid("scope", "a synchronous function", result);
    returned = tensorsIn(result);
  } catch (e) {
    leave(around);
    free(made, kept, NOTHING);
    throw e;
  }
  leave(around);
  free(made, kept, returned);
  if (returned.size > 0) for (const t of made) if (returned.has(t) && !kept.has(t) && t.handle !== 0) Tensor.adopt(t);
  return result;
}

function leave(around: Tensor[] | null): void {
  keepers.pop();
  Tensor.enter(around);
}

/**
 * Takes a tensor out of all open scopes: its new owner disposes it. For state that outlives a step, as an optimizer's.
 */
export function keep(tensor: Tensor): Tensor {
  if (tensor.disposed) throw new DisposedError("keep: the tensor given was disposed");
  for (const kept of keepers) kept.add(tensor);
  tensor.release();
  return tensor;
}

/** Tensors alive in this environment, aliases counted one by one. Equal before and after a step that leaks nothing. */
export function liveTensors(): number {
  return native.liveTensors();
}
