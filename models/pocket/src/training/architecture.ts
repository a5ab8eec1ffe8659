import type { VaeConfig } from "@stillframe/diffusion";

/** Widths of the bundled model; everything else is as in SDXL. */
export const WIDTHS = {
  /** of the autoencoder at 96, 48 and 24 pixels a side */
  vae: [16, 32, 64],
  vaeGroups: 2,
  /** of the UNet at 24, 12 and 6 latents a side; the first has no attention */
  unet: [64, 112, 176],
  unetHeads: [2, 4, 4],
  unetGroups: 16,
  /** of each text encoder, whose last layer is not seen by the UNet's attention */
  text: 128,
  textLayers: 3,
  textHeads: 4,
  /** features of each of the six size conditions */
  timeIds: 16,
  /** side of the pictures in pixels */
  size: 96,
} as const;

/** The autoencoder's configuration for training, before its scaling factor is known. */
export function vaeModelConfig(changes: Partial<VaeConfig> = {}): VaeConfig {
  return {
    inChannels: 3,
    outChannels: 3,
    latentChannels: 4,
    channels: [...WIDTHS.vae],
    layers: 1,
    groups: WIDTHS.vaeGroups,
    scalingFactor: 1,
    sampleSize: WIDTHS.size,
    forceUpcast: false,
    quantConv: true,
    postQuantConv: true,
    ...changes,
  };
}

type Json = Record<string, unknown>;

const vae = (scalingFactor: number): Json => ({
  _class_name: "AutoencoderKL",
  act_fn: "silu",
  block_out_channels: WIDTHS.vae,
  down_block_types: WIDTHS.vae.map(() => "DownEncoderBlock2D"),
  force_upcast: false,
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 1,
  norm_num_groups: WIDTHS.vaeGroups,
  out_channels: 3,
  sample_size: WIDTHS.size,
  scaling_factor: scalingFactor,
  up_block_types: WIDTHS.vae.map(() => "UpDecoderBlock2D"),
});

const textEncoder = (vocabSize: number, { projected }: { projected: boolean }): Json => ({
  architectures: [projected ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
  attention_dropout: 0,
  bos_token_id: vocabSize - 2,
  eos_token_id: vocabSize - 1,
  hidden_act: projected ? "gelu" : "quick_gelu",
  hidden_size: WIDTHS.text,
  intermediate_size: WIDTHS.text * 4,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 77,
  model_type: "clip_text_model",
  num_attention_heads: WIDTHS.textHeads,
  num_hidden_layers: WIDTHS.textLayers,
  pad_token_id: vocabSize - 1,
  projection_dim: WIDTHS.text,
  vocab_size: vocabSize,
});

const unet = (): Json => ({
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  addition_embed_type: "text_time",
  addition_time_embed_dim: WIDTHS.timeIds,
  attention_head_dim: WIDTHS.unetHeads,
  block_out_channels: WIDTHS.unet,
  cross_attention_dim: WIDTHS.text * 2,
  down_block_types: WIDTHS.unet.map((_, i) => (i === 0 ? "DownBlock2D" : "CrossAttnDownBlock2D")),
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 1,
  norm_eps: 1e-5,
  norm_num_groups: WIDTHS.unetGroups,
  out_channels: 4,
  projection_class_embeddings_input_dim: WIDTHS.text + 6 * WIDTHS.timeIds,
  sample_size: WIDTHS.size / 2 ** (WIDTHS.vae.length - 1),
  transformer_layers_per_block: 1,
  up_block_types: WIDTHS.unet.map((_, i) => (i === WIDTHS.unet.length - 1 ? "UpBlock2D" : "CrossAttnUpBlock2D")),
  use_linear_projection: true,
});

const scheduler: Json = {
  _class_name: "EulerDiscreteScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  interpolation_type: "linear",
  num_train_timesteps: 1000,
  prediction_type: "v_prediction",
  sample_max_value: 1,
  steps_offset: 1,
  timestep_spacing: "leading",
  use_karras_sigmas: false,
};

const index: Json = {
  _class_name: "StableDiffusionXLPipeline",
  // the empty prompt is what training shows where it drops a caption; zeros the model never sees
  force_zeros_for_empty_prompt: false,
  scheduler: ["diffusers", "EulerDiscreteScheduler"],
  text_encoder: ["transformers", "CLIPTextModel"],
  text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
  tokenizer: ["transformers", "CLIPTokenizer"],
  tokenizer_2: ["transformers", "CLIPTokenizer"],
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
};

/** Every configuration file of the model by its path, in the diffusers layout. */
export function configurations({
  vocabSize,
  scalingFactor,
}: {
  vocabSize: number;
  scalingFactor: number;
}): Map<string, Json> {
  return new Map<string, Json>([
    ["model_index.json", index],
    ["scheduler/scheduler_config.json", scheduler],
    ["text_encoder/config.json", textEncoder(vocabSize, { projected: false })],
    ["text_encoder_2/config.json", textEncoder(vocabSize, { projected: true })],
    ["unet/config.json", unet()],
    ["vae/config.json", vae(scalingFactor)],
  ]);
}
