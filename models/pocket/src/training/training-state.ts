import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  AdamW,
  FlatParameters,
  keep,
  type Module,
  noGrad,
  readSafetensors,
  replaceWeight,
  scope,
  type Tensor,
  writeSafetensors,
} from "@stillframe/torch";
import { FileFormatError } from "@stillframe/torch/errors";

const TENSORS = "state.safetensors";
const NUMBERS = "state.json";

interface Numbers {
  step: number;
  /** seconds of training so far */
  seconds: number;
  names: string[];
  optimizer: Record<string, number>;
}

/** A module in training: its weights as one vector, AdamW's moments, a moving average, and how far it has come. */
export class TrainingState {
  readonly parameters: FlatParameters;
  readonly optimizer: AdamW;
  readonly average: Tensor; // [n]
  step = 0;
  seconds = 0;

  /** @param trains which weights are trained, by checkpoint key; all unless said */
  constructor(
    module: Module,
    {
      trains = () => true,
      betas = [0.9, 0.99],
      weightDecay = 0.01,
    }: { trains?: (key: string) => boolean; betas?: readonly [number, number]; weightDecay?: number } = {},
  ) {
    const slots = [...module.weights()].filter((w) => trains(w.key));
    this.parameters = new FlatParameters(
      slots.map((w) => ({ name: w.key, tensor: w.tensor, replace: (t) => replaceWeight(w, t) })),
    );
    this.optimizer = new AdamW([this.parameters.parameter], { lr: 0, betas, weightDecay });
    this.average = noGrad(() => keep(this.parameters.values.clone()));
  }

  /** One step along the gradients; the average's decay is (1 + n) / (10 + n) at first. */
  update(lr: number, decay: number): void {
    for (const g of this.optimizer.groups) g.lr = lr;
    this.optimizer.step();
    this.step += 1;
    const weight = 1 - Math.min(decay, (1 + this.step) / (10 + this.step));
    noGrad(() => this.average.lerp_(this.parameters.values, weight));
  }

  /** Runs `body` with the average in the place of the weights. */
  async withAverage<T>(body: () => Promise<T> | T): Promise<T> {
    const own = noGrad(() => keep(this.parameters.values.clone()));
    noGrad(() => this.parameters.values.copy_(this.average));
    try {
      return await body();
    } finally {
      noGrad(() => this.parameters.values.copy_(own));
      own.dispose();
    }
  }

  /** Writes everything into a folder that appears whole, in place of the one before. */
  save(folder: string): void {
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    const state = this.optimizer.state();
    writeSafetensors(join(partial, TENSORS), [
      ["values", this.parameters.values],
      ["average", this.average],
      ...[...state.tensors].map(([k, t]): [string, Tensor] => [`optimizer.${k}`, t]),
    ]);
    const numbers: Numbers = {
      step: this.step,
      seconds: this.seconds,
      names: [...this.parameters.names],
      optimizer: state.numbers,
    };
    writeFileSync(join(partial, NUMBERS), JSON.stringify(numbers));
    rmSync(`${folder}.old`, { recursive: true, force: true });
    if (existsSync(folder)) renameSync(folder, `${folder}.old`);
    renameSync(partial, folder);
    rmSync(`${folder}.old`, { recursive: true, force: true });
  }

  /**
   * Goes on from what `save` wrote.
   *
   * @returns whether there was anything
   * @throws FileFormatError when it is of another model
   */
  restore(folder: string): boolean {
    const path = existsSync(join(folder, NUMBERS)) ? folder : `${folder}.old`;
    if (!existsSync(join(path, NUMBERS))) return false;
    const numbers = JSON.parse(readFileSync(join(path, NUMBERS), "utf8")) as Numbers;
    if (numbers.names.join() !== this.parameters.names.join())
      throw new FileFormatError(path, "it holds other parameters than are trained here");
    noGrad(() =>
      scope(() => {
        const { tensors } = readSafetensors(join(path, TENSORS));
        for (const [name, into] of [
          ["values", this.parameters.values],
          ["average", this.average],
        ] as const) {
          const t = tensors.get(name);
          if (t === undefined || t.numel !== into.numel)
            throw new FileFormatError(path, `expected ${into.numel} numbers for ${name}`);
          into.copy_(t);
        }
        const moments = new Map(
          [...tensors].filter(([k]) => k.startsWith("optimizer.")).map(([k, t]) => [k.slice("optimizer.".length), t]),
        );
        this.optimizer.loadState({ tensors: moments, numbers: numbers.optimizer });
      }),
    );
    this.step = numbers.step;
    this.seconds = numbers.seconds;
    return true;
  }
}
