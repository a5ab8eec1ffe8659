import type { UnetConfig } from "@stillframe/diffusion";
import { type UnetCostInput, unetCost } from "./unet-cost.js";

/** The shape of a training step. */
export interface StepShape extends UnetCostInput {
  checkpointing: boolean;
  /** bytes of one number of the computation */
  elementBytes: number;
}

/** How a device's allocator uses memory. Measured on random models: see `preflight.test.ts`. */
export interface AllocatorHabits {
  /** what the first step takes for kernels and their workspaces, whatever the model */
  base: number;
  /** taken over asked for: holes between blocks that are freed and blocks that stay */
  holes: number;
}

export const CPU_HABITS: AllocatorHabits = { base: 30e6, holes: 1.45 };
/** CUDA's context and libraries, and its caching allocator (not measured here). */
export const GPU_HABITS: AllocatorHabits = { base: 700e6, holes: 1.15 };

/** What exists for a moment beside what is kept, in units of the largest activation: it, its gradient and workspaces. */
const MOMENT = 4;

/** Bytes of activations at the worst moment of a step. */
export function activationBytes(config: UnetConfig, shape: StepShape, habits: AllocatorHabits): number {
  const { parts, firstTrained } = unetCost(config, shape);
  const saved = parts.slice(firstTrained).map((p) => p.saved);
  const kept = shape.checkpointing
    ? parts.reduce((n, p) => n + p.output, 0) + Math.max(0, ...saved)
    : saved.reduce((n, s) => n + s, 0);
  const moment = MOMENT * Math.max(...parts.map((p) => p.largest));
  return habits.base + (habits.holes * kept + moment) * shape.elementBytes;
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
