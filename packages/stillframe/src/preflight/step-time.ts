import type { UnetConfig } from "@stillframe/diffusion";
import type { MachineSpeed } from "./machine-speed.js";
import type { StepShape } from "./memory.js";
import { type Operations, unetCost } from "./unet-cost.js";

/**
 * How often the forward pass's operations are done in a step. Of a frozen layer only its input's gradient is computed,
 * which costs what the forward pass did; both factors of an attention product want theirs. Trained weights cost once more.
 */
const PASSES = { frozen: 2, attention: 3, full: 3 } as const;
/** How often what is kept for the backward pass is read or written by operations that do little else. */
const TRAFFIC = 6;
/** Operators of a part, forwards and backwards, for the cost of starting them. */
const OPERATORS_OF_A_PART = 60;

/** Seconds of a training step on one micro-batch. */
export function stepSeconds(config: UnetConfig, shape: StepShape, speed: MachineSpeed): number {
  const { parts, operations } = unetCost(config, shape);
  const passes = (shape.full ? PASSES.full : PASSES.frozen) + (shape.checkpointing ? 1 : 0);
  const attention = PASSES.attention + (shape.checkpointing ? 1 : 0);
  const seconds = ({ convolution, matrix, attention: products }: Operations) =>
    (passes * convolution) / speed.convolution + (passes * matrix) / speed.matrix + (attention * products) / speed.matrix;
  const kept = parts.reduce((n, p) => n + p.saved, 0) * shape.elementBytes;
  const traffic = ((TRAFFIC + (shape.checkpointing ? 2 : 0)) * kept) / speed.stream;
  return seconds(operations) + traffic + parts.length * OPERATORS_OF_A_PART * speed.overhead * (passes / 2);
}
