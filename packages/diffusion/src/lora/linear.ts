import { adaptedLinear, Linear, type Tensor } from "@stillframe/torch";
import { LoraLayer, type LoraOptions } from "./layer.js";

/** `y = W x + b + multiplier · scale · B A x` with `A [rank, in]`, `B [out, rank]`. */
export class LoraLinear extends LoraLayer<Linear> {
  constructor(base: Linear, options: LoraOptions) {
    super(base, { a: [options.rank, base.inFeatures], b: [base.outFeatures, options.rank] }, options);
  }

  /** `x [..., in]` → `[..., out]` */
  forward(x: Tensor): Tensor {
    const { strength } = this;
    if (strength === 0) return this.base.forward(x);
    const { weight, bias } = this.base;
    if (this.dropout === 0 && !weight.requiresGrad)
      return adaptedLinear(x, weight, bias, { a: this.loraA, b: this.loraB, scale: strength });
    const y = this.base.forward(x);
    const { dtype } = y;
    const low = this.dropped(x).matmul(this.loraA.to(dtype).t());
    return y.add(low.matmul(this.loraB.to(dtype).t()), { alpha: strength });
  }

  protected product(): Tensor {
    return this.loraB.matmul(this.loraA);
  }

  protected emptyCopy(): Linear {
    return new Linear(this.base.inFeatures, this.base.outFeatures, { bias: this.base.bias !== null });
  }
}
