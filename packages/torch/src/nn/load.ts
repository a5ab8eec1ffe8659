import type { DType } from "../dtype.js";
import { native } from "../native.js";
import { keep } from "../scope.js";
import type { Device, Tensor } from "../tensor.js";
import { Conv2d } from "./conv2d.js";
import { Linear } from "./linear.js";
import { type Module, replaceWeight, type WeightSlot } from "./module.js";
import { narrowedWeight, WORTH_NARROWING } from "./widened.js";

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

export interface LoadWeightsOptions {
  /** what the error calls the weights, usually the file */
  source?: string;
  dtype?: DType;
  device?: Device;
  /**
   * The weights will not be trained: those of linear and convolutional layers stay in half precision, or are put in it
   * where no number changes thereby, and are widened to `dtype` for each use (see `linearLayer`).
   */
  frozen?: boolean;
}

/**
 * Gives a module its weights; strict both ways. Tensors that need no other element type or device are taken as they
 * are (a mapped file stays mapped), and the module owns them then.
 *
 * @throws WeightsError listing missing, unexpected and wrong-shaped keys in one go; the module is unchanged then
 */
export function loadWeights(
  module: Module,
  weights: ReadonlyMap<string, Tensor>,
  { source = "the checkpoint", dtype, device, frozen = false }: LoadWeightsOptions = {},
): void {
  const slots = [...module.weights()];
  const known = new Set(slots.map((s) => s.key));
  const missing = slots.filter((s) => !weights.has(s.key)).map((s) => s.key);
  const unexpected = [...weights.keys()].filter((k) => !known.has(k));
  const wrongShape = slots.flatMap((s) => shapeProblem(s, weights.get(s.key)));
  if (missing.length + unexpected.length + wrongShape.length > 0)
    throw new WeightsError(source, missing, unexpected, wrongShape);
  for (const slot of slots) {
    const given = weights.get(slot.key) as Tensor;
    const half = frozen && (dtype ?? "float32") === "float32" && widens(slot) ? halfOf(given) : null;
    replaceWeight(slot, converted(half ?? given, half === null ? dtype : undefined, device));
  }
}

/** Whether a layer widens this weight for each use. */
export function widens({ owner, property, tensor }: WeightSlot): boolean {
  const layer: unknown = owner;
  return (
    (layer instanceof Linear || layer instanceof Conv2d) && property === "weight" && tensor.numel >= WORTH_NARROWING
  );
}

/** The weight in half precision, if that is what it is or loses nothing; a mapped file's pages are given back. */
function halfOf(given: Tensor): Tensor | null {
  if (given.dtype === "float16" || given.dtype === "bfloat16") return given;
  if (given.dtype !== "float32") return null;
  const half = narrowedWeight(given);
  if (half === null) return null;
  native.releasePages(given.handle);
  given.dispose();
  return keep(half);
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
