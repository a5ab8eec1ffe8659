import { type Sdxl, textToImage, vaeFactor } from "@stillframe/diffusion";
import { Generator, noGrad, scope, type Tensor } from "@stillframe/torch";

/** How pictures for a sheet are drawn unless said otherwise. */
const STEPS = 20;
const GUIDANCE = 4;

/** Pictures of prompts from the seeds `seed`, `seed + 1` and so on: `[n, 3, h, w]` about [-1, 1]. */
export function drawPrompts(
  model: Sdxl,
  prompts: readonly string[],
  { seed = 0, steps = STEPS, guidanceScale = GUIDANCE }: { seed?: number; steps?: number; guidanceScale?: number } = {},
): Tensor {
  const side = model.unet.config.sampleSize * vaeFactor(model.vae.config);
  const generators = prompts.map((_, i) => new Generator(seed + i));
  const run = textToImage(model, { prompts, height: side, width: side, steps, guidanceScale, generators });
  let next = run.next();
  while (!next.done) next = run.next();
  const latents = next.value;
  try {
    return noGrad(() => scope(() => model.vae.decode(latents)));
  } finally {
    latents.dispose();
  }
}
