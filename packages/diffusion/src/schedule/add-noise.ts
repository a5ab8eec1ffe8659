import { type Tensor, tensor } from "@stillframe/torch";
import { invalid, ShapeError } from "@stillframe/torch/errors";
import type { NoiseLevel } from "./noise-level.js";

/**
 * The forward process, `alpha · x0 + sigma · noise`: `x0 [b, ...]`, `noise [b, ...]`, one level a sample → float32
 * `[b, ...]`.
 *
 * In float32 whatever the inputs are: in bfloat16 sigma is 0 at the first timesteps and wrong by percents further on.
 */
export function addNoise(x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
  const { alpha, sigma } = columns(x0, noise, levels);
  return x0.to("float32").mul(alpha).add(noise.to("float32").mul(sigma));
}

/**
 * The target of v-prediction, `alpha · noise - sigma · x0`, in float32; shapes as in `addNoise`. Salimans and Ho 2022,
 * "Progressive Distillation for Fast Sampling of Diffusion Models", appendix D.
 */
export function velocity(x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): Tensor {
  const { alpha, sigma } = columns(x0, noise, levels);
  return noise.to("float32").mul(alpha).sub(x0.to("float32").mul(sigma));
}

/** The levels as float32 `[b, 1, ...]`, to multiply `[b, ...]` with. */
function columns(x0: Tensor, noise: Tensor, levels: readonly NoiseLevel[]): { alpha: Tensor; sigma: Tensor } {
  const { shape } = x0;
  if (shape.join() !== noise.shape.join())
    throw new ShapeError(`expected shape [${shape.join(", ")}] for noise but received [${noise.shape.join(", ")}]`);
  if (levels.length !== shape[0]) throw invalid("levels", `${shape[0]} noise levels`, `${levels.length} of them`);
  const column = (values: number[]) =>
    tensor(values, { shape: shape.map((n, axis) => (axis === 0 ? n : 1)), dtype: "float32", device: x0.device });
  return { alpha: column(levels.map((l) => l.alpha)), sigma: column(levels.map((l) => l.sigma)) };
}
