import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Vae } from "@stillframe/diffusion";
import { Generator, noGrad, randn, scope, stack, type Tensor } from "@stillframe/torch";
import sharp from "sharp";
import { EVALUATOR_SIZE } from "./evaluator.js";
import { Random } from "./random.js";
import { PixelStore } from "./training/pixel-store.js";

const BATCH = 16;

/**
 * Writes what an autoencoder makes of a folder of drawings into another folder, with the same names and labels: pictures
 * as a diffusion model can draw them at best. Half of them come from latents with noise on them, as a model's latents are
 * not quite right either.
 *
 * @param options.noise largest deviation of that noise in scaled latents, whose own is about 1; 0 for none
 */
export async function writeReconstructions(
  folder: string,
  output: string,
  { vae, noise, seed }: { vae: Vae; noise: number; seed: number },
): Promise<void> {
  const metadata = join(output, "metadata.jsonl");
  if (existsSync(metadata)) return;
  mkdirSync(output, { recursive: true });
  const store = await PixelStore.read(folder, { size: EVALUATOR_SIZE });
  for (let from = 0; from < store.count; from += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, store.count - from) }, (_, i) => from + i);
    const bytes = reconstructed(store.batch(indices), { vae, seed, deviations: indices.map((i) => deviation(i)) });
    const size = { width: EVALUATOR_SIZE, height: EVALUATOR_SIZE, channels: 3 } as const;
    const each = bytes.length / indices.length;
    await Promise.all(
      indices.map((index, i) =>
        sharp(bytes.subarray(i * each, (i + 1) * each), { raw: size })
          .png({ compressionLevel: 3 })
          .toFile(join(output, (store.rows[index] as { file_name: string }).file_name)),
      ),
    );
  }
  writeFileSync(`${metadata}.part`, `${store.rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
  renameSync(`${metadata}.part`, metadata);

  function deviation(index: number): number {
    const random = new Random(`reconstruction/${seed}/${index}`);
    return random.chance(0.5) ? 0 : random.between(0, noise);
  }
}

/** Pictures `[b, 3, h, w]` in [-1, 1] → bytes `[b, h, w, 3]` of what comes back from their latents. */
function reconstructed(
  x: Tensor,
  { vae, seed, deviations }: { vae: Vae; seed: number; deviations: readonly number[] },
): Uint8Array {
  const bytes = noGrad(() =>
    scope(() => {
      const z = vae.encode(x).mean.mul(vae.config.scalingFactor);
      const generator = new Generator(seed);
      const shape = z.shape.slice(1);
      const noise = stack(deviations.map((sigma) => randn(shape, { generator }).mul(sigma)));
      const y = vae.decode(z.add(noise)).add(1).mul(127.5).round().clamp(0, 255);
      return y.permute(0, 2, 3, 1).contiguous().to("uint8").data() as Uint8Array;
    }),
  );
  x.dispose();
  return bytes;
}
