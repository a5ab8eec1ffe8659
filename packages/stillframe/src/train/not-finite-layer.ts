import { firstNotFinite } from "../watch/first-not-finite.js";
import { type MicroBatch, microBatchLoss, type StepState } from "./train-step.js";

/** Where NaN or infinity begins in a step that failed, as the end of its message; the forward pass runs once more. */
export function whereNotFinite(
  { model, settings }: StepState,
  batches: readonly MicroBatch[],
  { step }: { step: number },
): string {
  const [one, two] = model.textEncoders;
  const parts = { unet: model.unet, text_encoder: one, text_encoder_2: two };
  for (const [micro, batch] of batches.entries()) {
    const found = firstNotFinite(
      parts,
      () => microBatchLoss(model, batch, settings, { purpose: "noise", at: [step, micro] }).loss,
    );
    if (found === null) continue;
    const damaged = found.weightsFinite ? "" : ", whose weights are not finite: the model's file may be damaged";
    return `. The first layer that made it so is ${found.path}${damaged}`;
  }
  return "";
}
