import {
  attention,
  Conv2d,
  cat,
  GroupNorm,
  gatedLinear,
  type Layer,
  LayerNorm,
  Linear,
  Module,
  silu,
  type Tensor,
  upsampleNearest2d,
} from "@stillframe/torch";
import type { UnetConfig } from "./config.js";

/** Two convolutions with a residual path, shifted by the timestep embedding. */
export class ResnetBlock extends Module {
  readonly norm1: GroupNorm;
  conv1: Layer;
  timeEmbProj: Layer;
  readonly norm2: GroupNorm;
  conv2: Layer;
  convShortcut: Layer | null;

  constructor(cIn: number, cOut: number, { tDim, groups, eps }: { tDim: number; groups: number; eps: number }) {
    super();
    this.norm1 = new GroupNorm(groups, cIn, { eps });
    this.conv1 = new Conv2d(cIn, cOut, { kernel: 3 });
    this.timeEmbProj = new Linear(tDim, cOut);
    this.norm2 = new GroupNorm(groups, cOut, { eps });
    this.conv2 = new Conv2d(cOut, cOut, { kernel: 3 });
    this.convShortcut = cIn === cOut ? null : new Conv2d(cIn, cOut, { kernel: 1 });
  }

  /** `x [b, cIn, h, w]`, `temb [b, tDim]` → `[b, cOut, h, w]` */
  forward(x: Tensor, temb: Tensor): Tensor {
    const { b } = x.dims("b c h w");
    const shift = this.timeEmbProj.forward(silu(temb)).view(b, -1, 1, 1);
    let h = this.conv1.forward(this.norm1.activated(x));
    h = this.conv2.forward(this.norm2.activated(h, shift));
    return h.add(this.convShortcut?.forward(x) ?? x);
  }
}

/** Multi-head attention of `x` to `context`, which is `x` itself in self-attention. */
export class CrossAttention extends Module {
  toQ: Layer;
  toK: Layer;
  toV: Layer;
  readonly toOut: Layer[]; // one projection; a list, as in the checkpoint
  readonly heads: number;

  constructor(dim: number, contextDim: number, heads: number) {
    super();
    this.toQ = new Linear(dim, dim, { bias: false });
    this.toK = new Linear(contextDim, dim, { bias: false });
    this.toV = new Linear(contextDim, dim, { bias: false });
    this.toOut = [new Linear(dim, dim)];
    this.heads = heads;
  }

  /** `x [b, t, c]`, `context [b, s, k]` → `[b, t, c]` */
  forward(x: Tensor, context: Tensor): Tensor {
    const { b, t, c } = x.dims("b t c");
    const split = (y: Tensor) => y.view(b, -1, this.heads, c / this.heads).transpose(1, 2);
    const out = attention(
      split(this.toQ.forward(x)),
      split(this.toK.forward(context)),
      split(this.toV.forward(context)),
    );
    return (this.toOut[0] as Layer).forward(out.transpose(1, 2).reshape(b, t, c));
  }
}

/** GELU with a gate: `(x W) · gelu(x V)` (Shazeer 2020, eq. 6); one projection holds W above V. */
export class GeGlu extends Module implements Layer {
  proj: Layer;
  constructor(dim: number, inner: number) {
    super();
    this.proj = new Linear(dim, inner * 2);
  }
  /** `x [b, t, c]` → `[b, t, inner]` */
  forward(x: Tensor): Tensor {
    return gatedLinear(this.proj.forward(x));
  }
}

export class FeedForward extends Module implements Layer {
  readonly net: [GeGlu, null, Layer]; // the checkpoint counts a dropout between them
  constructor(dim: number) {
    super();
    this.net = [new GeGlu(dim, dim * 4), null, new Linear(dim * 4, dim)];
  }
  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    return this.net[2].forward(this.net[0].forward(x));
  }
}

/** Self-attention, attention to the text, feed-forward; each after a norm and added to its input. */
export class TransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attn1: CrossAttention;
  readonly norm2: LayerNorm;
  readonly attn2: CrossAttention;
  readonly norm3: LayerNorm;
  readonly ff: FeedForward;

  constructor(dim: number, contextDim: number, heads: number) {
    super();
    this.norm1 = new LayerNorm(dim);
    this.attn1 = new CrossAttention(dim, dim, heads);
    this.norm2 = new LayerNorm(dim);
    this.attn2 = new CrossAttention(dim, contextDim, heads);
    this.norm3 = new LayerNorm(dim);
    this.ff = new FeedForward(dim);
  }

  /** `x [b, t, c]`, `context [b, s, k]` → `[b, t, c]` */
  forward(x: Tensor, context: Tensor): Tensor {
    const n = this.norm1.forward(x);
    let h = x.add(this.attn1.forward(n, n));
    h = h.add(this.attn2.forward(this.norm2.forward(h), context));
    return h.add(this.ff.forward(this.norm3.forward(h)));
  }
}

/** Transformer layers over the pixels of a feature map. */
export class SpatialTransformer extends Module {
  readonly norm: GroupNorm;
  projIn: Layer;
  readonly transformerBlocks: TransformerBlock[];
  projOut: Layer;

  constructor(
    dim: number,
    { layers, heads, contextDim, groups }: { layers: number; heads: number; contextDim: number; groups: number },
  ) {
    super();
    this.norm = new GroupNorm(groups, dim, { eps: 1e-6 }); // unlike the residual blocks' 1e-5
    this.projIn = new Linear(dim, dim);
    this.transformerBlocks = Array.from({ length: layers }, () => new TransformerBlock(dim, contextDim, heads));
    this.projOut = new Linear(dim, dim);
  }

  /** `x [b, c, h, w]`, `context [b, s, k]` → `[b, c, h, w]` */
  forward(x: Tensor, context: Tensor): Tensor {
    const { b, c, h, w } = x.dims("b c h w");
    let y = this.projIn.forward(
      this.norm
        .forward(x)
        .permute(0, 2, 3, 1)
        .reshape(b, h * w, c),
    );
    for (const block of this.transformerBlocks) y = block.forward(y, context);
    return this.projOut.forward(y).view(b, h, w, c).permute(0, 3, 1, 2).contiguous().add(x);
  }
}

/** Halves the sides. */
export class Downsample extends Module implements Layer {
  conv: Layer;
  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3, stride: 2, padding: 1 });
  }
  /** `x [b, c, h, w]` → `[b, c, ⌈h/2⌉, ⌈w/2⌉]` */
  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

/** Grows to the size of the skip connection that comes next, which is not always the double. */
export class Upsample extends Module {
  conv: Layer;
  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3 });
  }
  /** `x [b, c, h, w]`, `[h', w']` → `[b, c, h', w']` */
  forward(x: Tensor, size: readonly [number, number]): Tensor {
    return this.conv.forward(upsampleNearest2d(x, size));
  }
}

/** How a block runs its parts: at once, or recomputing them in the backward pass (gradient checkpointing). */
export type Runner = (part: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]) => Tensor;

const attentionOf = (config: UnetConfig, channels: number, layers: number, heads: number) =>
  new SpatialTransformer(channels, { layers, heads, contextDim: config.crossAttentionDim, groups: config.groups });
const resnetOptions = (config: UnetConfig) => ({
  tDim: (config.levels[0] as { channels: number }).channels * 4,
  groups: config.groups,
  eps: config.normEps,
});

/** One resolution on the way down; each part's output is kept as a skip connection. */
export class DownBlock extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: SpatialTransformer[] | null;
  readonly downsamplers: [Downsample] | null;

  constructor(config: UnetConfig, level: number) {
    super();
    const { channels, layers, downTransformers, heads } = config.levels[level] as UnetConfig["levels"][number];
    const cIn = config.levels[level - 1]?.channels ?? channels;
    this.resnets = Array.from(
      { length: layers },
      (_, i) => new ResnetBlock(i === 0 ? cIn : channels, channels, resnetOptions(config)),
    );
    this.attentions =
      downTransformers === null
        ? null
        : Array.from({ length: layers }, () => attentionOf(config, channels, downTransformers, heads));
    this.downsamplers = level < config.levels.length - 1 ? [new Downsample(channels)] : null;
  }

  /** `x [b, cIn, h, w]`, `temb [b, tDim]`, `context [b, s, k]` → `[b, c, h/2, w/2]`; pushes to `skips` */
  forward(x: Tensor, temb: Tensor, { context, skips, run }: { context: Tensor; skips: Tensor[]; run: Runner }): Tensor {
    let h = x;
    for (const [i, resnet] of this.resnets.entries()) {
      h = run((a, t) => resnet.forward(a as Tensor, t as Tensor), h, temb);
      const attn = this.attentions?.[i];
      if (attn) h = run((a, c) => attn.forward(a as Tensor, c as Tensor), h, context);
      skips.push(h);
    }
    if (this.downsamplers !== null) {
      h = this.downsamplers[0].forward(h);
      skips.push(h);
    }
    return h;
  }
}

/** The lowest resolution. */
export class MidBlock extends Module {
  readonly attentions: [SpatialTransformer];
  readonly resnets: [ResnetBlock, ResnetBlock];

  constructor(config: UnetConfig) {
    super();
    const { channels, heads } = config.levels.at(-1) as UnetConfig["levels"][number];
    this.attentions = [attentionOf(config, channels, config.midTransformers, heads)];
    this.resnets = [
      new ResnetBlock(channels, channels, resnetOptions(config)),
      new ResnetBlock(channels, channels, resnetOptions(config)),
    ];
  }

  /** `x [b, c, h, w]`, `temb [b, tDim]`, `context [b, s, k]` → `[b, c, h, w]` */
  forward(x: Tensor, temb: Tensor, { context, run }: { context: Tensor; run: Runner }): Tensor {
    const [first, second] = this.resnets;
    let h = run((a, t) => first.forward(a as Tensor, t as Tensor), x, temb);
    h = run((a, c) => this.attentions[0].forward(a as Tensor, c as Tensor), h, context);
    return run((a, t) => second.forward(a as Tensor, t as Tensor), h, temb);
  }
}

/** One resolution on the way up; each residual block also takes a skip connection. */
export class UpBlock extends Module {
  readonly resnets: ResnetBlock[];
  readonly attentions: SpatialTransformer[] | null;
  readonly upsamplers: [Upsample] | null;

  constructor(config: UnetConfig, level: number) {
    super();
    const { channels, layers, upTransformers, heads } = config.levels[level] as UnetConfig["levels"][number];
    const below = config.levels[level + 1]?.channels ?? channels;
    const above = config.levels[level - 1]?.channels ?? channels;
    this.resnets = Array.from({ length: layers + 1 }, (_, i) => {
      const skip = i === layers ? above : channels;
      return new ResnetBlock((i === 0 ? below : channels) + skip, channels, resnetOptions(config));
    });
    this.attentions =
      upTransformers === null
        ? null
        : Array.from({ length: layers + 1 }, () => attentionOf(config, channels, upTransformers, heads));
    this.upsamplers = level > 0 ? [new Upsample(channels)] : null;
  }

  /** `x [b, cBelow, h, w]`, `temb [b, tDim]`, `context [b, s, k]` → `[b, c, 2h, 2w]`; pops from `skips` */
  forward(x: Tensor, temb: Tensor, { context, skips, run }: { context: Tensor; skips: Tensor[]; run: Runner }): Tensor {
    let h = x;
    for (const [i, resnet] of this.resnets.entries()) {
      h = run(
        (a, s, t) => resnet.forward(cat([a as Tensor, s as Tensor], 1), t as Tensor),
        h,
        skips.pop() as Tensor,
        temb,
      );
      const attn = this.attentions?.[i];
      if (attn) h = run((a, c) => attn.forward(a as Tensor, c as Tensor), h, context);
    }
    if (this.upsamplers === null) return h;
    const next = skips.at(-1) as Tensor;
    return this.upsamplers[0].forward(h, [next.size(2), next.size(3)]);
  }
}
