import type { UnetConfig } from "@stillframe/diffusion";
import type { MachineSpeed } from "./machine-speed.js";
import type { StepShape } from "./memory.js";
import { unetCost } from "./unet-cost.js";

/**
 * How often the forward pass's operations are done in a step. Of a frozen layer only its input's gradient is computed,
 * which costs what the forward pass did; both factors of an attention product want theirs. Trained weights cost once more.
 */
const PASSES = { frozen: 2, attention: 3, full: 3 } as const;
/** How often what is kept for the backward pass is read or written by operations that do little else. */
const TRAFFIC = 6;
/** An operator with a backward pass, called from TypeScript, takes so many times what a bare one takes to be started. */
const CALL = 5;
/** What other shapes, copies into the kernels' layouts and backward kernels take over the shapes that were measured. */
const SLOWER = 1.5;

/** Seconds of a training step on one micro-batch. Measured against real steps: see `preflight.test.ts`. */
export function stepSeconds(config: UnetConfig, shape: StepShape, speed: MachineSpeed): number {
  const { parts, operations } = unetCost(config, shape);
  const again = shape.checkpointing ? 1 : 0;
  const passes = (shape.trained === "all" ? PASSES.full : PASSES.frozen) + again;
  const { convolution, matrix, attention } = operations;
  const arithmetic =
    (passes * convolution) / speed.convolution +
    (passes * matrix + (PASSES.attention + again) * attention) / speed.matrix;
  const kept = parts.reduce((n, p) => n + p.saved, 0) * shape.elementBytes;
  const traffic = ((TRAFFIC + 2 * again) * kept) / speed.stream;
  const calls = parts.reduce((n, p) => n + p.operators, 0) * (1 + again / 2);
  return SLOWER * (arithmetic + traffic) + calls * CALL * speed.overhead;
}
