import { setImmediate } from "node:timers/promises";
import {
  decodeLatents,
  type NoiseSchedule,
  type Sampler,
  type Sdxl,
  type TextToImageOptions,
  textToImage,
} from "@stillframe/diffusion";
import { Generator, noGrad, scope, type Tensor } from "@stillframe/torch";
import { NotFiniteError } from "../train/not-finite-error.js";

/** One picture to be drawn. */
export interface Drawing {
  prompt: string;
  /** null is no negative prompt, which is not the empty one */
  negativePrompt: string | null;
  /** both prompts as embeddings, where they are known already */
  embeddings?: TextToImageOptions["embeddings"];
  seed: number;
  height: number;
  width: number;
  steps: number;
  guidanceScale: number;
  guidanceRescale: number;
  sampler: Sampler;
  schedule: NoiseSchedule;
  /** 77-token pieces that the prompt may have */
  pieces: number;
  /** decode in overlapping tiles */
  vaeTiling?: boolean;
}

/** An RGB picture, row by row. */
export interface Raster {
  width: number;
  height: number;
  data: Uint8Array;
}

/** `[1, 3, h, w]` about [-1, 1] → bytes; values beyond are cut off. */
export function toRaster(image: Tensor): Raster {
  const { height, width } = image.dims("1 3 height width");
  return scope(() => {
    const bytes = image.to({ dtype: "float32", device: "cpu" }).mul(127.5).add(127.5).clamp(0, 255).round().to("uint8");
    return { width, height, data: bytes.select(0, 0).permute(1, 2, 0).contiguous().data() as Uint8Array };
  });
}

/**
 * Draws one picture, giving way to other work (a signal, a progress bar) after every step.
 *
 * @returns the picture; null when `signal` ended it
 * @throws NotFiniteError when latents or picture are NaN or infinite
 */
export async function* drawPicture(
  model: Sdxl,
  d: Drawing,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<number, Raster | null, void> {
  const run = textToImage(model, {
    prompts: [d.prompt],
    negativePrompts: d.negativePrompt === null ? undefined : [d.negativePrompt],
    embeddings: d.embeddings,
    height: d.height,
    width: d.width,
    steps: d.steps,
    guidanceScale: d.guidanceScale,
    guidanceRescale: d.guidanceRescale,
    sampler: d.sampler,
    schedule: d.schedule,
    generators: [new Generator(d.seed)],
    chunks: d.pieces,
  });
  let result = run.next();
  for (; !result.done; result = run.next()) {
    yield result.value.step + 1;
    await setImmediate();
    if (signal?.aborted) {
      run.return(undefined as never);
      return null;
    }
  }
  const latents = result.value;
  try {
    return decode(model, latents, d);
  } finally {
    latents.dispose();
  }
}

function decode(model: Sdxl, latents: Tensor, d: Drawing): Raster {
  const { dtype, device } = model.vae.decoder.convIn.weight;
  return noGrad(() =>
    scope(() => {
      const finite = (t: Tensor, what: string, advice: string) => {
        if (!t.isfinite().all().item()) throw new NotFiniteError(`${what} of seed ${d.seed}`, advice);
      };
      finite(latents, "the latents", "lower --guidance_scale, or use --mixed_precision=bf16 in place of fp16");
      const image = decodeLatents(model.vae, latents.to({ dtype, device }), { tiling: d.vaeTiling });
      finite(image, "the decoded picture", "use a VAE that is safe in half precision (sdxl-vae-fp16-fix)");
      return toRaster(image);
    }),
  );
}
