import { avgPool2d, cat, Generator, rand, randn, stack, type Tensor, tensor } from "@stillframe/torch";
import { Random } from "./random.js";

const SHIFT = 4;
const GAIN = 0.1;
const OFFSET = 0.08;
const NOISE = 0.04;

/**
 * Pictures `[b, 3, h, w]` in [-1, 1], each moved by some pixels, a little brighter or darker in each channel, blurred and
 * with noise: what does not change the answers should not change what the evaluator says. Colours change little, because
 * they are answers; nothing is mirrored, because left and right are.
 *
 * @param seed the same seed gives the same change
 */
export function augmented(x: Tensor, seed: string): Tensor {
  const random = new Random(seed);
  const generator = new Generator(random.integer(0, 2 ** 31 - 1));
  const b = x.size(0);
  const moved = stack(Array.from({ length: b }, (_, i) => shifted(x.narrow(0, i, 1).squeeze(0), random)));
  const each = (low: number, high: number, channels: number) =>
    rand([b, channels, 1, 1], { generator })
      .mul(high - low)
      .add(low);
  const tinted = moved
    .mul(each(1 - GAIN, 1 + GAIN, 1))
    .mul(each(1 - GAIN / 3, 1 + GAIN / 3, 3))
    .add(each(-OFFSET, OFFSET, 1));
  const soft = avgPool2d(replicated(tinted), 3, 1);
  const blur = each(-1, 1, 1).clamp(0, 1); // half of the pictures stay sharp
  const noise = randn(x.shape, { generator }).mul(each(-NOISE, NOISE, 1).clamp(0, NOISE));
  return tinted.add(soft.sub(tinted).mul(blur)).add(noise).clamp(-1, 1);
}

/** A picture `[3, h, w]` moved by up to `SHIFT` pixels; its edge is repeated. */
function shifted(x: Tensor, random: Random): Tensor {
  const along = (axis: number): Tensor => {
    const size = x.size(axis);
    const by = random.integer(-SHIFT, SHIFT);
    return tensor(
      Array.from({ length: size }, (_, i) => Math.min(size - 1, Math.max(0, i + by))),
      { dtype: "int64" },
    );
  };
  return x.indexSelect(1, along(1)).indexSelect(2, along(2));
}

/** With its edge repeated once on every side. */
function replicated(x: Tensor): Tensor {
  const around = (t: Tensor, axis: number) => cat([t.narrow(axis, 0, 1), t, t.narrow(axis, t.size(axis) - 1, 1)], axis);
  return around(around(x, 2), 3);
}
