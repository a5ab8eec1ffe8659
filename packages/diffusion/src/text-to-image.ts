import {
  cat,
  type Device,
  invalid,
  noGrad,
  type Generator as RandomGenerator,
  randn,
  scope,
  type Tensor,
  tensor,
  zerosLike,
} from "@stillframe/torch";
import { encodePrompts, type PromptEmbeddings } from "./prompt.js";
import {
  denoiser,
  type Network,
  type Sampler,
  type SampleStep,
  samplerFromDiffusers,
  skipMoves,
} from "./sample/index.js";
import { addNoise, type NoiseSchedule } from "./schedule/index.js";
import type { Sdxl } from "./sdxl.js";
import { vaeFactor } from "./vae/config.js";

/** Height and width in pixels, as SDXL orders them. */
export type Size = readonly [height: number, width: number];

export interface TextToImageOptions {
  prompts: readonly string[];
  /** one for each prompt, or one for all; absent means zeros (or the empty prompt, if the model says so) */
  negativePrompts?: readonly string[] | undefined;
  /** text for the second encoder, in place of the above */
  prompts2?: readonly string[] | undefined;
  negativePrompts2?: readonly string[] | undefined;
  /** the prompts as embeddings, where they are known already: the encoders are not used then; no negative is zeros */
  embeddings?: { positive: PromptEmbeddings; negative: PromptEmbeddings | null } | undefined;
  height: number;
  width: number;
  steps?: number;
  /** classifier-free guidance (Ho & Salimans 2022); 1 or below turns it off */
  guidanceScale?: number;
  /** Lin et al. 2023, §3.4: 0 is off */
  guidanceRescale?: number;
  /** the micro-conditions; sizes are the picture's own unless said */
  originalSize?: Size;
  cropTopLeft?: Size;
  targetSize?: Size;
  negativeOriginalSize?: Size;
  negativeCropTopLeft?: Size;
  negativeTargetSize?: Size;
  /** sampler and noise schedule; the model's own unless said */
  sampler?: Sampler;
  schedule?: NoiseSchedule;
  /** standard normal `[b, 4, h/f, w/f]`; drawn from `generators` unless given */
  latents?: Tensor;
  /** one for each prompt, so that a picture does not depend on its neighbours in the batch */
  generators?: readonly RandomGenerator[];
  /** 77-token pieces that a prompt may have */
  chunks?: number;
  /** start from a picture: latents `[b, 4, h/f, w/f]`, scaled, and how much of the way to go (0 to 1) */
  image?: { latents: Tensor; strength: number; noise: Tensor };
}

/** The sampler and schedule of the model's own scheduler. */
export function ownSampler({ scheduler }: Pick<Sdxl, "scheduler">): { sampler: Sampler; schedule: NoiseSchedule } {
  return samplerFromDiffusers(scheduler.className, scheduler.config);
}

function checkSize(model: Sdxl, name: string, size: number): void {
  const step = vaeFactor(model.vae.config);
  if (!Number.isInteger(size) || size < step || size % step !== 0)
    throw invalid(name, `a positive multiple of ${step}`, size);
}

/** Embeddings that were made before, where the network is. */
function knownText(
  { positive, negative }: NonNullable<TextToImageOptions["embeddings"]>,
  { guided, device }: { guided: boolean; device: Device },
): PromptEmbeddings {
  const own = (key: keyof PromptEmbeddings): Tensor => {
    const p = positive[key].to({ device });
    return guided ? cat([negative === null ? zerosLike(p) : negative[key].to({ device }), p], 0) : p.clone();
  };
  return { promptEmbeds: own("promptEmbeds"), textEmbeds: own("textEmbeds") };
}

function textOf(model: Sdxl, o: TextToImageOptions, guided: boolean): PromptEmbeddings {
  const n = o.prompts.length;
  if (o.embeddings !== undefined) return knownText(o.embeddings, { guided, device: model.unet.device });
  const chunks = o.chunks ?? 1;
  const each = (texts: readonly string[]) =>
    texts.length === 1 && n > 1 ? new Array<string>(n).fill(texts[0] as string) : texts;
  const positive = encodePrompts(model, o.prompts, { chunks, prompts2: o.prompts2 ?? o.prompts });
  if (!guided) return positive;
  const negatives = o.negativePrompts === undefined ? undefined : each(o.negativePrompts);
  if (negatives !== undefined && negatives.length !== n) throw invalid("negativePrompts", `1 or ${n} texts`, negatives);
  const zero = negatives === undefined && o.negativePrompts2 === undefined && model.forceZerosForEmptyPrompt;
  const texts = negatives ?? new Array<string>(n).fill("");
  const negative: PromptEmbeddings = zero
    ? { promptEmbeds: zerosLike(positive.promptEmbeds), textEmbeds: zerosLike(positive.textEmbeds) }
    : encodePrompts(model, texts, {
        chunks,
        prompts2: o.negativePrompts2 === undefined ? texts : each(o.negativePrompts2),
      });
  return {
    promptEmbeds: cat([negative.promptEmbeds, positive.promptEmbeds], 0),
    textEmbeds: cat([negative.textEmbeds, positive.textEmbeds], 0),
  };
}

function timeIdsOf(o: TextToImageOptions, guided: boolean): Tensor {
  const own: Size = [o.height, o.width];
  const positive = [...(o.originalSize ?? own), ...(o.cropTopLeft ?? [0, 0]), ...(o.targetSize ?? own)];
  const negative =
    o.negativeOriginalSize === undefined && o.negativeTargetSize === undefined
      ? positive
      : [...(o.negativeOriginalSize ?? own), ...(o.negativeCropTopLeft ?? [0, 0]), ...(o.negativeTargetSize ?? own)];
  const rows = (row: readonly number[]) => o.prompts.map(() => row);
  return tensor(guided ? [...rows(negative), ...rows(positive)] : rows(positive));
}

/** Rescales the guided prediction towards the conditional one's spread (Lin et al. 2023, eq. 15 and 16). */
function rescaled(guided: Tensor, positive: Tensor, amount: number): Tensor {
  const std = (x: Tensor) => x.flatten(1).std([1], { correction: 1 }).view(-1, 1, 1, 1);
  const same = guided.mul(std(positive).div(std(guided)));
  return same.mul(amount).add(guided.mul(1 - amount));
}

/** The UNet with its text and guidance as one network of latents and timestep, computing in float32 outside it. */
export function guidedNetwork(
  model: Pick<Sdxl, "unet">,
  {
    text,
    timeIds,
    guidanceScale,
    guidanceRescale,
  }: { text: PromptEmbeddings; timeIds: Tensor; guidanceScale: number; guidanceRescale: number },
): Network {
  const { dtype, device } = model.unet;
  const conditions = { promptEmbeds: text.promptEmbeds, textEmbeds: text.textEmbeds, timeIds };
  return (x, timestep) => {
    const guided = guidanceScale > 1;
    const input = (guided ? cat([x, x], 0) : x).to({ dtype, device });
    const out = model.unet.forward(input, tensor(timestep, { device }), conditions).to("float32");
    if (!guided) return out;
    const [negative, positive] = out.chunk(2, 0) as [Tensor, Tensor];
    const mixed = negative.add(positive.sub(negative), { alpha: guidanceScale });
    return guidanceRescale > 0 ? rescaled(mixed, positive, guidanceRescale) : mixed;
  };
}

function startNoise(model: Sdxl, o: TextToImageOptions): Tensor {
  const f = vaeFactor(model.vae.config);
  const shape = [1, model.unet.config.inChannels, o.height / f, o.width / f];
  const { device } = model.unet;
  if (o.latents !== undefined) return o.latents.to({ device });
  if (o.generators?.length !== o.prompts.length)
    throw invalid("generators", `${o.prompts.length}, one for each prompt`, o.generators?.length);
  return cat(
    o.generators.map((generator) => randn(shape, { generator, device })),
    0,
  );
}

/**
 * Draws pictures of prompts, all in one batch. Yields after every step of the sampler; returns the final latents
 * `[b, 4, h/f, w/f]`, scaled, which belong to the caller (`Vae.decode` makes the pictures).
 *
 * @throws InvalidArgumentError on sizes that the model cannot make, or texts that are not one for each prompt
 */
export function* textToImage(model: Sdxl, options: TextToImageOptions): Generator<SampleStep, Tensor, void> {
  const { steps = 50, guidanceScale = 5, guidanceRescale = 0 } = options;
  checkSize(model, "height", options.height);
  checkSize(model, "width", options.width);
  const own = ownSampler(model);
  const sampler = options.sampler ?? own.sampler;
  const schedule = options.schedule ?? own.schedule;
  const guided = guidanceScale > 1;
  const { device } = model.unet;

  const whole = sampler.plan(schedule, steps);
  const { image } = options;
  const skipped = image === undefined ? 0 : steps - Math.min(Math.floor(steps * image.strength), steps);
  const plan = skipped > 0 ? skipMoves(whole, skipped) : whole;
  const prepared = noGrad(() =>
    scope(() => {
      const start =
        image === undefined
          ? startNoise(model, options).mul(whole.initNoiseSigma)
          : addNoise(
              image.latents,
              image.noise,
              image.latents.shape
                .slice(0, 1)
                .flatMap((n) => new Array(n).fill((plan.moves[0] as { from: { alpha: number; sigma: number } }).from)),
            );
      return { x: start, text: textOf(model, options, guided), timeIds: timeIdsOf(options, guided).to({ device }) };
    }),
  );
  try {
    const network = guidedNetwork(model, {
      text: prepared.text,
      timeIds: prepared.timeIds,
      guidanceScale,
      guidanceRescale,
    });
    const noise = (): Tensor => {
      if (options.generators === undefined)
        throw invalid("generators", "one for each prompt (this sampler adds noise)", undefined);
      return cat(
        options.generators.map((generator) => randn([1, ...prepared.x.shape.slice(1)], { generator, device })),
        0,
      );
    };
    return yield* sampler.run(denoiser(network, { predictionType: schedule.predictionType }), prepared.x, {
      plan,
      noise,
    });
  } finally {
    for (const t of [prepared.x, prepared.text.promptEmbeds, prepared.text.textEmbeds, prepared.timeIds]) t.dispose();
  }
}
