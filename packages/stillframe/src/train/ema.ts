import { keep, noGrad, type Tensor } from "@stillframe/torch";
import type { Trainable } from "./trainable.js";

/**
 * A moving average of what is trained (Polyak & Juditsky 1992). Early on the decay is (1 + n) / (10 + n), so that the
 * first steps' values do not linger.
 */
export class Ema {
  readonly averages: readonly Tensor[];
  private readonly trainable: Trainable;
  private readonly decay: number;

  constructor(trainable: Trainable, decay: number) {
    this.trainable = trainable;
    this.decay = decay;
    this.averages = noGrad(() => trainable.groups.map((g) => keep(g.parameters.values.clone())));
  }

  /** @param step steps taken, from 1 */
  update(step: number): void {
    const weight = 1 - Math.min(this.decay, (1 + step) / (10 + step));
    noGrad(() => {
      for (const [i, g] of this.trainable.groups.entries())
        (this.averages[i] as Tensor).lerp_(g.parameters.values, weight);
    });
  }

  /** Puts the averages in the place of the values; the function that it gives puts the values back, bit for bit. */
  lend(): () => void {
    const own = noGrad(() => this.trainable.groups.map((g) => keep(g.parameters.values.clone())));
    const put = (from: readonly Tensor[]) =>
      noGrad(() => {
        for (const [i, g] of this.trainable.groups.entries()) g.parameters.values.copy_(from[i] as Tensor);
      });
    put(this.averages);
    return () => {
      put(own);
      for (const t of own) t.dispose();
    };
  }

  /** Runs `body` with the averages in the place of the values. */
  async during<T>(body: () => Promise<T> | T): Promise<T> {
    const giveBack = this.lend();
    try {
      return await body();
    } finally {
      giveBack();
    }
  }

  dispose(): void {
    for (const t of this.averages) t.dispose();
  }
}
