import { noGrad } from "../autograd.js";
import { invalid } from "../errors.js";
import { foreachMul_, foreachNorm, linalgVectorNorm, stack } from "../functions.generated.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/**
 * Scales all gradients together so that their Euclidean norm is at most `maxNorm`.
 *
 * @returns the norm before; not finite when a gradient is not, and then nothing is scaled
 */
export function clipGradNorm(parameters: readonly Tensor[], maxNorm: number): number {
  if (!(maxNorm > 0)) throw invalid("maxNorm", "a number above 0", maxNorm);
  return noGrad(() =>
    scope(() => {
      const grads = parameters.map((p) => p.grad).filter((g) => g !== null);
      if (grads.length === 0) return 0;
      const norm = linalgVectorNorm(stack(foreachNorm(grads, 2))).item();
      // the small term keeps the quotient finite at norm 0, as PyTorch's clip_grad_norm_ does
      const coefficient = maxNorm / (norm + 1e-6);
      if (Number.isFinite(norm) && coefficient < 1) foreachMul_(grads, coefficient);
      return norm;
    }),
  );
}
