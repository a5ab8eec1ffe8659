import { invalid } from "./errors.js";
import { native } from "./native.js";
import { handlesOf, optionalHandlesOf, Tensor } from "./tensor.js";

/**
 * Adds the gradient of a scalar to the `grad` of every leaf that it depends on.
 *
 * @param gradOutput gradient with respect to `output` when that is no scalar, of its shape
 */
export function backward(
  output: Tensor,
  { gradOutput, retainGraph = false }: { gradOutput?: Tensor; retainGraph?: boolean } = {},
): void {
  native.backward(handlesOf([output]), gradOutput === undefined ? null : handlesOf([gradOutput]), retainGraph);
}

/** `backward` of several outputs at once; a null gradient stands for 1 of a scalar. */
export function backwardAll(outputs: readonly Tensor[], gradOutputs: readonly (Tensor | null)[]): void {
  native.backward(handlesOf(outputs), optionalHandlesOf(gradOutputs));
}

/**
 * Gradients of the sum of `outputs` with respect to `inputs`; nothing is added to any `grad`. Null where an input was
 * not used, if `allowUnused`.
 */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  {
    gradOutputs,
    retainGraph = false,
    createGraph = false,
    allowUnused = false,
  }: {
    gradOutputs?: readonly (Tensor | null)[];
    retainGraph?: boolean;
    createGraph?: boolean;
    allowUnused?: boolean;
  } = {},
): (Tensor | null)[] {
  const given = gradOutputs === undefined ? null : optionalHandlesOf(gradOutputs);
  return native
    .grad(handlesOf(outputs), handlesOf(inputs), given, retainGraph || createGraph, createGraph, allowUnused)
    .map((h) => (h === 0 ? null : new Tensor(h)));
}

function withGrad<T>(enabled: boolean, body: () => T): T {
  const before = native.setGradEnabled(enabled);
  try {
    const result = body();
    if (typeof (result as { then?: unknown } | null | undefined)?.then === "function")
      throw invalid(enabled ? "enableGrad" : "noGrad", "a synchronous function", result);
    return result;
  } finally {
    native.setGradEnabled(before);
  }
}

/** Runs `body` without recording operations for differentiation. Synchronous only. */
export function noGrad<T>(body: () => T): T {
  return withGrad(false, body);
}

/** Runs `body` with recording on, also inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGrad(true, body);
}
