import type { Sdxl } from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import type { Ema } from "../../train/ema.js";
import type { StepPlan } from "../../train/step-plan.js";
import type { Trainable } from "../../train/trainable.js";
import type { HeldOutLoss } from "./held-out-loss.js";
import { judgedWeights } from "./judged-weights.js";
import type { SampleDrawer } from "./sample-drawer.js";

export interface ValidationParts {
  options: Pick<TrainOptions, "validation_steps" | "validation_epochs">;
  plan: Pick<StepPlan, "stepsPerEpoch" | "totalSteps">;
  model: Sdxl;
  trainable: Trainable;
  ema: Ema | null;
  /** null without a prompt */
  drawer: SampleDrawer | null;
  /** null without held-out pictures */
  heldOut: HeldOutLoss | null;
}

export interface Look {
  signal: AbortSignal | undefined;
  /** the loss of this step is known already; pictures that are there are never drawn again */
  measured?: boolean;
}

/** What shows how far a run has come, now and then: pictures of a prompt and the loss on held-out pictures. */
export class Validation {
  private readonly parts: ValidationParts;

  constructor(parts: ValidationParts) {
    this.parts = parts;
  }

  /** Whether a step is one to look at: the start, the end, and by steps or by epochs between them. */
  isDue(step: number): boolean {
    const { options, plan, drawer, heldOut } = this.parts;
    if (drawer === null && heldOut === null) return false;
    if (step === 0 || step === plan.totalSteps) return true;
    const every = options.validation_steps ?? options.validation_epochs * plan.stepsPerEpoch;
    return step % every === 0;
  }

  /**
   * What there is to see before training goes on after `step`: the base model, and what an earlier start of the run was
   * stopped in.
   *
   * @returns false when `signal` ended it
   */
  async *before(step: number, look: Look): AsyncGenerator<TrainEvent, boolean> {
    const { drawer, trainable } = this.parts;
    // where the whole model is trained there is no base model any more once it has begun
    const base = step > 0 && drawer !== null && trainable.adapter !== null;
    if (base && !(yield* this.at(0, { ...look, measured: true }))) return false;
    return this.isDue(step) ? yield* this.at(step, look) : true;
  }

  /**
   * Looks at the model as it is after `step`: with averaged weights where they are kept, and without changing anything
   * that training goes on from.
   *
   * @returns false when `signal` ended it
   */
  async *at(step: number, { signal, measured = false }: Look): AsyncGenerator<TrainEvent, boolean> {
    const { trainable, ema, heldOut, drawer, model, plan } = this.parts;
    const draws = drawer !== null && !drawer.isDone(step);
    const measures = heldOut !== null && !measured;
    if (!draws && !measures) return true;
    const giveBack = judgedWeights(trainable, ema);
    try {
      if (measures) {
        const loss = yield* heldOut.evaluate(model, { step, signal });
        if (loss === null) return false;
        yield {
          type: "validation",
          step,
          epoch: Math.max(0, Math.ceil(step / plan.stepsPerEpoch) - 1),
          loss,
          pictures: heldOut.pictures,
        };
      }
      return draws ? yield* drawer.draw(model, { step, signal }) : true;
    } finally {
      giveBack();
    }
  }
}
