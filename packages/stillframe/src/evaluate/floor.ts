import { Generator, randperm, scope, type Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";

/** What a distance gives between real pictures and other real pictures. */
export interface RealFloor {
  /** Mean over the draws. */
  readonly mean: number;
  /** Standard deviation over the draws, of the population; 0 for one draw. */
  readonly std: number;
  /** Pictures that stood for the generated ones. */
  readonly size: number;
  /** Real pictures that they were compared with. */
  readonly reference: number;
  readonly values: readonly number[];
}

export interface FloorOptions {
  /** Pictures that stand for the generated ones: their number, or what the other half leaves where that is less. */
  readonly size: number;
  /** Default 5. */
  readonly draws?: number;
  readonly seed?: number;
}

/**
 * The floor under a distance: real pictures against other real pictures, at the same number. No generator can be expected
 * below it, and a distance means little near it. Where there are fewer than `size` pictures to spare, both sides get half.
 *
 * @param real `[m, d]`
 * @param distance between stand-ins `[size, d]` and the rest
 */
export function realFloor(
  real: Tensor,
  distance: (standIns: Tensor, rest: Tensor) => number,
  options: FloorOptions,
): RealFloor {
  const { draws = 5, seed = 0 } = options;
  const m = real.size(0);
  if (m < 4) throw invalid("real", "at least 4 pictures", m);
  if (!Number.isInteger(options.size) || options.size < 2)
    throw invalid("size", "an integer of at least 2", options.size);
  if (!Number.isInteger(draws) || draws < 1) throw invalid("draws", "a positive integer", draws);
  const size = Math.min(options.size, Math.floor(m / 2));
  const generator = new Generator(seed);
  const values = Array.from({ length: draws }, () =>
    scope(() => {
      const order = randperm(m, { generator });
      const standIns = real.indexSelect(0, order.narrow(0, 0, size));
      return distance(standIns, real.indexSelect(0, order.narrow(0, size, m - size)));
    }),
  );
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / values.length);
  return { mean, std, size, reference: m - size, values };
}
