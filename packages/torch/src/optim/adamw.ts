import { noGrad } from "../autograd.js";
import { invalid } from "../errors.js";
import {
  foreachAdd_,
  foreachAddcdiv_,
  foreachAddcmul_,
  foreachAddScalar_,
  foreachDiv_,
  foreachMul_,
  foreachSqrt,
  zerosLike,
} from "../functions.generated.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

export interface AdamWOptions {
  lr: number;
  betas?: readonly [number, number];
  eps?: number;
  weightDecay?: number;
}

interface Moments {
  step: number;
  mean: Tensor;
  square: Tensor;
}

/** Parameters that share a learning rate. */
export interface ParameterGroup {
  parameters: readonly Tensor[];
  lr: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2), in the element type of the parameters.
 * Parameters without a gradient are passed over whole: no moment, no decay.
 */
export class AdamW {
  readonly groups: ParameterGroup[];
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  private readonly moments = new Map<Tensor, Moments>();

  constructor(parameters: readonly Tensor[] | readonly ParameterGroup[], { lr, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 }: AdamWOptions) {
    const isGroup = (p: Tensor | ParameterGroup): p is ParameterGroup => "parameters" in p;
    const list = parameters as readonly (Tensor | ParameterGroup)[];
    this.groups = list.some(isGroup)
      ? list.filter(isGroup).map((g) => ({ ...g }))
      : [{ parameters: list as readonly Tensor[], lr }];
    if (!(lr >= 0)) throw invalid("lr", "a number from 0", lr);
    for (const b of betas) if (!(b >= 0 && b < 1)) throw invalid("betas", "two numbers from 0 to below 1", betas);
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
  }

  /** One step along the accumulated gradients. */
  step(): void {
    noGrad(() => {
      for (const group of this.groups) scope(() => this.stepGroup(group));
    });
  }

  private stepGroup(group: ParameterGroup): void {
    const bySteps = new Map<number, { p: Tensor; g: Tensor; m: Moments }[]>();
    for (const p of group.parameters) {
      const g = p.grad;
      if (g === null) continue;
      const m = this.momentsOf(p);
      m.step += 1;
      const list = bySteps.get(m.step);
      if (list === undefined) bySteps.set(m.step, [{ p, g, m }]);
      else list.push({ p, g, m });
    }
    for (const [step, list] of bySteps) this.update(group.lr, step, list);
  }

  private update(lr: number, step: number, list: readonly { p: Tensor; g: Tensor; m: Moments }[]): void {
    const [beta1, beta2] = this.betas;
    const [p, g] = [list.map((e) => e.p), list.map((e) => e.g)];
    const [mean, square] = [list.map((e) => e.m.mean), list.map((e) => e.m.square)];
    foreachMul_(p, 1 - lr * this.weightDecay);
    foreachMul_(mean, beta1);
    foreachAdd_(mean, g, { alpha: 1 - beta1 });
    foreachMul_(square, beta2);
    foreachAddcmul_(square, g, g, 1 - beta2);
    const denominator = foreachSqrt(square);
    foreachDiv_(denominator, Math.sqrt(1 - beta2 ** step));
    foreachAddScalar_(denominator, this.eps);
    foreachAddcdiv_(p, mean, denominator, -lr / (1 - beta1 ** step));
  }

  private momentsOf(p: Tensor): Moments {
    let m = this.moments.get(p);
    if (m === undefined) {
      m = { step: 0, mean: keep(zerosLike(p)), square: keep(zerosLike(p)) };
      this.moments.set(p, m);
    }
    return m;
  }

  /** Forgets the gradients, so that the next backward starts from none. */
  zeroGrad(): void {
    for (const g of this.groups) for (const p of g.parameters) p.grad = null;
  }

  /** The state of each parameter by its position (`0.mean`, `0.square`) and the steps it has taken. */
  state(): { tensors: Map<string, Tensor>; steps: number[] } {
    const tensors = new Map<string, Tensor>();
    const steps: number[] = [];
    for (const [i, p] of this.groups.flatMap((g) => g.parameters).entries()) {
      const m = this.moments.get(p);
      steps.push(m?.step ?? 0);
      if (m === undefined) continue;
      tensors.set(`${i}.mean`, m.mean);
      tensors.set(`${i}.square`, m.square);
    }
    return { tensors, steps };
  }

  /** Continues from a state that `state` gave. */
  loadState({ tensors, steps }: { tensors: ReadonlyMap<string, Tensor>; steps: readonly number[] }): void {
    const parameters = this.groups.flatMap((g) => g.parameters);
    if (steps.length !== parameters.length)
      throw invalid("optimizer state", `steps of ${parameters.length} parameters`, steps.length);
    noGrad(() => {
      for (const [i, p] of parameters.entries()) {
        const [mean, square] = [tensors.get(`${i}.mean`), tensors.get(`${i}.square`)];
        const step = steps[i] as number;
        if (step === 0) continue;
        if (mean === undefined || square === undefined)
          throw invalid("optimizer state", `moments of parameter ${i}`, undefined);
        const m = this.momentsOf(p);
        m.step = step;
        m.mean.copy_(mean);
        m.square.copy_(square);
      }
    });
  }

  /** Frees the moments. */
  dispose(): void {
    for (const m of this.moments.values()) {
      m.mean.dispose();
      m.square.dispose();
    }
    this.moments.clear();
  }
}
