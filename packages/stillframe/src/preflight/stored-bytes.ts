import { readWeights, weightFiles } from "@stillframe/diffusion";
import { seemsNarrow } from "@stillframe/torch";

/**
 * Bytes in which a part's frozen weights will be kept while they compute in float32: 2 where the file has them in half
 * precision, or where the first numbers of each weight lose nothing in it (`loadWeights` tries them all), else 4.
 *
 * @param folder of the part, with `stem.safetensors` (or its variant, or shards) in it
 */
export function storedBytes(folder: string, { stem, variant }: { stem: string; variant?: string | undefined }): 2 | 4 {
  const weights = readWeights(weightFiles(folder, stem, variant));
  try {
    let [half, all] = [0, 0];
    for (const weight of weights.values()) {
      if (weight.shape.length < 2) continue;
      all += weight.numel;
      if (weight.dtype === "float16" || weight.dtype === "bfloat16" || seemsNarrow(weight)) half += weight.numel;
    }
    return half > all / 2 ? 2 : 4;
  } finally {
    for (const weight of weights.values()) weight.dispose();
  }
}
