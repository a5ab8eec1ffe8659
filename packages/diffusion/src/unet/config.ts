import { FileFormatError } from "@stillframe/torch/errors";
import { ConfigReader } from "../config-reader.js";

/** One resolution of the UNet. */
export interface UnetLevel {
  channels: number;
  layers: number;
  /** transformer layers after each residual block; null for none */
  downTransformers: number | null;
  upTransformers: number | null;
  heads: number;
}

/** What differs between SDXL UNets. */
export interface UnetConfig {
  inChannels: number;
  outChannels: number;
  levels: UnetLevel[];
  midTransformers: number;
  groups: number;
  normEps: number;
  crossAttentionDim: number;
  /** features of each of the six numbers of `timeIds` */
  additionTimeEmbedDim: number;
  /** pooled text features plus six times the above */
  additionInputDim: number;
  /** side of the latents that the model was made for */
  sampleSize: number;
}

/** Other values of these would be another network. */
const FIXED = {
  act_fn: "silu",
  addition_embed_type: "text_time",
  attention_type: "default",
  center_input_sample: false,
  class_embed_type: null,
  conv_in_kernel: 3,
  conv_out_kernel: 3,
  cross_attention_norm: null,
  downsample_padding: 1,
  dropout: 0,
  dual_cross_attention: false,
  encoder_hid_dim_type: null,
  flip_sin_to_cos: true,
  freq_shift: 0,
  mid_block_only_cross_attention: null,
  mid_block_scale_factor: 1,
  mid_block_type: "UNetMidBlock2DCrossAttn",
  num_class_embeds: null,
  only_cross_attention: false,
  resnet_out_scale_factor: 1,
  resnet_skip_time_act: false,
  resnet_time_scale_shift: "default",
  reverse_transformer_layers_per_block: null,
  time_cond_proj_dim: null,
  time_embedding_act_fn: null,
  time_embedding_dim: null,
  time_embedding_type: "positional",
  timestep_post_act: null,
  use_linear_projection: true,
};

/** Reads the `config.json` of a `unet` folder. Mind that `attention_head_dim` there is the number of heads. */
export function unetConfig(json: unknown, source = "unet/config.json"): UnetConfig {
  const c = new ConfigReader(json, source);
  c.only(FIXED);
  const channels = c.counts("block_out_channels");
  const n = channels.length;
  const layers = c.countForEach("layers_per_block", n, 2);
  const transformers = c.countForEach("transformer_layers_per_block", n, 1);
  const headsKey =
    (json as Record<string, unknown>)["num_attention_heads"] == null ? "attention_head_dim" : "num_attention_heads";
  const heads = c.countForEach(headsKey, n);
  const down = c.names("down_block_types", ["DownBlock2D", "CrossAttnDownBlock2D"]);
  const up = c.names("up_block_types", ["UpBlock2D", "CrossAttnUpBlock2D"]).toReversed();
  if (down.length !== n || up.length !== n)
    throw new FileFormatError(source, `expected ${n} block types for block_out_channels of ${n}`);
  return {
    inChannels: c.count("in_channels", 4),
    outChannels: c.count("out_channels", 4),
    levels: channels.map((ch, i) => ({
      channels: ch,
      layers: layers[i] as number,
      heads: heads[i] as number,
      downTransformers: down[i] === "CrossAttnDownBlock2D" ? (transformers[i] as number) : null,
      upTransformers: up[i] === "CrossAttnUpBlock2D" ? (transformers[i] as number) : null,
    })),
    midTransformers: transformers.at(-1) as number,
    groups: c.count("norm_num_groups", 32),
    normEps: c.number("norm_eps", 1e-5),
    crossAttentionDim: c.count("cross_attention_dim"),
    additionTimeEmbedDim: c.count("addition_time_embed_dim"),
    additionInputDim: c.count("projection_class_embeddings_input_dim"),
    sampleSize: c.count("sample_size", 128),
  };
}
