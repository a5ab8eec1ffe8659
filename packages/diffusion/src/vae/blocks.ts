import {
  attention,
  Conv2d,
  constantPadNd,
  GroupNorm,
  type Layer,
  Linear,
  Module,
  scope,
  type Tensor,
  upsampleNearest2d,
} from "@stillframe/torch";

const EPS = 1e-6;

/** Two convolutions with a residual path. */
export class VaeResnetBlock extends Module implements Layer {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly convShortcut: Conv2d | null;

  constructor(cIn: number, cOut: number, groups: number) {
    super();
    this.norm1 = new GroupNorm(groups, cIn, { eps: EPS });
    this.conv1 = new Conv2d(cIn, cOut, { kernel: 3 });
    this.norm2 = new GroupNorm(groups, cOut, { eps: EPS });
    this.conv2 = new Conv2d(cOut, cOut, { kernel: 3 });
    this.convShortcut = cIn === cOut ? null : new Conv2d(cIn, cOut, { kernel: 1 });
  }

  /** `x [b, cIn, h, w]` → `[b, cOut, h, w]` */
  forward(x: Tensor): Tensor {
    const h = scope(() => convolved(convolved(x, this.norm1, this.conv1), this.norm2, this.conv2));
    return h.add(this.convShortcut?.forward(x) ?? x);
  }
}

/** Each step's result is freed by the next: the first blocks' feature maps are the largest that there are. */
const convolved = (x: Tensor, norm: GroupNorm, conv: Conv2d): Tensor => scope(() => conv.forward(norm.activated(x)));

/** Runs layers one after the other; what lies between two of them is freed at once. */
function chained(layers: readonly Layer[], x: Tensor): Tensor {
  let h = x;
  for (const layer of layers) {
    const y = scope(() => layer.forward(h));
    if (h !== x) h.dispose();
    h = y;
  }
  return h;
}

/** Self-attention over the pixels, one head over all channels. */
export class VaeAttention extends Module implements Layer {
  readonly groupNorm: GroupNorm;
  readonly toQ: Linear;
  readonly toK: Linear;
  readonly toV: Linear;
  readonly toOut: [Linear];

  constructor(channels: number, groups: number) {
    super();
    this.groupNorm = new GroupNorm(groups, channels, { eps: EPS });
    this.toQ = new Linear(channels, channels);
    this.toK = new Linear(channels, channels);
    this.toV = new Linear(channels, channels);
    this.toOut = [new Linear(channels, channels)];
  }

  /** `x [b, c, h, w]` → the same shape */
  forward(x: Tensor): Tensor {
    const { b, c, h, w } = x.dims("b c h w");
    const y = this.groupNorm
      .forward(x)
      .view(b, c, h * w)
      .transpose(1, 2);
    const [q, k, v] = [this.toQ, this.toK, this.toV].map((p) => p.forward(y).unsqueeze(1)) as [Tensor, Tensor, Tensor];
    const out = this.toOut[0].forward(attention(q, k, v).view(b, h * w, c));
    return out.transpose(1, 2).reshape(b, c, h, w).add(x);
  }
}

/** The lowest resolution. */
export class VaeMidBlock extends Module implements Layer {
  readonly attentions: [VaeAttention];
  readonly resnets: [VaeResnetBlock, VaeResnetBlock];
  constructor(channels: number, groups: number) {
    super();
    this.attentions = [new VaeAttention(channels, groups)];
    this.resnets = [new VaeResnetBlock(channels, channels, groups), new VaeResnetBlock(channels, channels, groups)];
  }
  /** `x [b, c, h, w]` → the same shape */
  forward(x: Tensor): Tensor {
    return chained([this.resnets[0], this.attentions[0], this.resnets[1]], x);
  }
}

/** Halves the sides; pads below and to the right only, unlike the UNet's. */
class VaeDownsample extends Module implements Layer {
  readonly conv: Conv2d;
  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3, stride: 2, padding: 0 });
  }
  forward(x: Tensor): Tensor {
    return this.conv.forward(constantPadNd(x, [0, 1, 0, 1]));
  }
}

class VaeUpsample extends Module implements Layer {
  readonly conv: Conv2d;
  constructor(channels: number) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3 });
  }
  forward(x: Tensor): Tensor {
    const { h, w } = x.dims("b c h w");
    return this.conv.forward(upsampleNearest2d(x, [h * 2, w * 2]));
  }
}

export class VaeDownBlock extends Module implements Layer {
  readonly resnets: VaeResnetBlock[];
  readonly downsamplers: [VaeDownsample] | null;
  constructor(cIn: number, cOut: number, { layers, groups, last }: { layers: number; groups: number; last: boolean }) {
    super();
    this.resnets = Array.from({ length: layers }, (_, i) => new VaeResnetBlock(i === 0 ? cIn : cOut, cOut, groups));
    this.downsamplers = last ? null : [new VaeDownsample(cOut)];
  }
  /** `x [b, cIn, h, w]` → `[b, cOut, h/2, w/2]` */
  forward(x: Tensor): Tensor {
    return chained([...this.resnets, ...(this.downsamplers ?? [])], x);
  }
}

export class VaeUpBlock extends Module implements Layer {
  readonly resnets: VaeResnetBlock[];
  readonly upsamplers: [VaeUpsample] | null;
  constructor(cIn: number, cOut: number, { layers, groups, last }: { layers: number; groups: number; last: boolean }) {
    super();
    this.resnets = Array.from({ length: layers }, (_, i) => new VaeResnetBlock(i === 0 ? cIn : cOut, cOut, groups));
    this.upsamplers = last ? null : [new VaeUpsample(cOut)];
  }
  /** `x [b, cIn, h, w]` → `[b, cOut, 2h, 2w]` */
  forward(x: Tensor): Tensor {
    return chained([...this.resnets, ...(this.upsamplers ?? [])], x);
  }
}
