import type { TrainOptions } from "@stillframe/schema";
import {
  type Device,
  type DType,
  defaultDevice,
  invalid,
  type Module,
  noGrad,
  replaceWeight,
  widens,
} from "@stillframe/torch";

/** Where a run computes, and in what. */
export interface Precision {
  device: Device;
  /** what frozen weights are rounded to */
  weights: DType;
  /** what UNet and text encoders compute in */
  compute: DType;
  /** element type of the VAE */
  vae: DType;
  /** fp16 gradients need scaling, or small ones vanish */
  scaleLoss: boolean;
}

const DTYPES = { no: "float32", fp16: "float16", bf16: "bfloat16" } as const;

/** The device that `auto` means, or the one asked for. */
export function resolveDevice(device: string): Device {
  if (device === "auto") return defaultDevice();
  if (device.startsWith("cuda") && defaultDevice() === "cpu")
    throw invalid("device", "a device that is there (this libtorch sees no CUDA GPU)", device);
  return device as Device;
}

/**
 * libtorch has no half-precision arithmetic on the CPU. There, fp16 rounds the frozen weights to half and computes in
 * float32: what a GPU's half-precision products with their float32 sums come to, but for the rounding of activations.
 */
export function resolvePrecision(
  options: Pick<TrainOptions, "device" | "mixed_precision" | "pretrained_vae_model_name_or_path">,
): Precision {
  const device = resolveDevice(options.device);
  const weights = DTYPES[options.mixed_precision];
  const compute = device === "cpu" && weights === "float16" ? "float32" : weights;
  // the stock VAE overflows in half precision; one that was given in its place is taken to be safe, as the reference does
  const vae = options.pretrained_vae_model_name_or_path === null ? "float32" : compute;
  return { device, weights, compute, vae, scaleLoss: weights === "float16" };
}

/** Rounds frozen weights to `precision.weights` where they compute in a wider type; layers that widen them keep them so. */
export function roundWeights(model: Module, { weights, compute }: Precision): void {
  if (weights === compute) return;
  noGrad(() => {
    for (const slot of [...model.weights()])
      if (slot.tensor.dtype === compute) {
        const stays = widens(slot);
        const rounded = slot.tensor.to(weights);
        replaceWeight(slot, stays ? rounded : rounded.to(compute));
        if (!stays) rounded.dispose();
      }
  });
}
