import { cat, type Tensor, tensor } from "@stillframe/torch";
import type { Sdxl } from "./sdxl.js";
import type { ClipTokenizer } from "./tokenizer.js";

/** Prompts as the UNet takes them. */
export interface PromptEmbeddings {
  /** `[b, 77·chunks, 2048]`: penultimate states of both encoders side by side */
  promptEmbeds: Tensor;
  /** `[b, 1280]`: the second encoder's projected output, of the first chunk */
  textEmbeds: Tensor;
}

/** Ids of prompts: `[b, chunks, 77]` for each tokenizer. */
export interface PromptIds {
  one: Tensor;
  two: Tensor;
}

function idsOf(tokenizer: ClipTokenizer, prompts: readonly string[], chunks: number): Tensor {
  const rows = prompts.map((p) =>
    chunks === 1 ? [tokenizer.encode(p).ids] : tokenizer.encodeChunks(p, { chunks }).rows,
  );
  const flat = rows.flat(2);
  return tensor(BigInt64Array.from(flat, BigInt), { shape: [prompts.length, chunks, tokenizer.maxLength] });
}

/**
 * Tokenizes for both encoders. A prompt longer than 75 tokens needs more chunks; what does not fit is cut, and
 * `ClipTokenizer.encode` tells.
 */
export function tokenizePrompts(
  { tokenizers }: Pick<Sdxl, "tokenizers">,
  prompts: readonly string[],
  { chunks = 1, prompts2 = prompts }: { chunks?: number; prompts2?: readonly string[] } = {},
): PromptIds {
  return { one: idsOf(tokenizers[0], prompts, chunks), two: idsOf(tokenizers[1], prompts2, chunks) };
}

/** Runs both encoders: `[b, chunks, 77]` ids → embeddings. Differentiable. */
export function encodeIds({ textEncoders }: Pick<Sdxl, "textEncoders">, { one, two }: PromptIds): PromptEmbeddings {
  const { b, chunks, t } = one.dims("b chunks t");
  const { device } = textEncoders[0].textModel.finalLayerNorm.weight;
  const flat = (ids: Tensor) => ids.to({ device }).view(b * chunks, t);
  const first = textEncoders[0].forward(flat(one));
  const second = textEncoders[1].forward(flat(two));
  const joined = cat([first.penultimate, second.penultimate], -1);
  const pooled = second.textEmbeds as Tensor;
  return {
    promptEmbeds: joined.view(b, chunks * t, -1),
    textEmbeds: chunks === 1 ? pooled : pooled.view(b, chunks, -1).select(1, 0),
  };
}

/** Text → embeddings; `prompts2` goes to the second encoder in place of `prompts`. */
export function encodePrompts(
  model: Pick<Sdxl, "tokenizers" | "textEncoders">,
  prompts: readonly string[],
  options: { chunks?: number; prompts2?: readonly string[] } = {},
): PromptEmbeddings {
  return encodeIds(model, tokenizePrompts(model, prompts, options));
}

/** Embeddings of several prompts as one batch. */
export function stackEmbeddings(rows: readonly PromptEmbeddings[]): PromptEmbeddings {
  return {
    promptEmbeds: cat(
      rows.map((r) => r.promptEmbeds),
      0,
    ),
    textEmbeds: cat(
      rows.map((r) => r.textEmbeds),
      0,
    ),
  };
}
