import { noGrad } from "../autograd.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** Below this many numbers a weight is not worth it. */
export const WORTH_NARROWING = 1 << 14;
/** Numbers that are tried before the whole weight is. */
const TRIED = 4096;

const survives = (wide: Tensor, half: Tensor): boolean => half.to("float32").equal(wide);

/** Whether the first few thousand numbers of a float32 weight can be written in half precision: a quick guess at all of them. */
export function seemsNarrow(weight: Tensor): boolean {
  return noGrad(() =>
    scope(() => {
      const first = weight.flatten().narrow(0, 0, Math.min(TRIED, weight.numel));
      return survives(first, first.to("float16"));
    }),
  );
}

/**
 * A float32 weight in half precision, if every one of its numbers can be written so: published weights are often half
 * precision in a float32 file (SDXL base 1.0 was released in float16). Half the memory, and the same bits when widened.
 *
 * @returns null when a number would change
 */
export function narrowedWeight(weight: Tensor): Tensor | null {
  if (!seemsNarrow(weight)) return null;
  return noGrad(() =>
    scope(() => {
      const half = weight.to("float16");
      return survives(weight, half) ? half : null;
    }),
  );
}
