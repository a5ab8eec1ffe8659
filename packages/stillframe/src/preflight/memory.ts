import type { UnetConfig } from "@stillframe/diffusion";
import { unetCost, type UnetCostInput } from "./unet-cost.js";

/** The shape of a training step. */
export interface StepShape extends UnetCostInput {
  checkpointing: boolean;
  /** bytes of one number of the computation */
  elementBytes: number;
}

/**
 * Memory that exists for a moment on top of what is kept: gradients of the largest activation and of its neighbours, and
 * the workspace of a convolution. Measured: see `preflight.test.ts`.
 */
const MOMENT_FACTOR = 4;

/** Bytes of activations at the worst moment of a step. */
export function activationBytes(config: UnetConfig, shape: StepShape): number {
  const { parts, firstTrained } = unetCost(config, shape);
  const trained = parts.slice(firstTrained);
  const saved = trained.map((p) => p.saved);
  const moment = MOMENT_FACTOR * Math.max(...parts.map((p) => p.largest));
  const kept = shape.checkpointing
    ? parts.reduce((n, p) => n + p.output, 0) + Math.max(...saved)
    : saved.reduce((n, s) => n + s, 0);
  return (kept + moment) * shape.elementBytes;
}

/** Bytes of what is trained: values, gradients and the optimizer's moments, all in float32 but for 8-bit moments. */
export function trainedBytes(
  parameters: number,
  { use8bitAdam, ema }: { use8bitAdam: boolean; ema: boolean },
): { values: number; gradients: number; optimizer: number; ema: number } {
  // two moments; in 8 bits a byte each, and a scale for each block
  const optimizer = parameters * (use8bitAdam ? 2.1 : 8);
  return { values: parameters * 4, gradients: parameters * 4, optimizer, ema: ema ? parameters * 4 : 0 };
}
