import { encodeIds, type PromptEmbeddings, type Sdxl, tokenizePrompts } from "@stillframe/diffusion";
import { noGrad, scope, type Tensor } from "@stillframe/torch";
import { type Entry, entryKey, type ShardCache } from "./shard-cache.js";

/** Content tokens of a 77-token piece. */
const PIECE = 75;

/** 77-token pieces that `max_token_length` allows. */
export const piecesOf = (maxTokenLength: number): number => (maxTokenLength === 77 ? 1 : maxTokenLength / PIECE);

/** The most content tokens that `max_token_length` allows. */
export const tokenLimit = (maxTokenLength: number): number => piecesOf(maxTokenLength) * PIECE;

/** Lengths of captions in tokens, and how many are cut at the longest allowed. */
export interface CaptionStatistics {
  captions: number;
  empty: number;
  cut: number;
  tokens: { least: number; median: number; most: number };
}

/** The middle value; 0 of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] as number;
  return ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Length of each caption in content tokens. */
export const tokenLengths = ({ tokenizers }: Pick<Sdxl, "tokenizers">, captions: readonly string[]): number[] =>
  captions.map((c) => tokenizers[0].tokenize(c).length);

export function captionStatistics(
  model: Pick<Sdxl, "tokenizers">,
  captions: readonly string[],
  maxTokenLength: number,
): CaptionStatistics {
  const limit = tokenLimit(maxTokenLength);
  const lengths = tokenLengths(model, captions);
  const bound = (choose: (a: number, b: number) => number) =>
    lengths.length === 0 ? 0 : lengths.reduce((a, b) => choose(a, b));
  return {
    captions: captions.length,
    empty: captions.filter((c) => c === "").length,
    cut: lengths.filter((n) => n > limit).length,
    tokens: { least: bound(Math.min), median: median(lengths), most: bound(Math.max) },
  };
}

/** Encodes captions with frozen encoders, once each. */
export class CaptionEncoder {
  private readonly model: Pick<Sdxl, "tokenizers" | "textEncoders">;
  private readonly cache: ShardCache;
  private readonly settings: readonly unknown[];
  private readonly pieces: number;
  private readonly keys = new Map<string, string>();

  /** @param encodersKey a hash of the encoders' weights and of how they compute */
  constructor(
    model: Pick<Sdxl, "tokenizers" | "textEncoders">,
    { cache, encodersKey, pieces }: { cache: ShardCache; encodersKey: string; pieces: number },
  ) {
    this.model = model;
    this.cache = cache;
    this.settings = ["caption", encodersKey, model.textEncoders.map((e) => e.config)];
    this.pieces = pieces;
  }

  /** The name of a caption's embeddings: a hash of its ids, so that another tokenizer gives another, and of all settings. */
  private key(caption: string): string {
    let key = this.keys.get(caption);
    if (key === undefined) {
      const ids = scope(() => {
        const { one, two } = tokenizePrompts(this.model, [caption], { chunks: this.pieces });
        return [one.toArray(), two.toArray()];
      });
      key = entryKey(this.settings, ids);
      this.keys.set(caption, key);
    }
    return key;
  }

  has(caption: string): boolean {
    return this.cache.has(this.key(caption));
  }

  /** Embeddings of one caption, `[1, 77·pieces, c]` and `[1, p]`; owned by the cache until it writes its next shard. */
  encode(caption: string): PromptEmbeddings {
    const key = this.key(caption);
    const known = this.cache.get(key);
    if (known !== undefined) return known as unknown as PromptEmbeddings;
    const made = noGrad(() =>
      scope(() => {
        const ids = tokenizePrompts(this.model, [caption], { chunks: this.pieces });
        const { promptEmbeds, textEmbeds } = encodeIds(this.model, ids);
        return { promptEmbeds: onCpu(promptEmbeds), textEmbeds: onCpu(textEmbeds) };
      }),
    );
    this.cache.put(key, made satisfies Entry);
    return made;
  }
}

const onCpu = (t: Tensor): Tensor => t.to({ device: "cpu", copy: true });
