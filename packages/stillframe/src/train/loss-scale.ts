/**
 * Dynamic loss scaling for fp16 (Micikevicius et al. 2018, §3.2), with PyTorch's `GradScaler` defaults: an overflow
 * halves the scale and skips the step, 2,000 good steps double it.
 */
export class LossScale {
  scale: number;
  goodSteps: number;
  private readonly interval = 2000;

  constructor({ scale = 65536, goodSteps = 0 }: { scale?: number; goodSteps?: number } = {}) {
    this.scale = scale;
    this.goodSteps = goodSteps;
  }

  /** Learns whether the last step's gradients were finite. */
  update(finite: boolean): void {
    if (!finite) {
      this.scale = Math.max(this.scale / 2, 1);
      this.goodSteps = 0;
      return;
    }
    this.goodSteps += 1;
    if (this.goodSteps < this.interval) return;
    this.scale *= 2;
    this.goodSteps = 0;
  }
}
