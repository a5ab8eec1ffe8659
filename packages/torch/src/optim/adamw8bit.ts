import { noGrad } from "../autograd.js";
import type { DType } from "../dtype.js";
import { invalid } from "../errors.js";
import { zerosLike } from "../functions.generated.js";
import { keep, scope } from "../scope.js";
import type { Device, Tensor } from "../tensor.js";
import { type AdamSettings, checkAdamSettings } from "./adam-settings.js";
import type { AdamWOptions, ParameterGroup } from "./adamw.js";
import { CodeBook, QuantizedVector, stretches, stretchOf } from "./block-quantization.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { parameterGroups } from "./parameter-groups.js";
import { ownCopy, StateReader } from "./state-reader.js";

export interface AdamW8bitOptions extends AdamWOptions {
  /** elements that share a scale; an outlier costs its block alone */
  blockSize?: number;
  /** elements whose moments are float32 at a time, during a step */
  chunkSize?: number;
}

/** Smaller parameters keep float32 moments as the authors of the method do: they weigh little. */
const SMALLEST_QUANTIZED = 4096;

type Moments =
  | { kind: "full"; step: number; mean: Tensor; square: Tensor }
  | { kind: "quantized"; step: number; mean: QuantizedVector; square: QuantizedVector };

/** The code books of a device, one for each moment. */
interface Books {
  mean: CodeBook;
  square: CodeBook;
}

/**
 * AdamW whose moments are kept in 8 bits, quantized by blocks (Dettmers et al. 2022): a quarter of the memory. Each
 * step reads a stretch of them as float32, makes AdamW's update and rounds them again. The parameters are float32.
 * Parameters without a gradient are passed over whole: no moment, no decay.
 */
export class AdamW8bit implements Optimizer {
  readonly groups: ParameterGroup[];
  readonly settings: AdamSettings;
  private readonly sizes: { blockSize: number; chunkSize: number };
  private readonly moments = new Map<Tensor, Moments>();
  private readonly books = new Map<Device, Books>();

  constructor(
    parameters: readonly Tensor[] | readonly ParameterGroup[],
    {
      lr,
      betas = [0.9, 0.999],
      eps = 1e-8,
      weightDecay = 0.01,
      blockSize = 256,
      chunkSize = 2 ** 20,
    }: AdamW8bitOptions,
  ) {
    this.groups = parameterGroups(parameters, lr);
    this.settings = { betas, eps, weightDecay };
    checkAdamSettings(this.settings);
    for (const [name, n] of Object.entries({ blockSize, chunkSize }))
      if (!(Number.isSafeInteger(n) && n >= 1)) throw invalid(name, "an integer from 1", n);
    for (const p of this.parameters) {
      if (p.dtype !== "float32") throw invalid("the element type of parameters", "float32", p.dtype);
      if (!isRowMajor(p)) throw invalid("the strides of parameters", "those of C order", p.strides);
    }
    this.sizes = { blockSize, chunkSize };
  }

  private get parameters(): Tensor[] {
    return this.groups.flatMap((g) => g.parameters);
  }

  /** One step along the accumulated gradients. */
  step(): void {
    noGrad(() => {
      for (const { parameters, lr } of this.groups)
        for (const p of parameters)
          scope(() => {
            const g = p.grad;
            if (g !== null) this.update(p, g, { lr });
          });
    });
  }

  private update(p: Tensor, g: Tensor, { lr }: { lr: number }): void {
    const m = this.momentsOf(p);
    m.step += 1;
    const rate = { lr, step: m.step };
    if (m.kind === "full") {
      this.descend(p, g, { mean: m.mean, square: m.square, ...rate });
      return;
    }
    const [values, grads] = [p.view(-1), g.reshape(-1)];
    for (const at of stretches(p.numel, this.sizes))
      scope(() => {
        const [mean, square] = [m.mean.read(at), m.square.read(at)];
        this.descend(stretchOf(values, at), stretchOf(grads, at), { mean, square, ...rate });
        m.mean.write(at, mean);
        m.square.write(at, square);
      });
  }

  /** AdamW's update of tensors of one shape, in place: the operations of `AdamW`, in its order. */
  private descend(
    p: Tensor,
    g: Tensor,
    { mean, square, lr, step }: { mean: Tensor; square: Tensor; lr: number; step: number },
  ): void {
    const { betas, eps, weightDecay } = this.settings;
    const [beta1, beta2] = betas;
    p.mul_(1 - lr * weightDecay);
    mean.mul_(beta1).add_(g, { alpha: 1 - beta1 });
    square.mul_(beta2).addcmul_(g, g, { value: 1 - beta2 });
    const denominator = square
      .sqrt()
      .div_(Math.sqrt(1 - beta2 ** step))
      .add_(eps);
    p.addcdiv_(mean, denominator, { value: -lr / (1 - beta1 ** step) });
  }

  private momentsOf(p: Tensor): Moments {
    let m = this.moments.get(p);
    if (m === undefined) {
      const size = p.numel;
      if (size < SMALLEST_QUANTIZED)
        m = { kind: "full", step: 0, mean: keep(zerosLike(p)), square: keep(zerosLike(p)) };
      else {
        const { mean, square } = this.booksOf(p.device);
        const form = { size, blockSize: this.sizes.blockSize };
        m = {
          kind: "quantized",
          step: 0,
          mean: QuantizedVector.zeros(mean, form),
          square: QuantizedVector.zeros(square, form),
        };
      }
      this.moments.set(p, m);
    }
    return m;
  }

  private booksOf(device: Device): Books {
    let books = this.books.get(device);
    if (books === undefined) {
      books = {
        mean: new CodeBook({ signed: true, device }),
        square: new CodeBook({ signed: false, zeroExact: true, device }),
      };
      this.books.set(device, books);
    }
    return books;
  }

  /**
   * The moments of each parameter by its position (`0.mean.codes` and `0.mean.scales`, or `0.mean` where they are
   * float32; `0.square` likewise), the steps it has taken (`0.step`), and `blockSize`.
   */
  state(): OptimizerState {
    const tensors = new Map<string, Tensor>();
    const numbers: Record<string, number> = { blockSize: this.sizes.blockSize };
    for (const [i, p] of this.parameters.entries()) {
      const m = this.moments.get(p);
      if (m === undefined) continue;
      numbers[`${i}.step`] = m.step;
      if (m.kind === "full") tensors.set(`${i}.mean`, m.mean).set(`${i}.square`, m.square);
      else
        for (const name of ["mean", "square"] as const)
          tensors.set(`${i}.${name}.codes`, m[name].codes).set(`${i}.${name}.scales`, m[name].scales);
    }
    return { tensors, numbers };
  }

  /**
   * Continues from a state that `state` gave, in place of what there was.
   *
   * @throws InvalidArgumentError when it is another optimizer's state; nothing is changed then
   */
  loadState(state: OptimizerState): void {
    const reader = new StateReader(state);
    const { parameters } = this;
    const { blockSize } = this.sizes;
    reader.number("blockSize", String(blockSize), (n) => n === blockSize);
    const found = parameters.flatMap((p, i) =>
      reader.has(`${i}.step`) ? [{ p, copy: this.readMoments(reader, i, p) }] : [],
    );
    reader.done(`${parameters.length} parameters`);
    const loaded = found.map(({ p, copy }) => [p, copy()] as const);
    this.forget();
    for (const [p, m] of loaded) this.moments.set(p, m);
  }

  /** Checks one parameter's part of a state; what it returns copies it. */
  private readMoments(reader: StateReader, i: number, p: Tensor): () => Moments {
    const step = reader.steps(`${i}.step`, { from: 1 });
    const { device, numel: size } = p;
    const copyOf = (key: string, shape: readonly number[], dtype: DType) => {
      const t = reader.tensor(`${i}.${key}`, { shape, dtype });
      return () => ownCopy(t, device);
    };
    if (size < SMALLEST_QUANTIZED) {
      const [mean, square] = [copyOf("mean", p.shape, "float32"), copyOf("square", p.shape, "float32")];
      return () => ({ kind: "full", step, mean: mean(), square: square() });
    }
    const vector = (name: keyof Books) => {
      const codes = copyOf(`${name}.codes`, [size], "uint8");
      const scales = copyOf(`${name}.scales`, [Math.ceil(size / this.sizes.blockSize)], "float32");
      return () => new QuantizedVector(this.booksOf(device)[name], { codes: codes(), scales: scales() });
    };
    const [mean, square] = [vector("mean"), vector("square")];
    return () => ({ kind: "quantized", step, mean: mean(), square: square() });
  }

  private forget(): void {
    for (const { mean, square } of this.moments.values()) {
      mean.dispose();
      square.dispose();
    }
    this.moments.clear();
  }

  /** Frees the moments. */
  dispose(): void {
    this.forget();
    for (const { mean, square } of this.books.values()) {
      mean.dispose();
      square.dispose();
    }
    this.books.clear();
  }
}

/** Whether the elements lie one after the other, the last axis fastest. */
function isRowMajor({ shape, strides }: Tensor): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    const n = shape[d] as number;
    if (n !== 1 && strides[d] !== step) return false;
    step *= n;
  }
  return true;
}
