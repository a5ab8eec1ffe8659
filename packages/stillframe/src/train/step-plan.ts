import type { TrainOptions } from "@stillframe/schema";
import { permutation, uniformNumbers } from "./randomness.js";

/** One picture as a micro-batch shows it. */
export interface Showing {
  /** index of the picture */
  picture: number;
  epoch: number;
  /** index of the caption among the picture's */
  caption: number;
  flipped: boolean;
  /** which of the cached crops, for random crops */
  crop: number;
  /** the caption is replaced by the empty one */
  dropCaption: boolean;
}

/** One change of the weights: micro-batches whose gradients are averaged over all their pictures. */
export interface PlannedStep {
  /** from 1 */
  step: number;
  epoch: number;
  /** the last step of its epoch */
  endsEpoch: boolean;
  batches: readonly (readonly Showing[])[];
}

/** What the order of a run depends on. */
export interface PlanInput {
  seed: number;
  /** number of captions of each picture */
  captionCounts: readonly number[];
  /** pictures of one bucket have one size and may share a batch; all 0 without buckets */
  buckets: readonly number[];
  /** crops that each picture is cached with; 1 for a centre crop */
  crops: number;
}

/** Everything about the order of a run, as a function of its options: nothing depends on what ran before. */
export class StepPlan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly totalEpochs: number;
  private readonly options: TrainOptions;
  private readonly input: PlanInput;
  private readonly alwaysEmpty: ReadonlySet<number>;
  private readonly recent = new Map<number, number[][]>();

  constructor(options: TrainOptions, input: PlanInput) {
    this.options = options;
    this.input = input;
    const batches = this.batchesOf(0).length;
    this.stepsPerEpoch = Math.ceil(batches / options.gradient_accumulation_steps);
    this.totalSteps = options.max_train_steps ?? options.num_train_epochs * this.stepsPerEpoch;
    this.totalEpochs = Math.ceil(this.totalSteps / this.stepsPerEpoch);
    const n = input.captionCounts.length;
    const empty = Math.round(n * options.proportion_empty_prompts);
    this.alwaysEmpty = new Set(permutation(n, uniformNumbers(input.seed, "empty")).slice(0, empty));
  }

  /** The pictures of an epoch in batches: shuffled, and of one bucket each. Each picture is shown once. */
  private batchesOf(epoch: number): number[][] {
    const { seed, buckets } = this.input;
    const size = this.options.train_batch_size;
    const random = uniformNumbers(seed, "order", epoch);
    const groups = new Map<number, number[]>();
    for (const i of permutation(buckets.length, random)) {
      const bucket = buckets[i] as number;
      const group = groups.get(bucket);
      if (group === undefined) groups.set(bucket, [i]);
      else group.push(i);
    }
    const batches = [...groups.values()].flatMap((g) =>
      Array.from({ length: Math.ceil(g.length / size) }, (_, k) => g.slice(k * size, (k + 1) * size)),
    );
    if (groups.size === 1) return batches;
    return permutation(batches.length, random).map((i) => batches[i] as number[]);
  }

  /** How a picture is shown in an epoch. */
  showing(picture: number, epoch: number): Showing {
    const { seed, captionCounts, crops } = this.input;
    const random = uniformNumbers(seed, "augment", epoch, picture);
    const [caption, flip, drop] = [random(), random(), random()];
    return {
      picture,
      epoch,
      caption: Math.floor(caption * (captionCounts[picture] as number)),
      flipped: this.options.random_flip && flip < 0.5,
      crop: epoch % crops,
      dropCaption: this.alwaysEmpty.has(picture) || drop < this.options.caption_dropout,
    };
  }

  /** One step; null when there is none of that number. */
  at(step: number): PlannedStep | null {
    if (step < 1 || step > this.totalSteps) return null;
    const epoch = Math.floor((step - 1) / this.stepsPerEpoch);
    const i = (step - 1) % this.stepsPerEpoch;
    const accumulate = this.options.gradient_accumulation_steps;
    const own = this.epochBatches(epoch).slice(i * accumulate, (i + 1) * accumulate);
    return {
      step,
      epoch,
      endsEpoch: i === this.stepsPerEpoch - 1,
      batches: own.map((b) => b.map((p) => this.showing(p, epoch))),
    };
  }

  /** `batchesOf`, remembered for the epoch in hand and the one that its last step looks ahead to. */
  private epochBatches(epoch: number): number[][] {
    let batches = this.recent.get(epoch);
    if (batches === undefined) {
      batches = this.batchesOf(epoch);
      for (const e of this.recent.keys()) if (Math.abs(e - epoch) > 1) this.recent.delete(e);
      this.recent.set(epoch, batches);
    }
    return batches;
  }

  /** Steps `first` … `totalSteps`, in order. */
  *steps(first = 1): IterableIterator<PlannedStep> {
    for (let step = first; step <= this.totalSteps; step++) yield this.at(step) as PlannedStep;
  }
}
