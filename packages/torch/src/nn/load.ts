import type { DType } from "../dtype.js";
import type { Device, Tensor } from "../tensor.js";
import { type Module, replaceWeight, type WeightSlot } from "./module.js";

/** A checkpoint does not fit a model; every difference is listed. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly wrongShape: readonly string[];
  constructor(
    source: string,
    missing: readonly string[],
    unexpected: readonly string[],
    wrongShape: readonly string[],
  ) {
    const list = (title: string, keys: readonly string[]) =>
      keys.length === 0
        ? ""
        : `\n  ${title} (${keys.length}): ${keys.slice(0, 8).join(", ")}${keys.length > 8 ? ", …" : ""}`;
    super(
      `${source} does not fit the model:${list("missing", missing)}${list("unexpected", unexpected)}${list("wrong shape", wrongShape)}`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.wrongShape = wrongShape;
  }
}

/**
 * Gives a module its weights; strict both ways. Tensors that need no other element type or device are taken as they
 * are (a mapped file stays mapped), and the module owns them then.
 *
 * @param source what the error calls the weights, usually the file
 * @throws WeightsError listing missing, unexpected and wrong-shaped keys in one go; the module is unchanged then
 */
export function loadWeights(
  module: Module,
  weights: ReadonlyMap<string, Tensor>,
  { source = "the checkpoint", dtype, device }: { source?: string; dtype?: DType; device?: Device } = {},
): void {
  const slots = [...module.weights()];
  const known = new Set(slots.map((s) => s.key));
  const missing = slots.filter((s) => !weights.has(s.key)).map((s) => s.key);
  const unexpected = [...weights.keys()].filter((k) => !known.has(k));
  const wrongShape = slots.flatMap((s) => shapeProblem(s, weights.get(s.key)));
  if (missing.length + unexpected.length + wrongShape.length > 0)
    throw new WeightsError(source, missing, unexpected, wrongShape);
  for (const slot of slots) replaceWeight(slot, converted(weights.get(slot.key) as Tensor, dtype, device));
}

function shapeProblem(slot: WeightSlot, given: Tensor | undefined): string[] {
  if (given === undefined) return [];
  const [want, got] = [slot.tensor.shape.join(", "), given.shape.join(", ")];
  return want === got ? [] : [`${slot.key} (expected [${want}] but received [${got}])`];
}

function converted(tensor: Tensor, dtype: DType | undefined, device: Device | undefined): Tensor {
  const cast = dtype !== undefined && tensor.dtype.includes("float") && tensor.dtype !== dtype;
  const move = device !== undefined && tensor.device !== device;
  if (!cast && !move) return tensor;
  const result = tensor.to({ ...(cast ? { dtype } : {}), ...(move ? { device } : {}) });
  tensor.dispose();
  return result;
}
