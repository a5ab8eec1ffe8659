import type { UnetConfig } from "../unet/config.js";

/** The parts of a pipeline that an adapter may touch, by their folder names. */
export const LORA_PARTS = ["unet", "text_encoder", "text_encoder_2"] as const;
export type LoraPart = (typeof LORA_PARTS)[number];

/** kohya's prefixes of the parts. */
const KOHYA_PREFIX: Readonly<Record<LoraPart, string>> = {
  unet: "lora_unet_",
  text_encoder: "lora_te1_",
  text_encoder_2: "lora_te2_",
};

/** kohya's name with diffusers' block names: `lora_unet_down_blocks_1_attentions_0_..._to_q`. */
export function kohyaName(part: LoraPart, path: string): string {
  return KOHYA_PREFIX[part] + path.replaceAll(".", "_");
}

/**
 * Where a block of the UNet is in the original SGM numbering, which counts every part from the input: `input_blocks.4.1`
 * for `down_blocks.1.attentions.0`. Null for a path outside the blocks.
 */
function sgmBlock(path: string, { levels }: UnetConfig): string | null {
  const m = /^(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(path);
  if (m === null) {
    const mid = /^mid_block\.(resnets|attentions)\.(\d+)\.(.+)$/.exec(path);
    if (mid === null) return null;
    return `middle_block.${mid[1] === "attentions" ? 1 : Number(mid[2]) * 2}.${mid[3]}`;
  }
  const [, side, level, kind, index, rest] = m as unknown as [string, string, string, string, string, string];
  const [i, j] = [Number(level), Number(index)];
  if (side === "down_blocks") {
    const before = levels.slice(0, i).reduce((n, l) => n + l.layers + 1, 1);
    if (kind === "downsamplers")
      return `input_blocks.${before + (levels[i]?.layers ?? 0)}.0.${rest.replace(/^conv\b/, "op")}`;
    return `input_blocks.${before + j}.${kind === "attentions" ? 1 : 0}.${rest}`;
  }
  const upward = [...levels].reverse();
  const before = upward.slice(0, i).reduce((n, l) => n + l.layers + 1, 0);
  const own = upward[i];
  if (kind === "upsamplers")
    return `output_blocks.${before + (own?.layers ?? 0)}.${own?.upTransformers == null ? 1 : 2}.${rest}`;
  return `output_blocks.${before + j}.${kind === "attentions" ? 1 : 0}.${rest}`;
}

/** Names inside a residual block and around the blocks. */
const SGM_PARTS: readonly (readonly [RegExp, string])[] = [
  [/\bconv1$/, "in_layers.2"],
  [/\bconv2$/, "out_layers.3"],
  [/\bconv_shortcut$/, "skip_connection"],
  [/\btime_emb_proj$/, "emb_layers.1"],
  [/^conv_in$/, "input_blocks.0.0"],
  [/^conv_out$/, "out.2"],
  [/^time_embedding\.linear_1$/, "time_embed.0"],
  [/^time_embedding\.linear_2$/, "time_embed.2"],
  [/^add_embedding\.linear_1$/, "label_emb.0.0"],
  [/^add_embedding\.linear_2$/, "label_emb.0.2"],
];

/** kohya's name with the original block numbers, the one that ComfyUI and A1111 know: `lora_unet_input_blocks_4_1_..._to_q`. */
export function kohyaSgmName(path: string, config: UnetConfig): string {
  const place = sgmBlock(path, config) ?? path;
  const named = SGM_PARTS.reduce((p, [from, to]) => p.replace(from, to), place);
  return KOHYA_PREFIX.unet + named.replaceAll(".", "_");
}
