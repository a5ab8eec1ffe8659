import { setImmediate } from "node:timers/promises";
import { diffusionLoss, encodeIds, type PromptEmbeddings, type Sdxl, trainingExample } from "@stillframe/diffusion";
import type { TrainEvent } from "@stillframe/schema";
import { noGrad, scope, type Tensor, tensor } from "@stillframe/torch";
import { NotFiniteError } from "../../train/not-finite-error.js";
import type { BatchSource } from "../../train/prepare.js";
import type { PlannedStep, Showing } from "../../train/step-plan.js";
import type { MicroBatch, StepSettings } from "../../train/train-step.js";
import { fixedNoise, fixedTimesteps, TIMESTEPS_EACH } from "./fixed-draws.js";

/** A held-out picture is shown with its first caption, not mirrored, cut from its middle. */
const showing = (picture: number): Showing => ({
  picture,
  epoch: 0,
  caption: 0,
  flipped: false,
  crop: 0,
  dropCaption: false,
});

/** The loss on pictures that are never trained on, with the same noise and timesteps at every evaluation. */
export class HeldOutLoss {
  readonly pictures: number;
  private readonly source: BatchSource;
  private readonly timesteps: readonly (readonly number[])[];
  private readonly settings: StepSettings;
  private readonly rows: number;

  /**
   * @param source of the held-out pictures, cut from their middle
   * @param options `rows` is how many examples one forward pass may have
   */
  constructor(
    source: BatchSource,
    { pictures, settings, rows }: { pictures: number; settings: StepSettings; rows: number },
  ) {
    this.pictures = pictures;
    this.source = source;
    this.settings = settings;
    this.rows = Math.min(rows, TIMESTEPS_EACH);
    this.timesteps = fixedTimesteps(pictures, {
      each: TIMESTEPS_EACH,
      trainSteps: settings.schedule.trainSteps,
      seed: settings.seed,
    });
  }

  /** What an evaluation shows, as a plan that `BatchSource.encode` takes. */
  static plan(pictures: number): PlannedStep[] {
    return pictures === 0
      ? []
      : [{ step: 0, epoch: 0, endsEpoch: true, batches: [Array.from({ length: pictures }, (_, i) => showing(i))] }];
  }

  /**
   * Tells its progress; gives the mean over all pictures and timesteps, or null when `signal` ended it.
   *
   * @throws NotFiniteError when a picture's loss is NaN or infinite
   */
  async *evaluate(
    model: Sdxl,
    { step, signal }: { step: number; signal: AbortSignal | undefined },
  ): AsyncGenerator<TrainEvent, number | null> {
    let sum = 0;
    for (let i = 0; i < this.pictures; i++) {
      await setImmediate();
      if (signal?.aborted) return null;
      const { batches, dispose } = await this.source.batches([[showing(i)]]);
      try {
        sum += this.pictureLoss(model, batches[0] as MicroBatch, i);
      } finally {
        dispose();
      }
      if (!Number.isFinite(sum))
        throw new NotFiniteError(
          `the validation loss after step ${step} (picture ${batches[0]?.names[0]})`,
          "lower the learning rate",
        );
      yield { type: "validating", step, what: "loss", done: i + 1, total: this.pictures };
    }
    return sum / this.pictures;
  }

  private pictureLoss(model: Sdxl, batch: MicroBatch, picture: number): number {
    const { seed, noiseOffset, precision } = this.settings;
    const { mean, std } = batch.posteriors[0] as { mean: Tensor; std: Tensor };
    return noGrad(() =>
      scope(() => {
        const { posterior, noise } = fixedNoise(mean.shape, {
          each: TIMESTEPS_EACH,
          seed,
          picture,
          offset: noiseOffset,
        });
        const latents = mean.add(std.mul(posterior)).mul(model.vae.config.scalingFactor);
        const text =
          "ids" in batch.prompts
            ? encodeIds(model, batch.prompts.ids)
            : (batch.prompts.embeddings[0] as PromptEmbeddings);
        const on = (t: Tensor) => t.to({ device: precision.device });
        let sum = 0;
        for (let from = 0; from < TIMESTEPS_EACH; from += this.rows) {
          const n = Math.min(this.rows, TIMESTEPS_EACH - from);
          const part = (t: Tensor) => on(t.narrow(0, from, n));
          const timesteps = (this.timesteps[picture] as readonly number[]).slice(from, from + n);
          sum +=
            n *
            this.rowsLoss(model, {
              latents: part(latents),
              noise: part(noise),
              timesteps,
              text: { promptEmbeds: on(text.promptEmbeds), textEmbeds: on(text.textEmbeds) },
              timeIds: batch.timeIds[0] as number[],
            });
        }
        return sum / TIMESTEPS_EACH;
      }),
    );
  }

  private rowsLoss(
    model: Sdxl,
    {
      latents,
      noise,
      timesteps,
      text,
      timeIds,
    }: {
      latents: Tensor;
      noise: Tensor;
      timesteps: readonly number[];
      text: PromptEmbeddings;
      timeIds: readonly number[];
    },
  ): number {
    const { schedule, snrGamma, precision } = this.settings;
    const { device, compute } = precision;
    const n = timesteps.length;
    return scope(() => {
      const { noisy, target, weights } = trainingExample(latents, noise, { timesteps, schedule, snrGamma });
      const prediction = model.unet.forward(noisy.to(compute), tensor([...timesteps], { dtype: "int64", device }), {
        promptEmbeds: text.promptEmbeds.expand(n, -1, -1),
        textEmbeds: text.textEmbeds.expand(n, -1),
        timeIds: tensor(
          timesteps.map(() => [...timeIds]),
          { device },
        ),
      });
      return diffusionLoss(prediction, target, { weights }).item();
    });
  }
}
