import { Conv2d, type Generator, GroupNorm, type Layer, Module, randn, scope, type Tensor } from "@stillframe/torch";
import { VaeDownBlock, VaeMidBlock, VaeUpBlock } from "./blocks.js";
import type { VaeConfig } from "./config.js";

/** A block's output; its input is freed with all else, unless it is recorded for differentiation. */
function freeing(block: Layer, x: Tensor): Tensor {
  const y = scope(() => block.forward(x));
  x.dispose();
  return y;
}

/** Picture → moments of the latents. */
export class VaeEncoder extends Module {
  readonly convIn: Conv2d;
  readonly downBlocks: VaeDownBlock[];
  readonly midBlock: VaeMidBlock;
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor({ inChannels, latentChannels, channels, layers, groups }: VaeConfig) {
    super();
    const [first, last] = [channels[0] as number, channels.at(-1) as number];
    this.convIn = new Conv2d(inChannels, first, { kernel: 3 });
    this.downBlocks = channels.map(
      (c, i) => new VaeDownBlock(channels[i - 1] ?? c, c, { layers, groups, last: i === channels.length - 1 }),
    );
    this.midBlock = new VaeMidBlock(last, groups);
    this.convNormOut = new GroupNorm(groups, last, { eps: 1e-6 });
    this.convOut = new Conv2d(last, latentChannels * 2, { kernel: 3 });
  }

  /** `x [b, 3, h, w]` → `[b, 2·latentChannels, h/f, w/f]` */
  forward(x: Tensor): Tensor {
    let h = this.convIn.forward(x);
    for (const block of [...this.downBlocks, this.midBlock]) h = freeing(block, h);
    return scope(() => this.convOut.forward(this.convNormOut.activated(h)));
  }
}

/** Latents → picture. */
export class VaeDecoder extends Module {
  readonly convIn: Conv2d;
  readonly upBlocks: VaeUpBlock[];
  readonly midBlock: VaeMidBlock;
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor({ outChannels, latentChannels, channels, layers, groups }: VaeConfig) {
    super();
    const up = [...channels].reverse();
    const [first, last] = [up[0] as number, up.at(-1) as number];
    this.convIn = new Conv2d(latentChannels, first, { kernel: 3 });
    this.upBlocks = up.map(
      (c, i) => new VaeUpBlock(up[i - 1] ?? c, c, { layers: layers + 1, groups, last: i === up.length - 1 }),
    );
    this.midBlock = new VaeMidBlock(first, groups);
    this.convNormOut = new GroupNorm(groups, last, { eps: 1e-6 });
    this.convOut = new Conv2d(last, outChannels, { kernel: 3 });
  }

  /** `z [b, latentChannels, h, w]` → `[b, 3, h·f, w·f]` */
  forward(z: Tensor): Tensor {
    let h = this.convIn.forward(z);
    for (const block of [this.midBlock, ...this.upBlocks]) h = freeing(block, h);
    return scope(() => this.convOut.forward(this.convNormOut.activated(h)));
  }
}

/** A normal distribution of latents, each `[b, latentChannels, h, w]`, unscaled. */
export interface Posterior {
  mean: Tensor;
  logvar: Tensor;
  std: Tensor;
}

/** The autoencoder (Kingma & Welling 2014) between pictures in [-1, 1] and latents. */
export class Vae extends Module {
  readonly config: VaeConfig;
  readonly encoder: VaeEncoder;
  readonly decoder: VaeDecoder;
  readonly quantConv: Conv2d | null;
  readonly postQuantConv: Conv2d | null;

  constructor(config: VaeConfig) {
    super();
    const { latentChannels: c } = config;
    this.config = config;
    this.encoder = new VaeEncoder(config);
    this.decoder = new VaeDecoder(config);
    this.quantConv = config.quantConv ? new Conv2d(c * 2, c * 2, { kernel: 1 }) : null;
    this.postQuantConv = config.postQuantConv ? new Conv2d(c, c, { kernel: 1 }) : null;
  }

  /** `x [b, 3, h, w]` in [-1, 1] → the posterior; the log-variance is clamped to [-30, 20]. */
  encode(x: Tensor): Posterior {
    const h = this.encoder.forward(x);
    const [mean, raw] = (this.quantConv?.forward(h) ?? h).chunk(2, 1) as [Tensor, Tensor];
    const logvar = raw.clamp(-30, 20);
    return { mean, logvar, std: logvar.mul(0.5).exp() };
  }

  /** Scaled latents `[b, latentChannels, h, w]` → pictures `[b, 3, h·f, w·f]` about [-1, 1]. */
  decode(latents: Tensor): Tensor {
    const z = latents.div(this.config.scalingFactor);
    return this.decoder.forward(this.postQuantConv?.forward(z) ?? z);
  }
}

/** A draw from the posterior, scaled as the UNet takes it: `(mean + std · noise) · scalingFactor`. */
export function sampleLatents(
  { mean, std }: Pick<Posterior, "mean" | "std">,
  scalingFactor: number,
  { noise, generator }: { noise?: Tensor; generator?: Generator },
): Tensor {
  const draw =
    noise ?? randn(mean.shape, { ...(generator ? { generator } : {}), dtype: mean.dtype, device: mean.device });
  return mean.add(std.mul(draw)).mul(scalingFactor);
}
