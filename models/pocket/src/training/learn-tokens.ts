/** The 256 printable units that stand for bytes in CLIP's vocabulary: printable Latin-1 first, then U+0100 on. */
function byteUnits(): string[] {
  const printable: string[] = [];
  const others: string[] = [];
  for (let byte = 0; byte < 256; byte++) {
    if ((byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad)) printable.push(String.fromCodePoint(byte));
    else others.push(String.fromCodePoint(0x100 + others.length));
  }
  return [...printable, ...others];
}

const END = "</w>";

/** Words of the captions with how often they occur, as lists of units. */
function words(captions: readonly string[]): { units: string[]; count: number }[] {
  const counts = new Map<string, number>();
  for (const caption of captions)
    for (const [word] of caption.toLowerCase().matchAll(/\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => {
    if (!/^[!-~]+$/.test(word)) throw new Error(`expected plain ASCII words in captions but received ${word}`);
    const units = [...word];
    units[units.length - 1] += END;
    return { units, count };
  });
}

/** The commonest pair of neighbours; of equals the first in code-unit order, so that one text gives one vocabulary. */
function commonestPair(list: readonly { units: string[]; count: number }[]): readonly [string, string] | null {
  const counts = new Map<string, number>();
  for (const { units, count } of list)
    for (let i = 0; i + 1 < units.length; i++) {
      const key = `${units[i]} ${units[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  let best: string | null = null;
  for (const [key, count] of counts) {
    const most = best === null ? 0 : (counts.get(best) as number);
    if (count > most || (count === most && best !== null && key < best)) best = key;
  }
  return best === null ? null : (best.split(" ") as [string, string]);
}

/** A vocabulary as CLIP's tokenizer files give it. */
export interface LearnedTokens {
  /** token to id: bytes, bytes that end a word, merges, start, end */
  vocabulary: Map<string, number>;
  /** the most important first */
  merges: (readonly [string, string])[];
}

/** Byte-pair merges of the captions' words (Sennrich et al. 2016, Algorithm 1), until each word is one token or `limit`. */
export function learnTokens(captions: readonly string[], { limit }: { limit: number }): LearnedTokens {
  const list = words(captions);
  const merges: (readonly [string, string])[] = [];
  for (let pair = commonestPair(list); pair !== null && merges.length < limit; pair = commonestPair(list)) {
    merges.push(pair);
    for (const word of list)
      for (let i = 0; i + 1 < word.units.length; i++)
        if (word.units[i] === pair[0] && word.units[i + 1] === pair[1]) word.units.splice(i, 2, pair[0] + pair[1]);
  }
  const units = byteUnits();
  const tokens = [
    ...units,
    ...units.map((u) => u + END),
    ...new Set(merges.map(([a, b]) => a + b)),
    "<|startoftext|>",
    "<|endoftext|>",
  ];
  return { vocabulary: new Map(tokens.map((token, id) => [token, id])), merges };
}

const special = (content: string) => ({ content, lstrip: false, normalized: true, rstrip: false, single_word: false });

/** The files of a `tokenizer` folder; SDXL's second tokenizer pads with `!` in place of the end token. */
export function tokenizerFiles(
  { vocabulary, merges }: LearnedTokens,
  { pad }: { pad: "<|endoftext|>" | "!" },
): Map<string, string> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  const tokens = {
    bos_token: special("<|startoftext|>"),
    eos_token: special("<|endoftext|>"),
    pad_token: pad,
    unk_token: special("<|endoftext|>"),
  };
  return new Map([
    ["vocab.json", json(Object.fromEntries(vocabulary))],
    ["merges.txt", `#version: 0.2\n${merges.map((pair) => pair.join(" ")).join("\n")}\n`],
    ["special_tokens_map.json", json(tokens)],
    [
      "tokenizer_config.json",
      json({
        add_prefix_space: false,
        ...tokens,
        do_lower_case: true,
        errors: "replace",
        model_max_length: 77,
        tokenizer_class: "CLIPTokenizer",
      }),
    ],
  ]);
}
