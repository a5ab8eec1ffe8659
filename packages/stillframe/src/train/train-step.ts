import {
  diffusionLoss,
  encodeIds,
  type NoiseSchedule,
  type PromptEmbeddings,
  type PromptIds,
  type Sdxl,
  trainingExample,
} from "@stillframe/diffusion";
import {
  backward,
  cat,
  Generator,
  noGrad,
  type Optimizer,
  RecomputeTape,
  randn,
  scope,
  type Tensor,
  tensor,
} from "@stillframe/torch";
import type { LossScale } from "./loss-scale.js";
import { NotFiniteError } from "./not-finite-error.js";
import type { Precision } from "./precision.js";
import { derivedSeed, type Purpose, uniformNumbers } from "./randomness.js";
import type { RegionWeights } from "./region-weights.js";
import type { Trainable } from "./trainable.js";

/** The pictures of one forward and backward pass. */
export interface MicroBatch {
  /** posterior of each picture, `[1, 4, h, w]` */
  posteriors: readonly { mean: Tensor; std: Tensor }[];
  timeIds: readonly (readonly number[])[];
  /** what each place counts in the loss, for each picture; absent where all count alike */
  regions?: readonly RegionWeights[];
  /** embeddings where the encoders are frozen, ids where they are trained */
  prompts: { embeddings: readonly PromptEmbeddings[] } | { ids: PromptIds };
  /** for messages */
  names: readonly string[];
}

export interface StepSettings {
  seed: number;
  schedule: NoiseSchedule;
  snrGamma: number | undefined;
  noiseOffset: number;
  maxGradNorm: number;
  gradientCheckpointing: boolean;
  precision: Precision;
  /** whether a step tells what each picture had to do with its loss */
  recordPictures?: boolean;
}

/** What is drawn for a micro-batch, in one order: latents, noise, offset, timesteps. */
interface Draws {
  posterior: Tensor;
  noise: Tensor;
  timesteps: number[];
}

function draw(
  shape: readonly number[],
  settings: StepSettings,
  where: { purpose: Purpose; at: readonly number[] },
): Draws {
  const generator = new Generator(derivedSeed(settings.seed, where.purpose, ...where.at));
  const b = shape[0] as number;
  const posterior = randn(shape, { generator });
  let noise = randn(shape, { generator });
  if (settings.noiseOffset > 0)
    noise = noise.add(randn([b, shape[1] as number, 1, 1], { generator }), { alpha: settings.noiseOffset });
  const uniform = uniformNumbers(settings.seed, where.purpose, ...where.at, -1);
  const { trainSteps } = settings.schedule;
  return { posterior, noise, timesteps: Array.from({ length: b }, () => Math.floor(uniform() * trainSteps)) };
}

/** The loss of one micro-batch, a scalar in float32, recorded for differentiation; with `recordPictures` each picture's too, `[b]`. */
export function microBatchLoss(
  model: Sdxl,
  batch: MicroBatch,
  settings: StepSettings,
  where: { purpose: Purpose; at: readonly number[] },
): { loss: Tensor; timesteps: number[]; each: Tensor | null } {
  const { device, compute } = settings.precision;
  const { noisy, target, weights, regions, timesteps } = noGrad(() =>
    scope(() => {
      const on = (t: Tensor) => t.to({ device });
      const mean = on(
        cat(
          batch.posteriors.map((p) => p.mean),
          0,
        ),
      );
      const std = on(
        cat(
          batch.posteriors.map((p) => p.std),
          0,
        ),
      );
      const { posterior, noise, timesteps } = draw(mean.shape, settings, where);
      const latents = mean.add(std.mul(on(posterior))).mul(model.vae.config.scalingFactor);
      const example = trainingExample(latents, on(noise), {
        timesteps,
        schedule: settings.schedule,
        snrGamma: settings.snrGamma,
      });
      return { ...example, regions: batch.regions ? on(regionTensor(batch.regions)) : null, timesteps };
    }),
  );
  const text = "ids" in batch.prompts ? encodeIds(model, batch.prompts.ids) : joined(batch.prompts.embeddings, device);
  const prediction = model.unet.forward(noisy.to(compute), tensor(timesteps, { dtype: "int64", device }), {
    promptEmbeds: text.promptEmbeds,
    textEmbeds: text.textEmbeds,
    timeIds: tensor(batch.timeIds as number[][], { device }),
  });
  const each = settings.recordPictures ? noGrad(() => pictureLosses(prediction, target, { weights, regions })) : null;
  return { loss: diffusionLoss(prediction, target, { weights, regions }), timesteps, each };
}

/** What `diffusionLoss` is the mean of, `[b]`. */
const pictureLosses = (
  prediction: Tensor,
  target: Tensor,
  { weights, regions }: { weights: Tensor | null; regions: Tensor | null },
): Tensor => {
  const error = prediction.to("float32").sub(target).square();
  const each = (regions === null ? error : error.mul(regions)).flatten(1).mean([1]);
  return weights === null ? each : each.mul(weights);
};

/** `[b, 1, h, w]` */
const regionTensor = (rows: readonly RegionWeights[]): Tensor =>
  cat(
    rows.map(({ values, height, width }) => tensor(values, { shape: [1, 1, height, width] })),
    0,
  );

function joined(rows: readonly PromptEmbeddings[], device: Precision["device"]): PromptEmbeddings {
  return {
    promptEmbeds: cat(
      rows.map((r) => r.promptEmbeds),
      0,
    ).to({ device }),
    textEmbeds: cat(
      rows.map((r) => r.textEmbeds),
      0,
    ).to({ device }),
  };
}

/** What a step says of itself; reading it waits for the device. */
export interface StepResult {
  /** mean over the step's pictures */
  loss: number;
  /** before clipping; null when fp16 overflowed and the weights stayed as they were */
  gradNorm: number | null;
  /** each picture's loss and the timestep that it was shown at; empty unless `recordPictures` */
  pictures: { picture: string; loss: number; timestep: number }[];
}

/** Everything that changes from step to step. */
export interface StepState {
  model: Sdxl;
  trainable: Trainable;
  optimizer: Optimizer;
  lossScale: LossScale | null;
  settings: StepSettings;
}

/** A micro-batch's part of the step's loss; each picture's own loss where it is recorded. */
interface Accumulated {
  loss: Tensor;
  each: Tensor | null;
  timesteps: number[];
}

/** Adds one micro-batch's gradients; `share` is its part of the step's pictures. */
function accumulate(
  { model, trainable, lossScale, settings }: StepState,
  batch: MicroBatch,
  { step, micro, share }: { step: number; micro: number; share: number },
): Accumulated {
  const where = { purpose: "noise" as const, at: [step, micro] };
  trainable.generator.reseed(derivedSeed(settings.seed, "noise", step, micro, 1));
  const tape = settings.gradientCheckpointing ? new RecomputeTape({ generator: trainable.generator }) : null;
  const runners = [model.unet, ...model.textEncoders];
  const usual = runners.map((m) => m.runner);
  if (tape !== null) for (const m of runners) m.runner = (part, ...inputs) => tape.run(part, ...inputs);
  try {
    const { loss, each, timesteps } = microBatchLoss(model, batch, settings, where);
    const scaled = loss.mul(share * (lossScale?.scale ?? 1));
    if (tape === null) backward(scaled);
    else tape.backward(scaled);
    return { loss: loss.detach().mul(share), each, timesteps };
  } finally {
    tape?.dispose();
    for (const [i, m] of runners.entries()) m.runner = usual[i] as typeof m.runner;
  }
}

/** Norm of all gradients together, and the gradients scaled to at most `maxGradNorm`; no gradient leaves the device. */
function clip({ trainable, lossScale, settings }: StepState): Tensor {
  const unscale = 1 / (lossScale?.scale ?? 1);
  const grads = trainable.groups.map((g) => g.parameters.grads);
  if (unscale !== 1) for (const g of grads) g.mul_(unscale);
  const squares = trainable.groups.map((g) => g.parameters.gradNorm().square());
  const norm = squares.reduce((a, b) => a.add(b)).sqrt();
  const coefficient = norm.add(1e-6).reciprocal().mul(settings.maxGradNorm).clamp(null, 1);
  for (const g of grads) g.mul_(coefficient);
  return norm;
}

const recorded = (batches: readonly MicroBatch[], parts: readonly Accumulated[]): StepResult["pictures"] =>
  parts.flatMap(({ each, timesteps }, micro) => {
    const losses = each === null ? [] : [...(each.to({ device: "cpu" }).data() as Float32Array)];
    return losses.map((loss, i) => ({
      picture: batches[micro]?.names[i] as string,
      loss,
      timestep: timesteps[i] as number,
    }));
  });

/**
 * One change of the weights: gradients averaged over the pictures of all micro-batches, clipped together, then the
 * optimizer's step.
 *
 * @throws NotFiniteError when the loss is NaN or infinite, naming step and pictures; the weights are as before the step
 */
export function trainStep(
  state: StepState,
  batches: readonly MicroBatch[],
  { step, lr }: { step: number; lr: readonly number[] },
): StepResult {
  const { trainable, optimizer, lossScale } = state;
  const pictures = batches.reduce((n, b) => n + b.names.length, 0);
  for (const g of trainable.groups) g.parameters.zeroGrad();
  return scope(() => {
    const parts = batches.map((batch, micro) =>
      scope(() => accumulate(state, batch, { step, micro, share: batch.names.length / pictures })),
    );
    return noGrad(() => {
      const norm = clip(state);
      const [loss, gradNorm] = [
        parts
          .map((p) => p.loss)
          .reduce((a, b) => a.add(b))
          .item(),
        norm.item(),
      ];
      if (!Number.isFinite(loss)) {
        const names = [...new Set(batches.flatMap((b) => b.names))];
        throw new NotFiniteError(
          `the loss of step ${step} (pictures ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", …" : ""})`,
          "lower the learning rate, or use bf16 in place of fp16",
        );
      }
      const finite = Number.isFinite(gradNorm);
      lossScale?.update(finite);
      if (!finite) {
        if (lossScale !== null) return { loss, gradNorm: null, pictures: recorded(batches, parts) };
        throw new NotFiniteError(`the gradient of step ${step}`, "lower the learning rate");
      }
      for (const [i, g] of optimizer.groups.entries()) g.lr = lr[i] as number;
      optimizer.step();
      return { loss, gradNorm, pictures: recorded(batches, parts) };
    });
  });
}
