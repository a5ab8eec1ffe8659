import {
  type AdaptedLayer,
  diffusionLoss,
  encodeIds,
  injectLora,
  LORA_PARTS,
  type LoraPart,
  loraParts,
  NoiseSchedule,
  type PredictionType,
  type PromptEmbeddings,
  removeLora,
  type Sdxl,
  TEXT_ENCODER_TARGETS,
  trainingExample,
  UNET_TARGETS,
} from "@stillframe/diffusion";
import {
  AdamW,
  backward,
  clipGradNorm,
  enableGrad,
  FileFormatError,
  type LrScheduleName,
  lrSchedule,
  noGrad,
  scope,
  type Tensor,
} from "@stillframe/torch";
import type { VectorFolder } from "../vector-folder.js";

export const INPUTS_FILE = "train/inputs.safetensors";
export const INIT_FILE = "train/lora_init.safetensors";

/** What the network is trained to say, and how much each picture counts. */
export interface Objective {
  prediction_type: PredictionType;
  snr_gamma: number | null;
}

/** A variant's settings, by the reference's names. */
export interface TrainConfig extends Objective {
  rank: number;
  /** as for all variants unless said */
  alpha?: number;
  train_te: boolean;
  accum: number;
  lr: number;
  wd: number;
  max_grad_norm: number;
  lr_scheduler: LrScheduleName;
  warmup: number;
  steps: number;
}

/** A trained matrix by the reference's name, `unet.<path>.lora_A`. */
export type Parameters = ReadonlyMap<string, Tensor>;

/**
 * Puts an adapter with the reference's A (and B, if wanted) on the model for the time of `body`.
 *
 * @throws FileFormatError when the file has no matrix for a layer, or one that does not fit
 */
export function withTrainableAdapter<T>(
  { folder, model }: { folder: VectorFolder; model: Sdxl },
  { parts, rank, alpha, withB }: { parts: readonly LoraPart[]; rank: number; alpha: number; withB: boolean },
  body: (parameters: Parameters) => T,
): T {
  const models = loraParts(model);
  try {
    const parameters = new Map<string, Tensor>();
    for (const part of parts) {
      const targets = part === "unet" ? UNET_TARGETS : TEXT_ENCODER_TARGETS;
      for (const { path, layer } of injectLora(models[part], { targets, rank, alpha })) {
        const name = `${part}.${path}`;
        fill(layer, {
          a: folder.input(INIT_FILE, `${name}.lora_A`),
          b: withB ? folder.input(INIT_FILE, `${name}.lora_B`) : null,
        });
        parameters.set(`${name}.lora_A`, layer.loraA.requiresGrad_());
        parameters.set(`${name}.lora_B`, layer.loraB.requiresGrad_());
      }
    }
    return body(parameters);
  } finally {
    for (const part of parts) removeLora(models[part]);
  }
}

function fill({ loraA, loraB }: AdaptedLayer["layer"], { a, b }: { a: Tensor; b: Tensor | null }): void {
  noGrad(() => {
    loraA.copy_(a);
    if (b !== null) loraB.copy_(b);
  });
}

/** The parts that a variant trains. */
export const trainedParts = (textEncoders: boolean): readonly LoraPart[] => (textEncoders ? LORA_PARTS : ["unet"]);

/** The loss of one micro-batch, differentiable. */
export function microLoss(
  { folder, model }: { folder: VectorFolder; model: Sdxl },
  index: number,
  { prediction_type, snr_gamma, train_te }: Objective & { train_te: boolean },
): Tensor {
  const input = (name: string) => folder.input(INPUTS_FILE, name).select(0, index);
  const schedule = NoiseSchedule.fromConfig({ ...model.scheduler.config, prediction_type });
  const timesteps = input("timesteps");
  const { noisy, target, weights } = trainingExample(input("latents"), input("noise"), {
    timesteps: timesteps.toArray(),
    schedule,
    ...(snr_gamma === null ? {} : { snrGamma: snr_gamma }),
  });
  const text = textOf({ folder, model }, input("prompt_rows"), train_te);
  const networkInput = noisy.to(model.unet.dtype);
  const prediction = model.unet.forward(networkInput, timesteps, { ...text, timeIds: input("time_ids") });
  return diffusionLoss(prediction, target, { weights });
}

/** Embeddings of a micro-batch's prompts: encoded anew where the encoders are trained, else as they are stored. */
function textOf(
  { folder, model }: { folder: VectorFolder; model: Sdxl },
  rows: Tensor,
  encode: boolean,
): PromptEmbeddings {
  const pick = (name: string) => folder.input(INPUTS_FILE, name).indexSelect(0, rows);
  if (!encode) return { promptEmbeds: pick("prompt_embeds"), textEmbeds: pick("pooled_prompt_embeds") };
  return encodeIds(model, { one: pick("input_ids_one").unsqueeze(1), two: pick("input_ids_two").unsqueeze(1) });
}

/** What a step of training leaves to compare. Gradients are there before clipping, parameters after the update. */
export interface StepTrace {
  step: number;
  microLosses: readonly number[];
  gradNorm: number;
  lr: number;
  /** the rate of the next step */
  lrAfter: number;
  parameters: Parameters;
}

/**
 * Trains as the reference does, and shows each step. The reference's launcher gives the learning-rate schedule warm-up
 * and length times the accumulation, and then moves it once an optimizer step.
 *
 * @param onGradients is called in every step before clipping
 */
export function* trainVariant(
  source: { folder: VectorFolder; model: Sdxl },
  config: TrainConfig,
  { parameters, onGradients }: { parameters: Parameters; onGradients: (step: number) => void },
): Generator<StepTrace> {
  const { accum, lr, wd, max_grad_norm, lr_scheduler, warmup, steps } = config;
  const factor = lrSchedule(lr_scheduler, { warmupSteps: warmup * accum, totalSteps: steps * accum });
  const list = [...parameters.values()];
  const optimizer = new AdamW(list, { lr, weightDecay: wd });
  try {
    for (let step = 1; step <= steps; step++) {
      const rate = lr * factor(step - 1);
      const trace = scope(() => {
        const microLosses = Array.from({ length: accum }, (_, i) => accumulate(source, (step - 1) * accum + i, config));
        onGradients(step);
        const gradNorm = clipGradNorm(list, max_grad_norm);
        for (const group of optimizer.groups) group.lr = rate;
        optimizer.step();
        optimizer.zeroGrad();
        return { step, microLosses, gradNorm, lr: rate, lrAfter: lr * factor(step) };
      });
      yield { ...trace, parameters };
    }
  } finally {
    optimizer.dispose();
  }
}

/** Adds the gradients of one micro-batch's share of the loss; returns the loss itself. */
function accumulate(source: { folder: VectorFolder; model: Sdxl }, index: number, config: TrainConfig): number {
  const available = source.folder.tensors(INPUTS_FILE).get("timesteps")?.size(0) ?? 0;
  if (index >= available)
    throw new FileFormatError(
      source.folder.pathOf(INPUTS_FILE),
      `there are ${available} micro-batches but step ${index} needs one more`,
    );
  return enableGrad(() => {
    const loss = microLoss(source, index, config);
    backward(loss.div(config.accum));
    return loss.detach().item();
  });
}
