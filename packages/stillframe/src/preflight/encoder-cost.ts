import { type ClipTextConfig, tileSides, type VaeConfig, vaeFactor } from "@stillframe/diffusion";

/**
 * Feature maps of the first resolution that exist at once while a picture is encoded or decoded, workspaces and the
 * allocator's holes included. Measured on random VAEs with SDXL's proportions: see `preflight.test.ts`.
 */
const ENCODE_MAPS = 10;
const DECODE_MAPS = 13;
/** Attention without a fused kernel makes its scores in parts of at most so many bytes, and their softmax beside them. */
const SCORES = 2 * 256 * 2 ** 20;

/** Bytes that encoding or decoding a picture takes at its worst moment. */
export function vaeBytes(
  config: VaeConfig,
  {
    height,
    width,
    tiling,
    elementBytes,
    decode,
    fusedAttention,
  }: { height: number; width: number; tiling: boolean; elementBytes: number; decode: boolean; fusedAttention: boolean },
): number {
  const factor = vaeFactor(config);
  const side = tileSides(config).tile * factor;
  const [h, w] = tiling ? [Math.min(height, side), Math.min(width, side)] : [height, width];
  const maps = (decode ? DECODE_MAPS : ENCODE_MAPS) * (config.channels[0] as number) * h * w;
  const tokens = (h / factor) * (w / factor);
  const joint = 6 * (config.channels.at(-1) as number) * tokens;
  const scores = fusedAttention ? 0 : Math.min(SCORES, 2 * tokens * tokens * elementBytes);
  return Math.max(maps * elementBytes, joint * elementBytes + scores);
}

/** Operations of the VAE's encoder for one picture, by its convolutions and the attention of its lowest resolution. */
export function vaeEncodeOperations(
  { channels, layers, inChannels, latentChannels }: VaeConfig,
  height: number,
  width: number,
): number {
  const conv = (cIn: number, cOut: number, pixels: number) => 2 * 9 * cIn * cOut * pixels;
  let [pixels, c] = [height * width, channels[0] as number];
  let sum = conv(inChannels, c, pixels);
  for (const [i, cOut] of channels.entries()) {
    for (let k = 0; k < layers; k++) {
      sum += conv(c, cOut, pixels) + conv(cOut, cOut, pixels) + (c === cOut ? 0 : 2 * c * cOut * pixels);
      c = cOut;
    }
    if (i < channels.length - 1) {
      pixels /= 4;
      sum += conv(c, c, pixels);
    }
  }
  return (
    sum + 4 * conv(c, c, pixels) + 8 * c * c * pixels + 4 * c * pixels * pixels + conv(c, 2 * latentChannels, pixels)
  );
}

/** Operations of a text encoder for one row of 77 ids: its layers' products. */
export function textEncodeOperations({ layers, hiddenSize: c, intermediateSize: inner }: ClipTextConfig): number {
  const rows = 77;
  return layers * (2 * rows * (4 * c * c + 2 * c * inner) + 4 * rows * rows * c);
}

/** Elements that a text encoder's backward pass needs for one row of 77 ids, where its layers are adapted. */
export function textSavedElements({ layers, hiddenSize: c, intermediateSize: inner, heads }: ClipTextConfig): number {
  const rows = 77;
  return layers * rows * (8 * c + 3 * inner + heads * rows);
}
