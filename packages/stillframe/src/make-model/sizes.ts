/** How large a random model is. All are SDXL in their parts and ways, and small in their numbers. */
export interface ModelSize {
  unet: {
    channels: readonly number[];
    heads: readonly number[];
    /** transformer layers at each resolution; the first has none, as in SDXL */
    transformers: readonly number[];
    layersPerBlock: number;
    groups: number;
    additionTimeEmbedDim: number;
    /** side of the latents that the model is for */
    sampleSize: number;
  };
  vae: { channels: readonly number[]; layersPerBlock: number; groups: number };
  text: { hiddenSize: number; intermediateSize: number; layers: number; heads: number };
}

/** The sizes that a random model can have. */
export type ModelSizeName = "tiny" | "small";

export const MODEL_SIZES: Readonly<Record<ModelSizeName, ModelSize>> = {
  // for tests and for trying commands out
  tiny: {
    unet: {
      channels: [32, 64],
      heads: [2, 4],
      transformers: [1, 1],
      layersPerBlock: 1,
      groups: 8,
      additionTimeEmbedDim: 8,
      sampleSize: 32,
    },
    vae: { channels: [16, 32], layersPerBlock: 1, groups: 8 },
    text: { hiddenSize: 32, intermediateSize: 64, layers: 2, heads: 4 },
  },
  // large enough for speed to mean something
  small: {
    unet: {
      channels: [96, 192],
      heads: [3, 6],
      transformers: [1, 2],
      layersPerBlock: 2,
      groups: 32,
      additionTimeEmbedDim: 32,
      sampleSize: 16,
    },
    vae: { channels: [32, 64, 64], layersPerBlock: 1, groups: 32 },
    text: { hiddenSize: 128, intermediateSize: 512, layers: 4, heads: 4 },
  },
};

/** Settings of the `config.json` files, by folder. */
export interface ModelConfigs {
  unet: Record<string, unknown>;
  vae: Record<string, unknown>;
  text_encoder: Record<string, unknown>;
  text_encoder_2: Record<string, unknown>;
}

/** What two tokens and the vocabulary's length are to the encoders. */
export interface TokenIds {
  start: number;
  end: number;
  count: number;
}

function textConfig(
  { hiddenSize, intermediateSize, layers, heads }: ModelSize["text"],
  { projected, tokens }: { projected: boolean; tokens: TokenIds },
): Record<string, unknown> {
  return {
    architectures: [projected ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
    attention_dropout: 0,
    bos_token_id: tokens.start,
    eos_token_id: tokens.end,
    hidden_act: projected ? "gelu" : "quick_gelu",
    hidden_size: hiddenSize,
    intermediate_size: intermediateSize,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    model_type: "clip_text_model",
    num_attention_heads: heads,
    num_hidden_layers: layers,
    pad_token_id: projected ? 0 : tokens.end,
    projection_dim: hiddenSize,
    torch_dtype: "float32",
    vocab_size: tokens.count,
  };
}

function unetConfigOf({ unet, text }: ModelSize): Record<string, unknown> {
  const attends = unet.channels.map((_, i) => i > 0);
  return {
    _class_name: "UNet2DConditionModel",
    act_fn: "silu",
    addition_embed_type: "text_time",
    addition_time_embed_dim: unet.additionTimeEmbedDim,
    attention_head_dim: [...unet.heads],
    block_out_channels: [...unet.channels],
    cross_attention_dim: 2 * text.hiddenSize,
    down_block_types: attends.map((a) => (a ? "CrossAttnDownBlock2D" : "DownBlock2D")),
    flip_sin_to_cos: true,
    freq_shift: 0,
    in_channels: 4,
    layers_per_block: unet.layersPerBlock,
    mid_block_type: "UNetMidBlock2DCrossAttn",
    norm_eps: 1e-5,
    norm_num_groups: unet.groups,
    out_channels: 4,
    projection_class_embeddings_input_dim: text.hiddenSize + 6 * unet.additionTimeEmbedDim,
    sample_size: unet.sampleSize,
    transformer_layers_per_block: [...unet.transformers],
    up_block_types: attends.toReversed().map((a) => (a ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    use_linear_projection: true,
  };
}

function vaeConfigOf({ vae, unet }: ModelSize): Record<string, unknown> {
  return {
    _class_name: "AutoencoderKL",
    act_fn: "silu",
    block_out_channels: [...vae.channels],
    down_block_types: vae.channels.map(() => "DownEncoderBlock2D"),
    force_upcast: true,
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: vae.layersPerBlock,
    norm_num_groups: vae.groups,
    out_channels: 3,
    sample_size: unet.sampleSize * 2 ** (vae.channels.length - 1),
    scaling_factor: 0.13025,
    up_block_types: vae.channels.map(() => "UpDecoderBlock2D"),
  };
}

/** The configurations of a size, as diffusers and transformers write them. */
export function configsOf(size: ModelSize, tokens: TokenIds): ModelConfigs {
  return {
    unet: unetConfigOf(size),
    vae: vaeConfigOf(size),
    text_encoder: textConfig(size.text, { projected: false, tokens }),
    text_encoder_2: textConfig(size.text, { projected: true, tokens }),
  };
}
