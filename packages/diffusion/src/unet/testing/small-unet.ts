import type { UnetConfig } from "../config.js";

/** Everything of SDXL's UNet in small: a level without attention, one with, skips, an odd side to sample up to. */
export const SMALL_UNET: UnetConfig = {
  inChannels: 4,
  outChannels: 4,
  levels: [
    { channels: 16, layers: 2, downTransformers: null, upTransformers: null, heads: 2 },
    { channels: 32, layers: 2, downTransformers: 1, upTransformers: 2, heads: 4 },
  ],
  midTransformers: 1,
  groups: 8,
  normEps: 1e-5,
  crossAttentionDim: 24,
  additionTimeEmbedDim: 8,
  additionInputDim: 12 + 6 * 8,
  sampleSize: 8,
};
