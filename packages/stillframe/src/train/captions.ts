import { noGrad, scope, type Tensor } from "@stillframe/torch";
import { encodePrompts, type PromptEmbeddings, type Sdxl } from "@stillframe/diffusion";
import { entryKey, type ShardCache } from "./shard-cache.js";

/** Content tokens of a 77-token piece. */
const PIECE = 75;

/** 77-token pieces that `max_token_length` allows. */
export const piecesOf = (maxTokenLength: number): number => (maxTokenLength === 77 ? 1 : maxTokenLength / PIECE);

/** Lengths of captions in tokens, and how many are cut at the longest allowed. */
export interface CaptionStatistics {
  captions: number;
  empty: number;
  cut: number;
  tokens: { least: number; median: number; most: number };
}

export function captionStatistics({ tokenizers }: Pick<Sdxl, "tokenizers">, captions: readonly string[], maxTokenLength: number): CaptionStatistics {
  const limit = piecesOf(maxTokenLength) * PIECE;
  const lengths = captions.map((c) => tokenizers[0].tokenize(c).length).sort((a, b) => a - b);
  const middle = lengths.length >> 1;
  const median = lengths.length % 2 === 1 ? lengths[middle] : ((lengths[middle - 1] ?? 0) + (lengths[middle] ?? 0)) / 2;
  return {
    captions: captions.length,
    empty: captions.filter((c) => c === "").length,
    cut: lengths.filter((n) => n > limit).length,
    tokens: { least: lengths[0] ?? 0, median: median ?? 0, most: lengths.at(-1) ?? 0 },
  };
}

/** Encodes captions with frozen encoders, once each. */
export class CaptionEncoder {
  private readonly model: Pick<Sdxl, "tokenizers" | "textEncoders">;
  private readonly cache: ShardCache;
  private readonly encodersKey: string;
  private readonly pieces: number;

  /** @param encodersKey a hash of the encoders' weights and of how they compute */
  constructor(model: Pick<Sdxl, "tokenizers" | "textEncoders">, { cache, encodersKey, pieces }: { cache: ShardCache; encodersKey: string; pieces: number }) {
    this.model = model;
    this.cache = cache;
    this.encodersKey = encodersKey;
    this.pieces = pieces;
  }

  private key(caption: string): string {
    return entryKey("caption", this.encodersKey, this.pieces, caption);
  }
  has(caption: string): boolean {
    return this.cache.has(this.key(caption));
  }

  /** Embeddings of one caption, `[1, 77·pieces, c]` and `[1, p]`; owned by the cache. */
  encode(caption: string): PromptEmbeddings {
    const key = this.key(caption);
    const known = this.cache.get(key);
    if (known !== undefined) return known as unknown as PromptEmbeddings;
    const entry = noGrad(() =>
      scope(() => {
        const e = encodePrompts(this.model, [caption], { chunks: this.pieces });
        return { promptEmbeds: onCpu(e.promptEmbeds), textEmbeds: onCpu(e.textEmbeds) };
      }),
    );
    this.cache.put(key, entry as unknown as Record<string, Tensor>);
    return entry;
  }
}

const onCpu = (t: Tensor): Tensor => t.to({ device: "cpu", copy: true });
