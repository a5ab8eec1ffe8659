import { ConfigReader } from "../config-reader.js";

/** What differs between SDXL's autoencoders. */
export interface VaeConfig {
  inChannels: number;
  outChannels: number;
  latentChannels: number;
  channels: number[];
  layers: number;
  groups: number;
  scalingFactor: number;
  /** side of the pictures that the VAE was made for */
  sampleSize: number;
  /** whether half precision overflows in it, as in the original SDXL VAE */
  forceUpcast: boolean;
  quantConv: boolean;
  postQuantConv: boolean;
}

/** Reads the `config.json` of a `vae` folder. */
export function vaeConfig(json: unknown, source = "vae/config.json"): VaeConfig {
  const c = new ConfigReader(json, source);
  const channels = c.counts("block_out_channels");
  c.only({ act_fn: "silu", latents_mean: null, latents_std: null, shift_factor: null, mid_block_add_attention: true });
  c.names("down_block_types", ["DownEncoderBlock2D"]);
  c.names("up_block_types", ["UpDecoderBlock2D"]);
  return {
    inChannels: c.count("in_channels", 3),
    outChannels: c.count("out_channels", 3),
    latentChannels: c.count("latent_channels", 4),
    channels,
    layers: c.count("layers_per_block", 1),
    groups: c.count("norm_num_groups", 32),
    scalingFactor: c.number("scaling_factor", 0.18215),
    sampleSize: c.count("sample_size", 512),
    forceUpcast: c.boolean("force_upcast", true),
    quantConv: c.boolean("use_quant_conv", true),
    postQuantConv: c.boolean("use_post_quant_conv", true),
  };
}

/** How many pixels one latent covers on each side. */
export const vaeFactor = ({ channels }: VaeConfig): number => 2 ** (channels.length - 1);
