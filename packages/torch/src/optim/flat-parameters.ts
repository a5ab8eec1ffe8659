import { noGrad } from "../autograd.js";
import { empty, zeros } from "../factory.js";
import { cat, linalgVectorNorm } from "../functions.generated.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** A parameter's place: how to read it, and how to put another tensor there. */
export interface ParameterSlot {
  name: string;
  tensor: Tensor;
  replace(tensor: Tensor): void;
}

/**
 * Parameters as views of one float32 vector, their gradients as views of another. An optimizer step over a thousand
 * small matrices is then a handful of operations over one, and so are clipping, averaging and saving.
 */
export class FlatParameters {
  /** all values, `[n]` */
  readonly values: Tensor;
  /** all gradients, `[n]`; backward adds to it, `zeroGrad` empties it */
  readonly grads: Tensor;
  /** `values` as one parameter whose gradient is `grads` */
  readonly parameter: Tensor;
  readonly names: readonly string[];
  readonly views: readonly Tensor[];
  private readonly gradViews: readonly Tensor[];

  constructor(slots: readonly ParameterSlot[]) {
    const sizes = slots.map((s) => s.tensor.numel);
    const total = sizes.reduce((a, b) => a + b, 0);
    const device = slots[0]?.tensor.device ?? "cpu";
    this.names = slots.map((s) => s.name);
    this.values = keep(empty([total], { device }));
    this.grads = keep(zeros([total], { device }));
    const views: Tensor[] = [];
    const gradViews: Tensor[] = [];
    noGrad(() => {
      let at = 0;
      for (const [i, slot] of slots.entries()) {
        const { shape } = slot.tensor;
        const n = sizes[i] as number;
        const [view, grad] = scope(() => [
          this.values
            .narrow(0, at, n)
            .view(...shape)
            .copy_(slot.tensor)
            .detach(),
          this.grads.narrow(0, at, n).view(...shape),
        ]) as [Tensor, Tensor];
        keep(view).requiresGrad_();
        view.grad = keep(grad);
        slot.replace(view);
        slot.tensor.dispose();
        views.push(view);
        gradViews.push(grad);
        at += n;
      }
    });
    this.views = views;
    this.gradViews = gradViews;
    this.parameter = keep(this.values.detach()).requiresGrad_();
    this.parameter.grad = this.grads;
  }

  /** Number of values. */
  get size(): number {
    return this.values.size(0);
  }

  /**
   * Euclidean norm of all gradients, a scalar that stays on the device. Taken by short rows, then over the rows' norms,
   * and so on: one float32 sum over tens of millions of squares is off by a thousandth.
   */
  gradNorm(): Tensor {
    const row = 256;
    let values = this.grads;
    for (let n = this.size; n > row; n = values.size(0)) {
      const rows = Math.floor(n / row);
      const norms = linalgVectorNorm(values.narrow(0, 0, rows * row).view(rows, row), 2, [1]);
      values = cat([norms, values.narrow(0, rows * row, n - rows * row)], 0);
    }
    return linalgVectorNorm(values);
  }

  /** Sets all gradients to zero, in place: the views stay what backward adds to. */
  zeroGrad(): void {
    noGrad(() => this.grads.zero_());
  }

  dispose(): void {
    for (const t of [...this.views, ...this.gradViews, this.parameter, this.values, this.grads]) t.dispose();
  }
}
