import { adaptedConv2d, Conv2d, conv2d, type Tensor } from "@stillframe/torch";
import { LoraLayer, type LoraOptions } from "./layer.js";

/**
 * `y = W ∗ x + b + multiplier · scale · B ∗ (A ∗ x)`: A is a convolution like the base to `rank` channels, B one of 1 × 1
 * pixel (peft 0.20's Conv2d, which other trainers call LoCon). Together they are a convolution like the base whose
 * weight, taken as a matrix `[out, in · k · k]`, has at most this rank.
 */
export class LoraConv2d extends LoraLayer<Conv2d> {
  constructor(base: Conv2d, options: LoraOptions) {
    const [out, ...kernel] = base.weight.shape as [number, ...number[]];
    super(base, { a: [options.rank, ...kernel], b: [out, options.rank, 1, 1] }, options);
  }

  /** `[b, in, h, w]` → `[b, out, h', w']` */
  forward(input: Tensor): Tensor {
    const { strength, base } = this;
    if (strength === 0) return base.forward(input);
    // one use of the input, whose gradient is then one term whether or not what is around is recomputed (`RecomputeTape`)
    const x = input.alias();
    if (this.dropout === 0) return adaptedConv2d(x, base, { a: this.loraA, b: this.loraB, scale: strength });
    const y = base.forward(x);
    const low = conv2d(this.dropped(x), this.loraA.to(y.dtype), null, base.stride, base.padding);
    return y.add(conv2d(low, this.loraB.to(y.dtype)), { alpha: strength });
  }

  protected product(): Tensor {
    const { shape } = this.base.weight;
    return this.loraB
      .flatten(1)
      .matmul(this.loraA.flatten(1))
      .view(...shape);
  }

  protected emptyCopy(): Conv2d {
    const { weight, bias, stride, padding } = this.base;
    const [out, cIn, kernel] = weight.shape as [number, number, number];
    return new Conv2d(cIn, out, { kernel, stride, padding, bias: bias !== null });
  }
}
