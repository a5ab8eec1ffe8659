import type { ClipTokenizer } from "@stillframe/diffusion";
import { exact } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";

const FILE = "tokenizer.json";

interface Case {
  text: string;
  tokenizer: number[];
  tokenizer_2: number[];
  untruncated_len: [number, number];
}

interface TokenizerJson {
  bos: number;
  eos: number;
  vocab_size: number;
  pad_tokenizer: number;
  pad_tokenizer_2: number;
  cases: Case[];
}

/** Ids of texts, padded and cut, and the number of tokens before the cut. */
export const tokenizer: Family = {
  name: "tokenizer",
  owns: (file) => file === FILE,
  check(context) {
    context.section("tokenizers", [FILE, context.modelIndex], () => {
      const { tokenizers, textEncoders } = context.model;
      const json = context.folder.json<TokenizerJson>(FILE);
      checkSpecialTokens(context, json);
      context.check(FILE, "vocab_size", {
        actual: textEncoders[0].config.vocabSize,
        expected: json.vocab_size,
        tolerance: exact,
      });
      for (const [i, c] of json.cases.entries()) checkCase(context, i, { ...c, tokenizers });
    });
  },
};

function checkSpecialTokens(context: ParityContext, json: TokenizerJson): void {
  const [one, two] = context.model.tokenizers;
  const same = (part: keyof TokenizerJson & string, actual: number) =>
    context.check(FILE, part, { actual, expected: json[part] as number, tolerance: exact, group: "special tokens" });
  same("bos", one.bosTokenId);
  same("eos", one.eosTokenId);
  same("pad_tokenizer", one.padTokenId);
  same("pad_tokenizer_2", two.padTokenId);
}

function checkCase(
  context: ParityContext,
  index: number,
  { text, tokenizers, ...expected }: Case & { tokenizers: readonly [ClipTokenizer, ClipTokenizer] },
): void {
  const path = (part: string) => jsonPath("cases", index, part);
  const encoded = tokenizers.map((t, i) =>
    t.encode(text, { maxLength: [expected.tokenizer, expected.tokenizer_2][i]?.length ?? t.maxLength }),
  );
  const check = (part: "tokenizer" | "tokenizer_2" | "untruncated_len", actual: readonly number[]) =>
    context.check(FILE, path(part), { actual, expected: expected[part], tolerance: exact, group: `cases/*/${part}` });
  check("tokenizer", encoded[0]?.ids ?? []);
  check("tokenizer_2", encoded[1]?.ids ?? []);
  check(
    "untruncated_len",
    encoded.map((e) => e.length),
  );
  // What other tokenizers make of the same text is a remark: the reference is the slow tokenizer without ftfy.
  for (const remark of ["all_semantics_agree", "differs"]) context.folder.use(FILE, path(remark));
}
