import {
  avgPool2d,
  batchNorm,
  cat,
  conv2d,
  declareWeight,
  type Layer,
  Module,
  maxPool2d,
  relu,
  type Tensor,
} from "@stillframe/torch";

/** Height and width. */
type Pair = readonly [number, number];

/** A convolution without bias, whose kernel need not be square. */
class Kernel extends Module implements Layer {
  weight: Tensor; // [out, in, kh, kw]
  private readonly stride: number;
  private readonly padding: Pair;

  constructor(cIn: number, cOut: number, { kernel, stride, padding }: { kernel: Pair; stride: number; padding: Pair }) {
    super();
    this.weight = declareWeight(cOut, cIn, ...kernel);
    this.stride = stride;
    this.padding = padding;
  }

  /** `x [b, in, h, w]` → `[b, out, h', w']` */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, null, this.stride, this.padding);
  }
}

/** What the variance of FID's network is kept above; torchvision's other networks take 1e-5. */
export const INCEPTION_NORM_EPS = 1e-3;

/** Normalization by stored statistics (Ioffe & Szegedy 2015), as at inference. */
class StoredNorm extends Module implements Layer {
  weight: Tensor; // [channels]
  bias: Tensor;
  runningMean: Tensor;
  runningVar: Tensor;

  constructor(channels: number) {
    super();
    this.weight = declareWeight(channels);
    this.bias = declareWeight(channels);
    this.runningMean = declareWeight(channels);
    this.runningVar = declareWeight(channels);
  }

  /** `x [b, channels, h, w]` → the same shape */
  forward(x: Tensor): Tensor {
    return batchNorm(x, this.weight, this.bias, this.runningMean, this.runningVar, false, 0, INCEPTION_NORM_EPS, false);
  }
}

interface ConvOptions {
  /** Default 1; a pair for a kernel that is not square. */
  readonly kernel?: number | Pair;
  readonly stride?: number;
  /** Keep the size at stride 1; default false. */
  readonly same?: boolean;
}

/** Convolution, normalization, ReLU. */
export class ConvNorm extends Module implements Layer {
  readonly conv: Kernel;
  readonly bn: StoredNorm;

  constructor(cIn: number, cOut: number, { kernel = 1, stride = 1, same = false }: ConvOptions = {}) {
    super();
    const [kh, kw] = typeof kernel === "number" ? [kernel, kernel] : kernel;
    const padding: Pair = same ? [(kh - 1) / 2, (kw - 1) / 2] : [0, 0];
    this.conv = new Kernel(cIn, cOut, { kernel: [kh, kw], stride, padding });
    this.bn = new StoredNorm(cOut);
  }

  /** `x [b, in, h, w]` → `[b, out, h', w']` */
  forward(x: Tensor): Tensor {
    return relu(this.bn.forward(this.conv.forward(x)));
  }
}

const chain = (x: Tensor, ...layers: readonly Layer[]): Tensor => layers.reduce((h, layer) => layer.forward(h), x);
/** TensorFlow's average does not count the padding. */
const average = (x: Tensor): Tensor => avgPool2d(x, 3, 1, 1, false, false);
const same = (kernel: number | Pair): ConvOptions => ({ kernel, same: true });

/** 1×1, 5×5, two 3×3, and pooling (Szegedy et al. 2016, fig. 5). */
export class InceptionA extends Module implements Layer {
  readonly branch1x1: ConvNorm;
  readonly branch5x5_1: ConvNorm;
  readonly branch5x5_2: ConvNorm;
  readonly branch3x3dbl_1: ConvNorm;
  readonly branch3x3dbl_2: ConvNorm;
  readonly branch3x3dbl_3: ConvNorm;
  readonly branch_pool: ConvNorm;

  constructor(cIn: number, { pooled }: { pooled: number }) {
    super();
    this.branch1x1 = new ConvNorm(cIn, 64);
    this.branch5x5_1 = new ConvNorm(cIn, 48);
    this.branch5x5_2 = new ConvNorm(48, 64, same(5));
    this.branch3x3dbl_1 = new ConvNorm(cIn, 64);
    this.branch3x3dbl_2 = new ConvNorm(64, 96, same(3));
    this.branch3x3dbl_3 = new ConvNorm(96, 96, same(3));
    this.branch_pool = new ConvNorm(cIn, pooled);
  }

  /** `x [b, in, h, w]` → `[b, 224 + pooled, h, w]` */
  forward(x: Tensor): Tensor {
    const wide = chain(x, this.branch5x5_1, this.branch5x5_2);
    const double = chain(x, this.branch3x3dbl_1, this.branch3x3dbl_2, this.branch3x3dbl_3);
    return cat([this.branch1x1.forward(x), wide, double, this.branch_pool.forward(average(x))], 1);
  }
}

/** Halves the sides: 35 to 17. */
export class InceptionB extends Module implements Layer {
  readonly branch3x3: ConvNorm;
  readonly branch3x3dbl_1: ConvNorm;
  readonly branch3x3dbl_2: ConvNorm;
  readonly branch3x3dbl_3: ConvNorm;

  constructor(cIn: number) {
    super();
    this.branch3x3 = new ConvNorm(cIn, 384, { kernel: 3, stride: 2 });
    this.branch3x3dbl_1 = new ConvNorm(cIn, 64);
    this.branch3x3dbl_2 = new ConvNorm(64, 96, same(3));
    this.branch3x3dbl_3 = new ConvNorm(96, 96, { kernel: 3, stride: 2 });
  }

  /** `x [b, in, h, w]` → `[b, 480 + in, h/2, w/2]` */
  forward(x: Tensor): Tensor {
    const double = chain(x, this.branch3x3dbl_1, this.branch3x3dbl_2, this.branch3x3dbl_3);
    return cat([this.branch3x3.forward(x), double, maxPool2d(x, 3, 2)], 1);
  }
}

/** 1×1, a 7×7 and two 7×7 taken apart into 1×7 and 7×1, and pooling (fig. 6). */
export class InceptionC extends Module implements Layer {
  readonly branch1x1: ConvNorm;
  readonly branch7x7_1: ConvNorm;
  readonly branch7x7_2: ConvNorm;
  readonly branch7x7_3: ConvNorm;
  readonly branch7x7dbl_1: ConvNorm;
  readonly branch7x7dbl_2: ConvNorm;
  readonly branch7x7dbl_3: ConvNorm;
  readonly branch7x7dbl_4: ConvNorm;
  readonly branch7x7dbl_5: ConvNorm;
  readonly branch_pool: ConvNorm;

  constructor(cIn: number, { inner }: { inner: number }) {
    super();
    this.branch1x1 = new ConvNorm(cIn, 192);
    this.branch7x7_1 = new ConvNorm(cIn, inner);
    this.branch7x7_2 = new ConvNorm(inner, inner, same([1, 7]));
    this.branch7x7_3 = new ConvNorm(inner, 192, same([7, 1]));
    this.branch7x7dbl_1 = new ConvNorm(cIn, inner);
    this.branch7x7dbl_2 = new ConvNorm(inner, inner, same([7, 1]));
    this.branch7x7dbl_3 = new ConvNorm(inner, inner, same([1, 7]));
    this.branch7x7dbl_4 = new ConvNorm(inner, inner, same([7, 1]));
    this.branch7x7dbl_5 = new ConvNorm(inner, 192, same([1, 7]));
    this.branch_pool = new ConvNorm(cIn, 192);
  }

  /** `x [b, in, h, w]` → `[b, 768, h, w]` */
  forward(x: Tensor): Tensor {
    const single = chain(x, this.branch7x7_1, this.branch7x7_2, this.branch7x7_3);
    const { branch7x7dbl_1: a, branch7x7dbl_2: b, branch7x7dbl_3: c, branch7x7dbl_4: d, branch7x7dbl_5: e } = this;
    const double = chain(x, a, b, c, d, e);
    return cat([this.branch1x1.forward(x), single, double, this.branch_pool.forward(average(x))], 1);
  }
}

/** Halves the sides: 17 to 8. */
export class InceptionD extends Module implements Layer {
  readonly branch3x3_1: ConvNorm;
  readonly branch3x3_2: ConvNorm;
  readonly branch7x7x3_1: ConvNorm;
  readonly branch7x7x3_2: ConvNorm;
  readonly branch7x7x3_3: ConvNorm;
  readonly branch7x7x3_4: ConvNorm;

  constructor(cIn: number) {
    super();
    this.branch3x3_1 = new ConvNorm(cIn, 192);
    this.branch3x3_2 = new ConvNorm(192, 320, { kernel: 3, stride: 2 });
    this.branch7x7x3_1 = new ConvNorm(cIn, 192);
    this.branch7x7x3_2 = new ConvNorm(192, 192, same([1, 7]));
    this.branch7x7x3_3 = new ConvNorm(192, 192, same([7, 1]));
    this.branch7x7x3_4 = new ConvNorm(192, 192, { kernel: 3, stride: 2 });
  }

  /** `x [b, in, h, w]` → `[b, 512 + in, h/2, w/2]` */
  forward(x: Tensor): Tensor {
    const small = chain(x, this.branch3x3_1, this.branch3x3_2);
    const large = chain(x, this.branch7x7x3_1, this.branch7x7x3_2, this.branch7x7x3_3, this.branch7x7x3_4);
    return cat([small, large, maxPool2d(x, 3, 2)], 1);
  }
}

/** 1×1, two branches that split into 1×3 and 3×1, and pooling (fig. 7). */
export class InceptionE extends Module implements Layer {
  readonly branch1x1: ConvNorm;
  readonly branch3x3_1: ConvNorm;
  readonly branch3x3_2a: ConvNorm;
  readonly branch3x3_2b: ConvNorm;
  readonly branch3x3dbl_1: ConvNorm;
  readonly branch3x3dbl_2: ConvNorm;
  readonly branch3x3dbl_3a: ConvNorm;
  readonly branch3x3dbl_3b: ConvNorm;
  readonly branch_pool: ConvNorm;
  private readonly pool: (x: Tensor) => Tensor;

  /** @param pooling FID's network takes the largest value in its last block, against the paper, and the mean before. */
  constructor(cIn: number, { pooling }: { pooling: "average" | "max" }) {
    super();
    this.branch1x1 = new ConvNorm(cIn, 320);
    this.branch3x3_1 = new ConvNorm(cIn, 384);
    this.branch3x3_2a = new ConvNorm(384, 384, same([1, 3]));
    this.branch3x3_2b = new ConvNorm(384, 384, same([3, 1]));
    this.branch3x3dbl_1 = new ConvNorm(cIn, 448);
    this.branch3x3dbl_2 = new ConvNorm(448, 384, same(3));
    this.branch3x3dbl_3a = new ConvNorm(384, 384, same([1, 3]));
    this.branch3x3dbl_3b = new ConvNorm(384, 384, same([3, 1]));
    this.branch_pool = new ConvNorm(cIn, 192);
    this.pool = pooling === "max" ? (x) => maxPool2d(x, 3, 1, 1) : average;
  }

  /** `x [b, in, h, w]` → `[b, 2048, h, w]` */
  forward(x: Tensor): Tensor {
    const small = this.branch3x3_1.forward(x);
    const double = chain(x, this.branch3x3dbl_1, this.branch3x3dbl_2);
    const parts = [this.branch3x3_2a.forward(small), this.branch3x3_2b.forward(small)];
    parts.push(this.branch3x3dbl_3a.forward(double), this.branch3x3dbl_3b.forward(double));
    return cat([this.branch1x1.forward(x), ...parts, this.branch_pool.forward(this.pool(x))], 1);
  }
}
