import { noGrad } from "../autograd.js";
import { invalid } from "../errors.js";
import { linalgVectorNorm, stack, zerosLike } from "../functions.generated.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { type AdamSettings, checkAdamSettings } from "./adam-settings.js";
import type { ParameterGroup } from "./adamw.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { parameterGroups } from "./parameter-groups.js";
import { ownCopy, StateReader } from "./state-reader.js";

export interface ProdigyOptions extends Partial<AdamSettings> {
  /** factor on the step size that is found; a schedule's place */
  lr?: number;
  /** how slowly the estimate's sums forget; √β₂ unless said */
  beta3?: number | null;
  /** factor on the estimate: below 1 is more careful */
  dCoef?: number;
  /** first estimate: anything far below the distance to go */
  d0?: number;
  /** the estimate grows by at most this factor a step */
  growthRate?: number;
  /** correct the moments' bias as Adam does */
  useBiasCorrection?: boolean;
  /** leave `lr` out of the estimate's denominator, so that a warm-up's small rates do not make it too large */
  safeguardWarmup?: boolean;
}

/** What is kept for a parameter, each of its shape. */
interface Memory {
  mean: Tensor;
  square: Tensor;
  /** the parameter before its first step */
  start: Tensor;
  /** sum of gradients, weighted as in the estimate's denominator */
  sum: Tensor;
}
const MEMORY = ["mean", "square", "start", "sum"] as const;

/** The estimate of the distance from start to solution, which is the step size; of all groups together. */
interface Estimate {
  d: number;
  dMax: number;
  numerator: number;
  /** steps taken */
  step: number;
}

/**
 * Prodigy (Mishchenko & Defazio 2023, Algorithm 4): Adam whose step size is an estimate of the distance to the
 * solution, which grows from `d0` as gradients agree with the way already gone. `lr` is a factor on it, 1 unless there
 * is a schedule. The details that the paper leaves open are those of the authors' code: ε is scaled by the new
 * estimate, and decay is decoupled. A group of rate 0 rests whole: it neither moves, nor decays, nor counts in the
 * estimate. Parameters without a gradient are passed over.
 *
 * It keeps four numbers for each parameter, twice as many as AdamW.
 */
export class Prodigy implements Optimizer {
  readonly groups: ParameterGroup[];
  readonly settings: Readonly<Required<Omit<ProdigyOptions, "lr" | "beta3">> & { beta3: number }>;
  private estimate: Estimate;
  private readonly memories = new Map<Tensor, Memory>();

  constructor(
    parameters: readonly Tensor[] | readonly ParameterGroup[],
    {
      lr = 1,
      betas = [0.9, 0.999],
      beta3 = null,
      eps = 1e-8,
      weightDecay = 0,
      dCoef = 1,
      d0 = 1e-6,
      growthRate = Number.POSITIVE_INFINITY,
      useBiasCorrection = false,
      safeguardWarmup = false,
    }: ProdigyOptions = {},
  ) {
    this.groups = parameterGroups(parameters, lr);
    checkAdamSettings({ betas, eps, weightDecay });
    const third = beta3 ?? Math.sqrt(betas[1]);
    if (!(third >= 0 && third < 1)) throw invalid("beta3", "a number from 0 to below 1", beta3);
    if (!(d0 > 0 && d0 < Number.POSITIVE_INFINITY)) throw invalid("d0", "a number above 0", d0);
    if (!(dCoef > 0)) throw invalid("dCoef", "a number above 0", dCoef);
    if (!(growthRate >= 1)) throw invalid("growthRate", "a number from 1", growthRate);
    this.settings = {
      betas,
      beta3: third,
      eps,
      weightDecay,
      dCoef,
      d0,
      growthRate,
      useBiasCorrection,
      safeguardWarmup,
    };
    this.estimate = { d: d0, dMax: d0, numerator: 0, step: 0 };
  }

  /** The estimate: the step size is this times `lr`. */
  get d(): number {
    return this.estimate.d;
  }

  private get parameters(): Tensor[] {
    return this.groups.flatMap((g) => g.parameters);
  }

  /**
   * One step along the accumulated gradients.
   *
   * @throws InvalidArgumentError when groups that move have different rates: there is one estimate for all
   */
  step(): void {
    const lr = this.rate();
    if (lr === 0) return;
    noGrad(() =>
      scope(() => {
        const moving = this.groups
          .filter((g) => g.lr > 0)
          .flatMap((g) => g.parameters)
          .flatMap((p) => {
            const g = p.grad;
            return g === null ? [] : [{ p, g, m: this.memoryOf(p) }];
          });
        const dlr = this.stepSize(lr);
        if (!this.estimateFrom(moving, dlr)) return;
        for (const { p, m } of moving) scope(() => this.move(p, m, dlr));
        this.estimate.step += 1;
      }),
    );
  }

  /** The rate of the groups that move; 0 when all rest. */
  private rate(): number {
    const lr = Math.max(...this.groups.map((g) => g.lr));
    const other = this.groups.find((g) => g.lr !== lr && g.lr !== 0);
    if (other !== undefined) throw invalid("the lr of every group", `${lr}, or 0 to rest,`, other.lr);
    return lr;
  }

  /** The step size before this step's estimate: estimate, rate and bias correction. */
  private stepSize(lr: number): number {
    const { betas, useBiasCorrection } = this.settings;
    const { d, step } = this.estimate;
    const correction = useBiasCorrection ? Math.sqrt(1 - betas[1] ** (step + 1)) / (1 - betas[0] ** (step + 1)) : 1;
    return d * lr * correction;
  }

  /** Updates moments, sums and the estimate; false while every gradient has been zero. */
  private estimateFrom(moving: readonly { p: Tensor; g: Tensor; m: Memory }[], dlr: number): boolean {
    const { beta3, d0, dCoef, growthRate } = this.settings;
    const { d } = this.estimate;
    const products = scope(() => moving.flatMap(({ p, g, m }) => this.gather(p, g, { m, dlr })));
    // one reading for all groups: each waits for the device
    const read = products.length === 0 ? [] : stack(products).toArray();
    let numerator = this.estimate.numerator * beta3;
    let denominator = 0;
    for (let i = 0; i < read.length; i += 2) {
      numerator += (d / d0) * dlr * (read[i] as number);
      denominator += read[i + 1] as number;
    }
    if (denominator === 0) return false;
    const dHat = (dCoef * numerator) / denominator;
    const dMax = Math.max(this.estimate.dMax, dHat);
    // the first estimate is no measurement, so growth from it is not held back
    const from = d === d0 ? Math.max(d, dHat) : d;
    this.estimate = { ...this.estimate, numerator, dMax, d: Math.min(dMax, from * growthRate) };
    return true;
  }

  /** Takes one gradient into moments and sum → its product with the way gone, and the sum's absolute norm. */
  private gather(p: Tensor, g: Tensor, { m, dlr }: { m: Memory; dlr: number }): [Tensor, Tensor] {
    const { betas, beta3, d0, safeguardWarmup } = this.settings;
    const { d } = this.estimate;
    return scope(() => {
      const product = g.reshape(-1).dot(m.start.sub(p).reshape(-1));
      m.mean.mul_(betas[0]).add_(g, { alpha: d * (1 - betas[0]) });
      m.square.mul_(betas[1]).addcmul_(g, g, { value: d * d * (1 - betas[1]) });
      m.sum.mul_(beta3).add_(g, { alpha: (d / d0) * (safeguardWarmup ? d : dlr) });
      return [product, linalgVectorNorm(m.sum, 1)];
    });
  }

  private move(p: Tensor, { mean, square }: Memory, dlr: number): void {
    const { eps, weightDecay } = this.settings;
    const denominator = square.sqrt().add_(this.estimate.d * eps);
    if (weightDecay > 0) p.mul_(1 - weightDecay * dlr);
    p.addcdiv_(mean, denominator, { value: -dlr });
  }

  private memoryOf(p: Tensor): Memory {
    let m = this.memories.get(p);
    if (m === undefined) {
      const zeros = () => keep(zerosLike(p));
      m = { mean: zeros(), square: zeros(), start: keep(p.detach().clone()), sum: zeros() };
      this.memories.set(p, m);
    }
    return m;
  }

  /** What is kept for each parameter by its position (`0.mean`, `0.square`, `0.start`, `0.sum`), and the estimate. */
  state(): OptimizerState {
    const tensors = new Map<string, Tensor>();
    for (const [i, p] of this.parameters.entries()) {
      const m = this.memories.get(p);
      if (m !== undefined) for (const name of MEMORY) tensors.set(`${i}.${name}`, m[name]);
    }
    return { tensors, numbers: { ...this.estimate } };
  }

  /**
   * Continues from a state that `state` gave, in place of what there was.
   *
   * @throws InvalidArgumentError when it is another optimizer's state; nothing is changed then
   */
  loadState(state: OptimizerState): void {
    const reader = new StateReader(state);
    const positive = (key: string) => reader.number(key, "a number above 0", (n) => n > 0 && Number.isFinite(n));
    const estimate = {
      d: positive("d"),
      dMax: positive("dMax"),
      numerator: reader.number("numerator", "a number", Number.isFinite),
      step: reader.steps("step", { from: 0 }),
    };
    const { parameters } = this;
    const found = parameters.flatMap((p, i) => {
      if (!reader.has(`${i}.mean`)) return [];
      const [mean, square, start, sum] = MEMORY.map((name) => reader.tensor(`${i}.${name}`, p)) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      return [{ p, mean, square, start, sum }];
    });
    reader.done(`${parameters.length} parameters`);
    const loaded = found.map(({ p, ...m }) => {
      const copy = (t: Tensor) => ownCopy(t, p.device);
      return [p, { mean: copy(m.mean), square: copy(m.square), start: copy(m.start), sum: copy(m.sum) }] as const;
    });
    this.dispose();
    for (const [p, m] of loaded) this.memories.set(p, m);
    this.estimate = estimate;
  }

  /** Frees its tensors. */
  dispose(): void {
    for (const m of this.memories.values()) for (const name of MEMORY) m[name].dispose();
    this.memories.clear();
  }
}
