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
import { checkAdamSettings } from "./adam-settings.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { parameterGroups } from "./parameter-groups.js";

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
export class AdamW implements Optimizer {
  readonly groups: ParameterGroup[];
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  private readonly moments = new Map<Tensor, Moments>();

  constructor(
    parameters: readonly Tensor[] | readonly ParameterGroup[],
    { lr, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 }: AdamWOptions,
  ) {
    this.groups = parameterGroups(parameters, lr);
    checkAdamSettings({ betas, eps, weightDecay });
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

  /** The moments of each parameter by its position (`0.mean`, `0.square`) and the steps it has taken (`0.step`). */
  state(): OptimizerState {
    const tensors = new Map<string, Tensor>();
    const numbers: Record<string, number> = {};
    for (const [i, p] of this.groups.flatMap((g) => g.parameters).entries()) {
      const m = this.moments.get(p);
      if (m === undefined) continue;
      numbers[`${i}.step`] = m.step;
      tensors.set(`${i}.mean`, m.mean);
      tensors.set(`${i}.square`, m.square);
    }
    return { tensors, numbers };
  }

  /**
   * Continues from a state that `state` gave, in place of what there was.
   *
   * @throws InvalidArgumentError when it is another optimizer's state; nothing is changed then
   */
  loadState({ tensors, numbers }: OptimizerState): void {
    const parameters = this.groups.flatMap((g) => g.parameters);
    const known = new Set(
      parameters.flatMap((_, i) =>
        numbers[`${i}.step`] === undefined ? [] : [`${i}.step`, `${i}.mean`, `${i}.square`],
      ),
    );
    const given = [...Object.keys(numbers), ...tensors.keys()];
    const stray = given.find((key) => !known.has(key));
    if (stray !== undefined) throw invalid("optimizer state", `the state of ${parameters.length} parameters`, stray);
    const loaded = parameters.flatMap((p, i) => {
      const step = numbers[`${i}.step`];
      if (step === undefined) return [];
      if (!(Number.isSafeInteger(step) && step > 0)) throw invalid(`${i}.step`, "an integer from 1", step);
      const moment = (key: string): Tensor => {
        const t = tensors.get(key);
        if (t?.shape.join() !== p.shape.join())
          throw invalid(key, `a tensor of shape [${p.shape.join(", ")}]`, t?.shape);
        return t;
      };
      return [{ p, step, mean: moment(`${i}.mean`), square: moment(`${i}.square`) }];
    });
    const old = [...this.moments.values()];
    this.moments.clear();
    const copy = (t: Tensor, { dtype, device }: Tensor) => keep(t.to({ dtype, device, copy: true }));
    for (const { p, step, mean, square } of loaded)
      this.moments.set(p, { step, mean: copy(mean, p), square: copy(square, p) });
    for (const m of old) {
      m.mean.dispose();
      m.square.dispose();
    }
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
