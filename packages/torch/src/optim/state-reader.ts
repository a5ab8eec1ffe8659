import type { DType } from "../dtype.js";
import { invalid } from "../errors.js";
import { keep } from "../scope.js";
import type { Device, Tensor } from "../tensor.js";
import type { OptimizerState } from "./optimizer.js";

/** Takes an optimizer's state apart, key by key: what is missing, of another form or left over is an error. */
export class StateReader {
  private readonly state: OptimizerState;
  private readonly left: Set<string>;

  constructor(state: OptimizerState) {
    this.state = state;
    this.left = new Set([...Object.keys(state.numbers), ...state.tensors.keys()]);
  }

  has(key: string): boolean {
    return this.left.has(key);
  }

  /** @param expected what the number has to be, in words */
  number(key: string, expected: string, fits: (n: number) => boolean): number {
    const n = this.state.numbers[key];
    if (typeof n !== "number" || !fits(n)) throw invalid(key, expected, n);
    this.left.delete(key);
    return n;
  }

  /** The number of steps taken. */
  steps(key: string, { from }: { from: number }): number {
    return this.number(key, `an integer from ${from}`, (n) => Number.isSafeInteger(n) && n >= from);
  }

  /** A tensor as it was saved; its element type is part of what it says. */
  tensor(key: string, { shape, dtype }: { shape: readonly number[]; dtype: DType }): Tensor {
    const t = this.state.tensors.get(key);
    if (t?.shape.join() !== shape.join()) throw invalid(key, `a tensor of shape [${shape.join(", ")}]`, t?.shape);
    if (t.dtype !== dtype) throw invalid(`the element type of ${key}`, dtype, t.dtype);
    this.left.delete(key);
    return t;
  }

  /** @param what whose state it is, in words */
  done(what: string): void {
    for (const stray of this.left) throw invalid("optimizer state", `the state of ${what}`, stray);
  }
}

/** A copy that an optimizer owns. */
export const ownCopy = (t: Tensor, device: Device): Tensor => keep(t.to({ device, copy: true }));
