import { join } from "node:path";
import { json, writeWhole } from "../files/write-whole.js";

const START = "<|startoftext|>";
const END = "<|endoftext|>";

/** The bytes that stand for themselves in CLIP's vocabulary, then the others, each with its character. */
function byteUnits(): string[] {
  const printable = (byte: number) => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printable(byte));
  return [
    ...bytes.filter(printable).map((byte) => String.fromCodePoint(byte)),
    ...others.map((_, i) => String.fromCodePoint(0x100 + i)),
  ];
}

/** Every byte, every byte at a word's end, and the two special tokens: a vocabulary for texts of any language. */
export function byteVocabulary(): string[] {
  const units = byteUnits();
  return [...units, ...units.map((u) => `${u}</w>`), START, END];
}

const special = (content: string) => ({ content, lstrip: false, normalized: true, rstrip: false, single_word: false });

/**
 * Writes a CLIP tokenizer that merges nothing: a token is a byte.
 *
 * @param padToken SDXL's first tokenizer pads with the end token, the second with "!"
 */
export function writeTokenizer(folder: string, { padToken }: { padToken: string }): void {
  const tokens = { bos_token: special(START), eos_token: special(END), pad_token: padToken, unk_token: special(END) };
  const vocabulary = Object.fromEntries(byteVocabulary().map((token, id) => [token, id]));
  writeWhole(join(folder, "vocab.json"), `${JSON.stringify(vocabulary)}\n`);
  writeWhole(join(folder, "merges.txt"), "#version: 0.2\n");
  writeWhole(join(folder, "special_tokens_map.json"), json(tokens));
  writeWhole(
    join(folder, "tokenizer_config.json"),
    json({
      add_prefix_space: false,
      do_lower_case: true,
      errors: "replace",
      model_max_length: 77,
      tokenizer_class: "CLIPTokenizer",
      ...tokens,
    }),
  );
}

/** What the encoders' configurations say of the vocabulary. */
export const byteTokenIds = (): { start: number; end: number; count: number } => {
  const count = byteVocabulary().length;
  return { start: count - 2, end: count - 1, count };
};

export const END_TOKEN = END;
