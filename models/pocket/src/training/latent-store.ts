import { existsSync } from "node:fs";
import type { Vae } from "@stillframe/diffusion";
import { cat, noGrad, readSafetensors, scope, type Tensor, writeSafetensors } from "@stillframe/torch";
import type { PixelStore } from "./pixel-store.js";

/** What the autoencoder makes of pictures: mean and deviation of each latent, `[n, 4, h, w]`, unscaled. */
export interface Latents {
  mean: Tensor;
  std: Tensor;
}

const BATCH = 8;

function encodeBatch(vae: Vae, store: PixelStore, from: number): Latents {
  return noGrad(() =>
    scope(() => {
      const indices = Array.from({ length: Math.min(BATCH, store.count - from) }, (_, i) => from + i);
      const { device } = vae.encoder.convIn.weight;
      const { mean, std } = vae.encode(store.batch(indices).to({ device }));
      return { mean: mean.to({ device: "cpu" }), std: std.to({ device: "cpu" }) };
    }),
  );
}

/** Latents of all pictures, from the file if it is there; else encoded, and kept in it. */
export async function latentsOf(
  path: string,
  { vae, pictures, onProgress }: { vae: Vae; pictures: () => Promise<PixelStore>; onProgress?: (done: number) => void },
): Promise<Latents> {
  if (!existsSync(path)) {
    const store = await pictures();
    const parts: Latents[] = [];
    for (let from = 0; from < store.count; from += BATCH) {
      parts.push(encodeBatch(vae, store, from));
      onProgress?.(Math.min(store.count, from + BATCH));
    }
    scope(() =>
      writeSafetensors(path, [
        [
          "mean",
          cat(
            parts.map((p) => p.mean),
            0,
          ),
        ],
        [
          "std",
          cat(
            parts.map((p) => p.std),
            0,
          ),
        ],
      ]),
    );
    for (const p of parts) for (const t of [p.mean, p.std]) t.dispose();
  }
  const { tensors } = readSafetensors(path);
  return { mean: tensors.get("mean") as Tensor, std: tensors.get("std") as Tensor };
}
