import { encodePrompts, type PromptEmbeddings, type Sdxl, vaeFactor } from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { keep, noGrad, scope } from "@stillframe/torch";
import { piecesOf } from "../../train/captions.js";
import { type LentVae, SampleDrawer, type SampleText } from "./sample-drawer.js";

/** Content tokens of a 77-token piece. */
const PIECE = 75;

/** The validation prompt's embeddings, made once while the frozen encoders are in memory; they belong to the run. */
export function encodeSampleText(
  model: Pick<Sdxl, "tokenizers" | "textEncoders" | "forceZerosForEmptyPrompt">,
  { validation_prompt, max_token_length }: Pick<TrainOptions, "validation_prompt" | "max_token_length">,
): SampleText {
  const encode = (prompt: string): PromptEmbeddings => {
    const e = noGrad(() => scope(() => encodePrompts(model, [prompt], { chunks: piecesOf(max_token_length) })));
    return { promptEmbeds: keep(e.promptEmbeds), textEmbeds: keep(e.textEmbeds) };
  };
  return {
    positive: encode(validation_prompt as string),
    negative: model.forceZerosForEmptyPrompt ? null : encode(""),
  };
}

/** A prompt that is cut is shown otherwise than it reads. */
export function promptWarning(
  { tokenizers }: Pick<Sdxl, "tokenizers">,
  { validation_prompt, max_token_length }: Pick<TrainOptions, "validation_prompt" | "max_token_length">,
): TrainEvent[] {
  const tokens = tokenizers[0].tokenize(validation_prompt ?? "").length;
  const limit = piecesOf(max_token_length) * PIECE;
  if (tokens <= limit) return [];
  return [
    {
      type: "warning",
      message: `the validation prompt has ${tokens} tokens and is cut after ${limit} (--max_token_length takes up to 225)`,
    },
  ];
}

/** The largest square that the model can draw and that is no larger than `resolution` (or its bucket). */
function sideOf(
  { unet, vae }: Pick<Sdxl, "unet" | "vae">,
  { resolution, aspect_ratio_buckets, bucket_step }: TrainOptions,
): number {
  const least = vaeFactor(vae.config) * 2 ** (unet.config.levels.length - 1);
  const step = aspect_ratio_buckets ? Math.max(least, bucket_step) : least;
  return Math.max(least, Math.floor(resolution / step) * step);
}

/** What draws a run's validation pictures; null without a prompt. */
export function makeSampleDrawer(
  model: Sdxl,
  options: TrainOptions,
  {
    seed,
    text,
    lendVae,
    runFolder,
  }: { seed: number; text: SampleText | null; lendVae: () => LentVae; runFolder: string },
): SampleDrawer | null {
  if (options.validation_prompt === null) return null;
  return new SampleDrawer({ options, runFolder, seed, side: sideOf(model, options), text, lendVae });
}
