import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FileFormatError, invalid, show } from "@stillframe/torch/errors";

/** What `encode` returns: one row of ids for a text encoder. */
export interface Encoding {
  /** `[maxLength]` ids: start, content, end, then padding. */
  readonly ids: number[];
  /** Tokens of the whole text with start and end, before anything was cut. */
  readonly length: number;
  /** Whether content was cut to fit. */
  readonly truncated: boolean;
}

/** What `encodeChunks` returns: one row per chunk. */
export interface ChunkedEncoding {
  /** `[chunks][maxLength]` ids; each row has its own start, end and padding. */
  readonly rows: number[][];
  /** Tokens of the whole text with one start and one end, before anything was cut. */
  readonly length: number;
  /** Whether content was cut to fit into the rows. */
  readonly truncated: boolean;
}

/** The parts of a tokenizer, as its files give them. */
export interface ClipTokenizerParts {
  /** Token to id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Pairs of tokens to merge, the most important first. */
  readonly merges: readonly (readonly [string, string])[];
  /** Tokens that are never split or lower-cased, with their ids; the special tokens must be among them. */
  readonly added: ReadonlyMap<string, number>;
  readonly bosToken: string;
  readonly eosToken: string;
  readonly padToken: string;
  readonly unkToken: string;
  /** Row length of `encode`, 77 for CLIP. */
  readonly maxLength: number;
}

const END_OF_WORD = "</w>";

/** The most merges that the reference reads: 49,152 less the 256 byte units and two special tokens. */
const MAX_MERGES = 49_152 - 256 - 2;

/** Words whose ids are remembered. Captions repeat words; a set of 100,000 captions has fewer than this many. */
const MAX_CACHED_WORDS = 1 << 17;

/**
 * The pieces that are merged on their own: special tokens typed in another case, English endings, runs of letters,
 * single digits, runs of anything else. The reference matches case-insensitively; the text is lower-case already, so
 * only the long s, which is lower-case and yet equal to "s" without case, needs to be named.
 */
const PIECES = /<\|[sſ]tartoftext\|>|<\|endoftext\|>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/** Without case the iota below counts as the letter iota, so that none of the reference's pieces takes it. */
const IOTA_BELOW = "\u0345";

/** Control, format, private-use, unassigned and lone surrogate characters, and the replacement character, are dropped. */
const DROPPED = /(?![\t\n\r])[\p{C}\uFFFD]/gu;

/** The blocks of Chinese characters that stand as words of their own (not kana, not hangul). */
const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;

const utf8 = new TextEncoder();

/**
 * CLIP's byte-level byte-pair tokenizer, with the semantics of the reference's slow `CLIPTokenizer` where `ftfy` is
 * not installed: control characters dropped, Chinese characters apart, NFC, lower case, accents kept.
 */
export class ClipTokenizer {
  readonly bosTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  /** Row length of `encode`: content and the two special tokens. */
  readonly maxLength: number;
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #added: ReadonlyMap<string, number>;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #unkTokenId: number;
  readonly #splitAdded: RegExp;
  readonly #cache = new Map<string, readonly number[]>();

  constructor(parts: ClipTokenizerParts) {
    this.#vocabulary = parts.vocabulary;
    this.#added = parts.added;
    this.#ranks = new Map(parts.merges.map(([a, b], rank) => [`${a} ${b}`, rank]));
    this.maxLength = checkMaxLength(parts.maxLength);
    this.bosTokenId = specialId(parts, "bosToken");
    this.eosTokenId = specialId(parts, "eosToken");
    this.padTokenId = specialId(parts, "padToken");
    this.#unkTokenId = specialId(parts, "unkToken");
    const longestFirst = [...parts.added.keys()].sort((a, b) => b.length - a.length);
    this.#splitAdded = new RegExp(`(${longestFirst.map(escapeRegExp).join("|")})`, "u");
  }

  /**
   * Reads `vocab.json`, `merges.txt`, `tokenizer_config.json` and `special_tokens_map.json` of a diffusers `tokenizer/`
   * or `tokenizer_2/` folder.
   *
   * @throws FileFormatError that names the file, if one is missing, broken, or does not fit the others.
   */
  static fromFolder(folder: string): ClipTokenizer {
    const vocabulary = readIds(join(folder, "vocab.json"));
    const merges = readMerges(join(folder, "merges.txt"), vocabulary);
    return new ClipTokenizer({ vocabulary, merges, ...readSpecialTokens(folder, vocabulary) });
  }

  /** The ids of `text` alone: no start, end or padding, nothing cut. */
  tokenize(text: string): number[] {
    if (typeof text !== "string") throw invalid("text", "a string", text);
    const ids: number[] = [];
    // Splitting by a pattern with one group gives the separators at the odd places.
    text.split(this.#splitAdded).forEach((part, i) => {
      if (i % 2 === 1) ids.push(this.#added.get(part)!);
      else for (const [piece] of normalize(part).matchAll(PIECES)) for (const id of this.#merge(piece)) ids.push(id);
    });
    return ids;
  }

  /** One padded row. Content beyond `maxLength - 2` tokens is cut; the end token stays. */
  encode(text: string, options: { readonly maxLength?: number } = {}): Encoding {
    const maxLength = options.maxLength === undefined ? this.maxLength : checkMaxLength(options.maxLength);
    const content = this.tokenize(text);
    const length = content.length + 2;
    return { ids: this.#row(content.slice(0, maxLength - 2), maxLength), length, truncated: length > maxLength };
  }

  /**
   * A long text as `chunks` rows of `maxLength`: the content is cut into runs of `maxLength - 2` tokens, and each run is
   * wrapped in start and end and padded. 1, 2 and 3 chunks are the limits of 77, 150 and 225 tokens that trainers offer.
   * Content beyond the last row is cut. Rows without content hold start, end and padding.
   */
  encodeChunks(text: string, options: { readonly chunks: number }): ChunkedEncoding {
    const { chunks } = options;
    if (!Number.isInteger(chunks) || chunks < 1 || chunks > 64)
      throw invalid("chunks", "an integer from 1 to 64", chunks);
    const content = this.tokenize(text);
    const run = this.maxLength - 2;
    const rows = Array.from({ length: chunks }, (_, i) =>
      this.#row(content.slice(i * run, (i + 1) * run), this.maxLength),
    );
    return { rows, length: content.length + 2, truncated: content.length > chunks * run };
  }

  #row(content: readonly number[], maxLength: number): number[] {
    const ids = [this.bosTokenId, ...content, this.eosTokenId];
    while (ids.length < maxLength) ids.push(this.padTokenId);
    return ids;
  }

  /** Byte-pair merging of one piece: always the pair of lowest rank, at all its places at once. */
  #merge(piece: string): readonly number[] {
    const known = this.#cache.get(piece);
    if (known) return known;
    const ids = this.#mergedSymbols(piece).map((symbol) => this.#id(symbol));
    if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear();
    this.#cache.set(piece, ids);
    return ids;
  }

  #mergedSymbols(piece: string): string[] {
    // Upper-case or mixed-case special tokens have become these by now, and stand for the special tokens as well.
    if (piece === "<|startoftext|>" || piece === "<|endoftext|>") return [piece];
    let symbols = Array.from(utf8.encode(piece), (byte) => BYTE_UNITS[byte]!);
    symbols[symbols.length - 1] += END_OF_WORD;
    for (;;) {
      const pair = this.#bestPair(symbols);
      if (!pair) return symbols;
      symbols = mergePair(symbols, pair);
    }
  }

  #bestPair(symbols: readonly string[]): readonly [string, string] | undefined {
    let best: readonly [string, string] | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = this.#ranks.get(`${symbols[i]} ${symbols[i + 1]}`);
      if (rank === undefined || rank >= bestRank) continue;
      bestRank = rank;
      best = [symbols[i]!, symbols[i + 1]!];
    }
    return best;
  }

  #id(symbol: string): number {
    return this.#added.get(symbol) ?? this.#vocabulary.get(symbol) ?? this.#unkTokenId;
  }
}

/** The reference's clean-up of the text between special tokens. */
function normalize(text: string): string {
  return text.replace(DROPPED, "").replace(CHINESE, " $& ").normalize("NFC").toLowerCase().replaceAll(IOTA_BELOW, " ");
}

function mergePair(symbols: readonly string[], [first, second]: readonly [string, string]): string[] {
  const merged: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === first && symbols[i + 1] === second) {
      merged.push(first + second);
      i++;
    } else merged.push(symbols[i]!);
  }
  return merged;
}

/**
 * The printable character that stands for each byte in the vocabulary (Radford et al. 2019): printable Latin-1 bytes
 * stand for themselves, the other 68 bytes take the characters from U+0100 in order.
 */
const BYTE_UNITS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCodePoint(printable ? byte : next++);
  });
})();

function checkMaxLength(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 2 || (value as number) > 65_536)
    throw invalid("maxLength", "an integer from 2 to 65536", value);
  return value as number;
}

function specialId(parts: ClipTokenizerParts, name: "bosToken" | "eosToken" | "padToken" | "unkToken"): number {
  const id = parts.added.get(parts[name]);
  if (id === undefined) throw invalid(name, "one of the added tokens", parts[name]);
  return id;
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

// Reading the files.

type Json = Record<string, unknown>;

function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new FileFormatError(path, "expected a file of a CLIP tokenizer here but it does not exist");
    throw new FileFormatError(path, `expected a readable UTF-8 file but ${(error as Error).message}`);
  }
}

function readObject(path: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof FileFormatError) throw error;
    throw new FileFormatError(path, `expected JSON but ${(error as Error).message}`);
  }
  if (!isObject(value)) throw new FileFormatError(path, "expected a JSON object");
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON object from token to id, each id used once. */
function readIds(path: string): Map<string, number> {
  const ids = new Map<string, number>();
  const seen = new Map<number, string>();
  for (const [token, id] of Object.entries(readObject(path))) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0)
      throw new FileFormatError(path, `expected an id of 0 or more for token ${show(token)} but found ${show(id)}`);
    if (seen.has(id))
      throw new FileFormatError(
        path,
        `expected one token for each id but ${show(seen.get(id))} and ${show(token)} both have ${id}`,
      );
    seen.set(id, token);
    ids.set(token, id);
  }
  if (ids.size === 0) throw new FileFormatError(path, "expected tokens but the object is empty");
  return ids;
}

/** The pairs of `merges.txt`; the first line is a version header. */
function readMerges(path: string, vocabulary: ReadonlyMap<string, number>): [string, string][] {
  const lines = readText(path).trim().split(/\r?\n/);
  if (!lines[0]!.includes("#version"))
    throw new FileFormatError(path, `expected a first line "#version: 0.2" but found ${show(lines[0])}`);
  return lines.slice(1, MAX_MERGES + 1).map((line, i) => {
    const [first, second, ...rest] = line.split(" ");
    if (!first || !second || rest.length > 0)
      throw new FileFormatError(path, `expected two tokens in line ${i + 2} but found ${show(line)}`);
    if (!vocabulary.has(first + second))
      throw new FileFormatError(
        path,
        `line ${i + 2} merges to ${show(first + second)}, which vocab.json does not have`,
      );
    return [first, second];
  });
}

interface SpecialTokens {
  readonly added: Map<string, number>;
  readonly bosToken: string;
  readonly eosToken: string;
  readonly padToken: string;
  readonly unkToken: string;
  readonly maxLength: number;
}

/**
 * Special tokens by the reference's precedence: a configuration that lists `added_tokens_decoder` is complete in
 * itself; an older one is overruled by `special_tokens_map.json`, and `added_tokens.json` adds further tokens.
 */
function readSpecialTokens(folder: string, vocabulary: ReadonlyMap<string, number>): SpecialTokens {
  const configPath = join(folder, "tokenizer_config.json");
  const mapPath = join(folder, "special_tokens_map.json");
  const config = readObject(configPath);
  const listed = config.added_tokens_decoder;
  const map = listed === undefined ? readObject(mapPath) : {};
  const [source, sourcePath] = listed === undefined ? [{ ...config, ...map }, mapPath] : [config, configPath];
  const added = listed === undefined ? readOldAdded(folder) : readListedAdded(configPath, listed);
  const token = (key: string): string => {
    const name = tokenContent(sourcePath, key, source[key]);
    if (added.has(name)) return name;
    const id = vocabulary.get(name);
    if (id === undefined)
      throw new FileFormatError(sourcePath, `expected a token of vocab.json for ${key} but found ${show(name)}`);
    added.set(name, id);
    return name;
  };
  const tokens = {
    bosToken: token("bos_token"),
    eosToken: token("eos_token"),
    padToken: token("pad_token"),
    unkToken: token("unk_token"),
  };
  checkAdded(configPath, added, vocabulary);
  return { added, ...tokens, maxLength: readMaxLength(configPath, config.model_max_length) };
}

function tokenContent(path: string, key: string, value: unknown): string {
  const content = isObject(value) ? value.content : value;
  if (typeof content !== "string" || content === "")
    throw new FileFormatError(path, `expected a token for ${key} but found ${show(value)}`);
  if (isObject(value) && value.single_word === true)
    throw new FileFormatError(
      path,
      `expected single_word false for ${key}: whole-word special tokens are not supported`,
    );
  return content;
}

function readListedAdded(path: string, listed: unknown): Map<string, number> {
  if (!isObject(listed)) throw new FileFormatError(path, "expected an object for added_tokens_decoder");
  return new Map(
    Object.entries(listed).map(([id, value]) => {
      if (!/^\d+$/.test(id))
        throw new FileFormatError(path, `expected an id in added_tokens_decoder but found ${show(id)}`);
      return [tokenContent(path, `added_tokens_decoder ${id}`, value), Number(id)];
    }),
  );
}

function readOldAdded(folder: string): Map<string, number> {
  const path = join(folder, "added_tokens.json");
  return existsSync(path) && Object.keys(readObject(path)).length > 0 ? readIds(path) : new Map();
}

function checkAdded(path: string, added: ReadonlyMap<string, number>, vocabulary: ReadonlyMap<string, number>): void {
  for (const [token, id] of added) {
    const known = vocabulary.get(token);
    if (known !== undefined && known !== id)
      throw new FileFormatError(path, `token ${show(token)} has id ${id} here but ${known} in vocab.json`);
  }
}

function readMaxLength(path: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 3 || value > 65_536)
    throw new FileFormatError(
      path,
      `expected an integer from 3 to 65536 for model_max_length but found ${show(value)}`,
    );
  return value;
}
