import {
  type Conv2d,
  type Device,
  type DType,
  empty,
  type Generator,
  invalid,
  keep,
  type Layer,
  type Linear,
  Module,
  noGrad,
  normal,
  type Tensor,
  zeros,
} from "@stillframe/torch";

export interface LoraOptions {
  rank: number;
  /** `scale` is alpha / rank; equal to the rank unless said */
  alpha?: number;
  /** scale by alpha / √rank instead, which keeps the update's size at high ranks (Kalajdzievski 2023) */
  rankStabilized?: boolean;
}

/** The shapes of an update's two factors. */
export interface FactorShapes {
  a: readonly number[];
  b: readonly number[];
}

/**
 * A frozen layer with a low-rank update: `y = base(x) + multiplier · scale · B(A(x))` (Hu et al. 2021, §4.1). B starts at
 * zero, so step 0 is exactly the base model. A and B are float32 whatever the base is: an update far below a weight's
 * last bit still counts.
 */
export abstract class LoraLayer<Base extends Linear | Conv2d = Linear | Conv2d> extends Module implements Layer {
  readonly base: Base;
  loraA: Tensor; // [rank, …]
  loraB: Tensor; // [out, rank, …]
  readonly scale: number;
  /** the strength at which the adapter is used: 1 as trained, 0 for the base model */
  multiplier = 1;
  /** part of `A`'s input that is dropped while training */
  dropout = 0;
  /** what dropout draws from */
  dropoutGenerator: Generator | null = null;

  /** @param shapes of A and B at this rank */
  protected constructor(base: Base, shapes: FactorShapes, { rank, alpha = rank, rankStabilized = false }: LoraOptions) {
    super();
    this.base = base;
    this.loraA = keep(zeros(shapes.a));
    this.loraB = keep(zeros(shapes.b));
    this.scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  }

  get rank(): number {
    return this.loraA.size(0);
  }

  /** How strongly the update counts now: `multiplier · scale`. */
  protected get strength(): number {
    return this.scale * this.multiplier;
  }

  abstract forward(x: Tensor): Tensor;

  /** `B A` in the shape of the base's weight, in float32. */
  protected abstract product(): Tensor;

  /** A layer like the base without weights, which shares the base's bias. */
  protected abstract emptyCopy(): Base;

  /** A normal with standard deviation 1/rank, B zero: what the reference script calls gaussian (peft 0.20). */
  initializeAdapter(generator: Generator): void {
    this.loraA = normal(this.loraA, 1 / this.rank, generator);
  }

  /** Zeroes a part of `x` and scales the rest up (Srivastava et al. 2014). */
  protected dropped(x: Tensor): Tensor {
    if (this.dropout === 0) return x;
    if (this.dropoutGenerator === null) throw invalid("dropoutGenerator", "a Generator where dropout is above 0", null);
    const keepShare = 1 - this.dropout;
    const mask = noGrad(() =>
      empty(x.shape).bernoulli_(keepShare, { generator: this.dropoutGenerator }).div_(keepShare),
    );
    return x.mul(mask.to({ dtype: x.dtype, device: x.device }));
  }

  /** Moves the adapter's factors. */
  moveAdapter(device: Device): void {
    for (const name of ["loraA", "loraB"] as const) {
      const moved = this[name].to({ device });
      this[name].dispose();
      this[name] = keep(moved);
    }
  }

  /** `multiplier · scale · B A` in the shape of the base's weight, in float32. */
  delta(): Tensor {
    return this.product().mul(this.strength);
  }

  /**
   * A plain layer with the update folded in: `W + multiplier · scale · B A`. The base's bias is shared.
   *
   * @param dtype of the new weight; the base weight's unless said, which for a frozen base may be narrower than it computes
   */
  fuse({ dtype = this.base.weight.dtype }: { dtype?: DType } = {}): Base {
    const { weight, bias } = this.base;
    const fused = this.emptyCopy();
    fused.weight.dispose();
    fused.bias?.dispose();
    fused.weight = keep(noGrad(() => weight.to("float32").add(this.delta()).to(dtype)));
    fused.bias = bias;
    return fused;
  }
}
