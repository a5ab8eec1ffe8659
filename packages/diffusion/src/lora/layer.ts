import {
  adaptedLinear,
  type Device,
  type DType,
  empty,
  type Generator,
  invalid,
  keep,
  type Layer,
  Linear,
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

/**
 * `y = W x + b + multiplier · scale · B A x` (Hu et al. 2021, §4.1), with W frozen. B starts at zero, so step 0 is
 * exactly the base model. A and B are float32 whatever the base is: an update far below a weight's last bit still counts.
 */
export class LoraLinear extends Module implements Layer {
  readonly base: Linear;
  loraA: Tensor; // [rank, in]
  loraB: Tensor; // [out, rank]
  readonly scale: number;
  /** the strength at which the adapter is used: 1 as trained, 0 for the base model */
  multiplier = 1;
  /** part of `A`'s input that is dropped while training */
  dropout = 0;
  /** what dropout draws from */
  dropoutGenerator: Generator | null = null;

  constructor(base: Linear, { rank, alpha = rank, rankStabilized = false }: LoraOptions) {
    super();
    const max = Math.min(base.inFeatures, base.outFeatures);
    if (!Number.isInteger(rank) || rank < 1 || rank > max) throw invalid("rank", `an integer from 1 to ${max}`, rank);
    this.base = base;
    this.loraA = zeroed(rank, base.inFeatures);
    this.loraB = zeroed(base.outFeatures, rank);
    this.scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank);
  }
  get rank(): number {
    return this.loraA.size(0);
  }

  /** A normal with standard deviation 1/rank, B zero: what the reference script calls gaussian (peft 0.20). */
  initializeAdapter(generator: Generator): void {
    this.loraA = normal(this.loraA, 1 / this.rank, generator);
  }

  /** `x [..., in]` → `[..., out]` */
  forward(x: Tensor): Tensor {
    const strength = this.scale * this.multiplier;
    if (strength === 0) return this.base.forward(x);
    const { weight, bias } = this.base;
    if (this.dropout === 0 && !weight.requiresGrad)
      return adaptedLinear(x, weight, bias, { a: this.loraA, b: this.loraB, scale: strength });
    const y = this.base.forward(x);
    const { dtype } = y;
    const input = this.dropout > 0 ? this.dropped(x) : x;
    const low = input.matmul(this.loraA.to(dtype).t());
    return y.add(low.matmul(this.loraB.to(dtype).t()), { alpha: strength });
  }

  /** Zeroes a part of `x` and scales the rest up (Srivastava et al. 2014). */
  private dropped(x: Tensor): Tensor {
    if (this.dropoutGenerator === null) throw invalid("dropoutGenerator", "a Generator where dropout is above 0", null);
    const keepShare = 1 - this.dropout;
    const mask = noGrad(() =>
      empty(x.shape).bernoulli_(keepShare, { generator: this.dropoutGenerator }).div_(keepShare),
    );
    return x.mul(mask.to({ dtype: x.dtype, device: x.device }));
  }

  /** Moves the adapter's matrices. */
  moveAdapter(device: Device): void {
    for (const name of ["loraA", "loraB"] as const) {
      const moved = this[name].to({ device });
      this[name].dispose();
      this[name] = keep(moved);
    }
  }

  /** `multiplier · scale · B A`, `[out, in]` in float32. */
  delta(): Tensor {
    return this.loraB.matmul(this.loraA).mul(this.scale * this.multiplier);
  }

  /**
   * A plain layer with the update folded in: `W + multiplier · scale · B A`. The base's bias is shared.
   *
   * @param dtype of the new weight; the base weight's unless said, which for a frozen base may be narrower than it computes
   */
  fuse({ dtype = this.base.weight.dtype }: { dtype?: DType } = {}): Linear {
    const fused = new Linear(this.base.inFeatures, this.base.outFeatures, { bias: this.base.bias !== null });
    const { weight } = this.base;
    fused.weight.dispose();
    fused.bias?.dispose();
    fused.weight = keep(noGrad(() => weight.to("float32").add(this.delta()).to(dtype)));
    fused.bias = this.base.bias;
    return fused;
  }
}

const zeroed = (...shape: number[]): Tensor => keep(zeros(shape));
