import {
  arange,
  Conv2d,
  cat,
  type Device,
  type DType,
  GroupNorm,
  type Layer,
  Linear,
  Module,
  noGrad,
  scope,
  silu,
  type Tensor,
} from "@stillframe/torch";
import { DownBlock, MidBlock, type Runner, UpBlock } from "./blocks.js";
import type { UnetConfig } from "./config.js";

/** Sines and cosines of numbers at geometric frequencies (Vaswani et al. 2017, §3.5), always in float32. */
export class Timesteps extends Module {
  private readonly size: number;
  constructor(size: number) {
    super();
    this.size = size;
  }

  /** `t [n]` → `[n, size]`: cosines, then sines */
  forward(t: Tensor): Tensor {
    return noGrad(() => {
      const half = this.size / 2;
      const frequencies = arange(0, half, { dtype: "float32", device: t.device })
        .mul(-Math.log(10000) / half)
        .exp();
      const angles = t.to("float32").unsqueeze(1).mul(frequencies.unsqueeze(0));
      return cat([angles.cos(), angles.sin()], 1);
    });
  }
}

/** Two layers over an embedding. */
export class TimestepEmbedding extends Module implements Layer {
  linear_1: Layer;
  linear_2: Layer;
  constructor(dimIn: number, dim: number) {
    super();
    this.linear_1 = new Linear(dimIn, dim);
    this.linear_2 = new Linear(dim, dim);
  }
  /** `x [b, in]` → `[b, dim]` */
  forward(x: Tensor): Tensor {
    return this.linear_2.forward(silu(this.linear_1.forward(x)));
  }
}

/** What SDXL conditions on beside the noisy latents. */
export interface UnetConditions {
  /** `[b, s, crossAttentionDim]`: prompt embeddings of both encoders */
  promptEmbeds: Tensor;
  /** `[b, pooledDim]`: the second encoder's pooled output */
  textEmbeds: Tensor;
  /** `[b, 6]`: original height and width, top and left of the crop, target height and width */
  timeIds: Tensor;
}

/** Frees what a part made and nobody keeps, as soon as the part has run. */
const atOnce: Runner = (part, ...inputs) => scope(() => part(...inputs));

/** Stable Diffusion XL's UNet (Podell et al. 2023): predicts the noise (or velocity) in latents. */
export class Unet extends Module {
  readonly config: UnetConfig;
  convIn: Layer;
  readonly timeProj: Timesteps;
  readonly timeEmbedding: TimestepEmbedding;
  readonly addTimeProj: Timesteps;
  readonly addEmbedding: TimestepEmbedding;
  readonly downBlocks: DownBlock[];
  readonly midBlock: MidBlock;
  readonly upBlocks: UpBlock[];
  readonly convNormOut: GroupNorm;
  convOut: Layer;
  /** How parts of blocks run; `RecomputeTape.run` makes it gradient checkpointing. */
  runner: Runner = atOnce;

  constructor(config: UnetConfig) {
    super();
    const { levels, groups } = config;
    const { channels } = levels[0] as { channels: number };
    const tDim = channels * 4;
    this.config = config;
    this.convIn = new Conv2d(config.inChannels, channels, { kernel: 3 });
    this.timeProj = new Timesteps(channels);
    this.timeEmbedding = new TimestepEmbedding(channels, tDim);
    this.addTimeProj = new Timesteps(config.additionTimeEmbedDim);
    this.addEmbedding = new TimestepEmbedding(config.additionInputDim, tDim);
    this.downBlocks = levels.map((_, i) => new DownBlock(config, i));
    this.midBlock = new MidBlock(config);
    this.upBlocks = levels.map((_, i) => new UpBlock(config, levels.length - 1 - i));
    this.convNormOut = new GroupNorm(groups, channels, { eps: config.normEps });
    this.convOut = new Conv2d(channels, config.outChannels, { kernel: 3 });
  }

  /** The type in which it computes: of a norm's weight, which is never narrowed nor adapted. */
  get dtype(): DType {
    return this.convNormOut.weight.dtype;
  }
  /** Where its weights are. */
  get device(): Device {
    return this.convNormOut.weight.device;
  }

  /** Timestep and micro-conditions as one vector: `t [b]` or a scalar → `[b, tDim]`. */
  embed(t: Tensor, batch: number, { textEmbeds, timeIds }: UnetConditions): Tensor {
    const { dtype } = this;
    const steps = t.rank === 0 ? t.view(1).expand(batch) : t;
    const time = this.timeEmbedding.forward(this.timeProj.forward(steps).to(dtype));
    const ids = this.addTimeProj.forward(timeIds.flatten()).view(batch, -1);
    return time.add(this.addEmbedding.forward(cat([textEmbeds.to(dtype), ids.to(dtype)], -1)));
  }

  /** `x [b, inChannels, h, w]`, `t [b]` or a scalar → `[b, outChannels, h, w]` */
  forward(x: Tensor, t: Tensor, conditions: UnetConditions): Tensor {
    const { b } = x.dims("b c h w");
    conditions.timeIds.dims("b 6");
    const temb = this.embed(t, b, conditions);
    const context = conditions.promptEmbeds.to(this.dtype);
    const { runner: run } = this;

    // Down
    let h = this.convIn.forward(x);
    const skips = [h];
    for (const block of this.downBlocks) h = block.forward(h, temb, { context, skips, run });

    // Middle
    h = this.midBlock.forward(h, temb, { context, run });

    // Up
    for (const block of this.upBlocks) h = block.forward(h, temb, { context, skips, run });
    return this.convOut.forward(this.convNormOut.activated(h));
  }
}
