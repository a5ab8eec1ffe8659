import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  applyLora,
  type LoraWeights,
  layerPaths,
  loraParts,
  readLora,
  removeLora,
  type Sdxl,
} from "@stillframe/diffusion";
import { type Tensor, writeSafetensors } from "@stillframe/torch";

/** Reads an adapter for this model. */
export const readAdapter = (model: Sdxl, path: string): LoraWeights =>
  readLora(path, { paths: layerPaths(model), unet: model.unet.config });

/** Runs `body` with an adapter on the model, and takes it off again. */
export function withAdapter<T>(model: Sdxl, adapter: LoraWeights, body: () => T): T {
  applyLora(loraParts(model), adapter);
  try {
    return body();
  } finally {
    for (const part of Object.values(loraParts(model))) removeLora(part);
  }
}

/** Runs `body` with a temporary folder, which is gone afterwards. */
export function inTemporaryFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-parity-"));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same tensors under other names (or other tensors), written to a file and read as an adapter. */
export function rewrittenAdapter(
  model: Sdxl,
  tensors: ReadonlyMap<string, Tensor>,
  rewrite: (name: string, tensor: Tensor) => readonly [string, Tensor],
): LoraWeights {
  return inTemporaryFolder((folder) => {
    const path = join(folder, "adapter.safetensors");
    writeSafetensors(
      path,
      [...tensors].map(([name, tensor]) => rewrite(name, tensor)),
    );
    return readAdapter(model, path);
  });
}
