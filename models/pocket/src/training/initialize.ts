import type { Vae } from "@stillframe/diffusion";
import { type Generator, type Module, noGrad, scope, type Tensor, tensor } from "@stillframe/torch";

/** A residual block's second convolution and a transformer's (or attention's) way out. */
const WAYS_OUT = /(\.conv2|\.proj_out|mid_block\.attentions\.0\.to_out\.0)\.(weight|bias)$/;

/** Initial weights from a seed; residual branches begin at zero (Goyal et al. 2017, §5.1). */
export function initializeResidual<M extends Module>(module: M, generator: Generator): M {
  module.initialize(generator);
  noGrad(() => {
    for (const { key, tensor: weight } of module.weights()) if (WAYS_OUT.test(key)) weight.zero_();
  });
  return module;
}

/** Red, green, blue, their negatives, and two constants: channels that pass through the fresh autoencoder unchanged. */
const CARRIED = 8;
const COLOURS = 3;
/** About what the last normalization divides by. */
const SPREAD = 0.6;
/** Log-variance of fresh latents: a deviation of 0.05. */
const LOG_VARIANCE = -6;

/** Sets a convolution's weights towards the carried channels: `value(out, in, y, x)`. */
function setRows(
  weight: Tensor,
  rows: number,
  value: (out: number, from: number, y: number, x: number) => number,
): void {
  const [, cIn = 1, height = 1, width = 1] = weight.shape;
  const numbers = weight.floats();
  let i = 0;
  for (let out = 0; out < rows; out++)
    for (let from = 0; from < cIn; from++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) numbers[i++] = value(out, from, y, x);
  scope(() => weight.copy_(tensor(numbers, { shape: weight.shape })));
}

function setBias(bias: Tensor, values: (i: number) => number, count: number): void {
  const numbers = bias.floats();
  for (let i = 0; i < count; i++) numbers[i] = values(i);
  scope(() => bias.copy_(tensor(numbers, { shape: bias.shape })));
}

const isCentre = (weight: Tensor) => {
  const middle = (weight.size(2) - 1) / 2;
  return (y: number, x: number) => (y === middle && x === middle ? 1 : 0);
};

/** Colours above, negatives below, from `colours` in the input. */
const signed = (out: number, from: number): number =>
  out >= 2 * COLOURS || out % COLOURS !== from ? 0 : out < COLOURS ? 1 : -1;

/**
 * An autoencoder that begins as one that keeps each cell's mean colour: `silu(x) - silu(-x) = x`, and the mean of a
 * colour and its negative is 0, so that the normalizations leave both alone but for their scale. Training then adds
 * what a mean lacks. Drawn from chance alone, an autoencoder spends its first thousand steps on finding the colours.
 */
export function initializeVae(vae: Vae, generator: Generator): Vae {
  initializeResidual(vae, generator);
  noGrad(() => {
    const weights = vae.stateDict();
    const at = (key: string): Tensor => weights.get(key) as Tensor;
    for (const [key, w] of weights) {
      if (/(conv_shortcut|upsamplers\.0\.conv)\.weight$/.test(key)) {
        const centre = isCentre(w);
        setRows(w, CARRIED, (out, from, y, x) => (out === from ? centre(y, x) : 0));
      } else if (/downsamplers\.0\.conv\.weight$/.test(key))
        setRows(w, CARRIED, (out, from, y, x) => (out === from && y < 2 && x < 2 ? 0.25 : 0));
      else if (/^(post_)?quant_conv\.weight$/.test(key)) setRows(w, w.size(0), (out, from) => (out === from ? 1 : 0));
      else if (/(conv_shortcut|samplers\.0\.conv)\.bias$/.test(key)) setBias(w, () => 0, CARRIED);
      else if (/^(post_)?quant_conv\.bias$/.test(key)) w.zero_();
    }
    for (const side of ["encoder", "decoder"]) {
      const into = at(`${side}.conv_in.weight`);
      const centre = isCentre(into);
      setRows(into, CARRIED, (out, from, y, x) => signed(out, from) * centre(y, x));
      setBias(at(`${side}.conv_in.bias`), (i) => (i < 2 * COLOURS ? 0 : i === 2 * COLOURS ? 1 : -1), CARRIED);
      const out = at(`${side}.conv_out.weight`);
      setRows(out, COLOURS, (to, from, y, x) => SPREAD * signed(from, to) * isCentre(out)(y, x));
      setBias(at(`${side}.conv_out.bias`), () => 0, COLOURS);
    }
    const { latentChannels } = vae.config;
    setRows(at("encoder.conv_out.weight").narrow(0, latentChannels, latentChannels), latentChannels, () => 0);
    at("encoder.conv_out.bias").narrow(0, latentChannels, latentChannels).fill_(LOG_VARIANCE);
  });
  return vae;
}
