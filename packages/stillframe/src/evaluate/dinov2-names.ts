import { scope, type Tensor } from "@stillframe/torch";

const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^cls_token$/, "embeddings.cls_token"],
  [/^mask_token$/, "embeddings.mask_token"],
  [/^pos_embed$/, "embeddings.position_embeddings"],
  [/^patch_embed\.proj\./, "embeddings.patch_embeddings.projection."],
  [/^norm\./, "layernorm."],
  [/^blocks\.(\d+)\./, "encoder.layer.$1."],
  [/\.attn\.proj\./, ".attention.output.dense."],
  [/\.ls(\d)\.gamma$/, ".layer_scale$1.lambda1"],
  [/\.mlp\.w12\./, ".mlp.weights_in."],
  [/\.mlp\.w3\./, ".mlp.weights_out."],
];
const FUSED = /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/;

/**
 * Weights with the authors' names (`blocks.0.attn.qkv.weight`) under transformers' (`encoder.layer.0.attention…`), the
 * fused projection taken apart. Weights that have transformers' names already come back as they are.
 */
export function fromFacebookNames(weights: Map<string, Tensor>): Map<string, Tensor> {
  if (!weights.has("pos_embed")) return weights;
  const renamed = new Map<string, Tensor>();
  for (const [key, tensor] of weights) {
    const fused = FUSED.exec(key);
    if (fused === null) {
      renamed.set(
        RENAMED.reduce((k, [from, to]) => k.replace(from, to), key),
        tensor,
      );
      continue;
    }
    const parts = scope(() => tensor.chunk(3, 0).map((part) => part.clone()));
    for (const [i, part] of ["query", "key", "value"].entries())
      renamed.set(`encoder.layer.${fused[1]}.attention.attention.${part}.${fused[2]}`, parts[i]!);
    tensor.dispose();
  }
  return renamed;
}
