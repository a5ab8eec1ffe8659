import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { FileFormatError } from "@stillframe/torch/errors";
import { ClipTokenizer } from "./tokenizer.js";

const fixtures = fileURLToPath(new URL("../fixtures/tokenizer", import.meta.url));
const BOS = 1112;
const EOS = 1113;

interface Cases {
  padded: { text: string; tokenizer: number[]; tokenizer_2: number[]; length: number; length_2: number }[];
  raw: { text: string; tokenizer: number[]; tokenizer_2: number[] }[];
}
const cases = JSON.parse(readFileSync(join(fixtures, "cases.json"), "utf8")) as Cases;
const first = ClipTokenizer.fromFolder(join(fixtures, "tokenizer"));
const second = ClipTokenizer.fromFolder(join(fixtures, "tokenizer_2"));

const scratch = mkdtempSync(join(tmpdir(), "tokenizer-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A copy of the first tokenizer's folder that a test may break. */
function copyOf(name: string): string {
  const folder = join(scratch, name);
  cpSync(join(fixtures, "tokenizer"), folder, { recursive: true });
  return folder;
}

type Json = Record<string, unknown>;

function edit(folder: string, file: string, change: (json: Json) => void): void {
  const path = join(folder, file);
  const json = JSON.parse(readFileSync(path, "utf8")) as Json;
  change(json);
  writeFileSync(path, JSON.stringify(json));
}

function padTo77(ids: readonly number[], pad: number): number[] {
  return [...ids, ...new Array<number>(77 - ids.length).fill(pad)];
}

describe("ClipTokenizer against the reference", () => {
  for (const { text, ...expected } of cases.padded)
    it(`encodes ${JSON.stringify(text.slice(0, 50))}`, () => {
      const a = first.encode(text);
      const b = second.encode(text);
      assert.deepEqual(a.ids, padTo77(expected.tokenizer, EOS));
      assert.deepEqual(b.ids, padTo77(expected.tokenizer_2, 0));
      assert.deepEqual([a.length, b.length], [expected.length, expected.length_2]);
      assert.deepEqual([a.truncated, b.truncated], [expected.length > 77, expected.length_2 > 77]);
    });

  it("tokenizes random Unicode texts as the reference does", () => {
    assert.ok(cases.raw.length >= 30);
    for (const { text, tokenizer, tokenizer_2 } of cases.raw) {
      assert.deepEqual(first.tokenize(text), tokenizer, JSON.stringify(text));
      assert.deepEqual(second.tokenize(text), tokenizer_2, JSON.stringify(text));
    }
  });

  it("takes the special tokens from the folder", () => {
    assert.deepEqual([first.bosTokenId, first.eosTokenId, first.padTokenId, first.maxLength], [BOS, EOS, EOS, 77]);
    assert.deepEqual([second.bosTokenId, second.eosTokenId, second.padTokenId, second.maxLength], [BOS, EOS, 0, 77]);
  });

  it("reads every exclamation mark as the pad token where that is the pad token", () => {
    assert.deepEqual(second.tokenize("!!"), [0, 0]);
    assert.notDeepEqual(first.tokenize("!!"), [0, 0]);
  });

  it("gives the same ids the second time, from its cache", () => {
    const text = "a photo of a lighthouse, it's 1999";
    const ids = first.tokenize(text);
    assert.deepEqual(first.tokenize(text), ids);
  });

  it("drops a lone surrogate", () => {
    assert.deepEqual(first.tokenize("ca\uD800t"), first.tokenize("cat"));
  });
});

describe("encode", () => {
  const long = "y ".repeat(200);

  it("keeps the end token when it cuts", () => {
    const { ids, length, truncated } = first.encode(long);
    assert.equal(ids.length, 77);
    assert.equal(ids[0], BOS);
    assert.equal(ids[76], EOS);
    assert.equal(ids.indexOf(EOS), 76);
    assert.deepEqual([length, truncated], [202, true]);
  });

  it("fits exactly without cutting", () => {
    assert.equal(first.encode("y ".repeat(75)).truncated, false);
    assert.equal(first.encode("y ".repeat(76)).truncated, true);
  });

  it("takes another row length", () => {
    const { ids, truncated } = second.encode(long, { maxLength: 10 });
    assert.equal(ids.length, 10);
    assert.equal(ids[9], EOS);
    assert.equal(truncated, true);
    assert.equal(second.encode("y", { maxLength: 10 }).ids.filter((id) => id === 0).length, 7);
  });

  it("refuses a row length without room for start and end", () => {
    assert.throws(() => first.encode("a", { maxLength: 1 }), {
      name: "InvalidArgumentError",
      message: "expected an integer from 2 to 65536 for maxLength but received 1",
    });
  });

  it("refuses what is not text", () => {
    assert.throws(() => first.encode(null as unknown as string), {
      message: "expected a string for text but received null",
    });
  });
});

describe("encodeChunks", () => {
  const text = cases.padded.find(({ length }) => length > 300)!.text;
  const content = first.tokenize(text);

  for (const chunks of [1, 2, 3])
    it(`splits the content over ${chunks} rows of 77`, () => {
      const { rows, length, truncated } = first.encodeChunks(text, { chunks });
      assert.equal(rows.length, chunks);
      rows.forEach((row, i) => {
        assert.deepEqual(row, [BOS, ...content.slice(i * 75, (i + 1) * 75), EOS]);
      });
      assert.deepEqual([length, truncated], [content.length + 2, true]);
    });

  it("holds the whole content when there are rows enough", () => {
    const { rows, truncated } = first.encodeChunks(text, { chunks: 6 });
    assert.equal(truncated, false);
    const joined = rows.flatMap((row) => row.slice(1, row.indexOf(EOS)));
    assert.deepEqual(joined, content);
    assert.ok(rows.every((row) => row.length === 77));
  });

  it("is encode where one row suffices", () => {
    assert.deepEqual(second.encodeChunks("a cat!", { chunks: 1 }).rows[0], second.encode("a cat!").ids);
  });

  it("pads rows that have no content", () => {
    const { rows, truncated } = second.encodeChunks("y ".repeat(75), { chunks: 2 });
    assert.equal(rows[0]![76], EOS);
    assert.deepEqual(rows[1], padTo77([BOS, EOS], 0));
    assert.equal(truncated, false);
  });

  it("refuses a number of rows that is not a count", () => {
    assert.throws(() => first.encodeChunks("a", { chunks: 0 }), {
      message: "expected an integer from 1 to 64 for chunks but received 0",
    });
  });
});

describe("fromFolder", () => {
  for (const file of ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"])
    it(`says that ${file} is missing`, () => {
      const folder = copyOf(`without-${file}`);
      rmSync(join(folder, file));
      assert.throws(
        () => ClipTokenizer.fromFolder(folder),
        new FileFormatError(join(folder, file), "expected a file of a CLIP tokenizer here but it does not exist"),
      );
    });

  const broken: { name: string; breakIt: (folder: string) => void; message: RegExp }[] = [
    {
      name: "broken JSON",
      breakIt: (folder) => writeFileSync(join(folder, "vocab.json"), '{"a": 1'),
      message: /vocab\.json: expected JSON but /,
    },
    {
      name: "a vocabulary that is a list",
      breakIt: (folder) => writeFileSync(join(folder, "vocab.json"), "[]"),
      message: /vocab\.json: expected a JSON object/,
    },
    {
      name: "an id that is not a number",
      breakIt: (folder) => edit(folder, "vocab.json", (json) => Object.assign(json, { "in</w>": "7" })),
      message: /vocab\.json: expected an id of 0 or more for token "in<\/w>" but found "7"/,
    },
    {
      name: "two tokens of one id",
      breakIt: (folder) => edit(folder, "vocab.json", (json) => Object.assign(json, { zz9: 5 })),
      message: /vocab\.json: expected one token for each id but "&" and "zz9" both have 5/,
    },
    {
      name: "merges without the version line",
      breakIt: (folder) => writeFileSync(join(folder, "merges.txt"), "i n\nt h\n"),
      message: /merges\.txt: expected a first line "#version: 0\.2" but found "i n"/,
    },
    {
      name: "a merge of three",
      breakIt: (folder) => writeFileSync(join(folder, "merges.txt"), "#version: 0.2\ni n\nt h e\n"),
      message: /merges\.txt: expected two tokens in line 3 but found "t h e"/,
    },
    {
      name: "a merge that the vocabulary lacks",
      breakIt: (folder) => writeFileSync(join(folder, "merges.txt"), "#version: 0.2\ni n\nq q\n"),
      message: /merges\.txt: line 3 merges to "qq", which vocab\.json does not have/,
    },
    {
      name: "bytes that are not UTF-8",
      breakIt: (folder) => writeFileSync(join(folder, "merges.txt"), Buffer.from([0x23, 0xff, 0xfe])),
      message: /merges\.txt: expected a readable UTF-8 file but /,
    },
    {
      name: "a pad token that is in no vocabulary",
      breakIt: (folder) =>
        edit(folder, "special_tokens_map.json", (json) => Object.assign(json, { pad_token: "<pad>" })),
      message: /special_tokens_map\.json: expected a token of vocab\.json for pad_token but found "<pad>"/,
    },
    {
      name: "no pad token at all",
      breakIt: (folder) => {
        for (const file of ["special_tokens_map.json", "tokenizer_config.json"])
          edit(folder, file, (json) => {
            json.pad_token = undefined;
          });
      },
      message: /special_tokens_map\.json: expected a token for pad_token but found undefined/,
    },
    {
      name: "an unlimited length",
      breakIt: (folder) =>
        edit(folder, "tokenizer_config.json", (json) => Object.assign(json, { model_max_length: 1e30 })),
      message: /tokenizer_config\.json: expected an integer from 3 to 65536 for model_max_length but found 1e\+30/,
    },
    {
      name: "a whole-word special token",
      breakIt: (folder) =>
        edit(folder, "special_tokens_map.json", (json) =>
          Object.assign(json, { pad_token: { content: "!", single_word: true } }),
        ),
      message: /expected single_word false for pad_token: whole-word special tokens are not supported/,
    },
    {
      name: "an added token with another id than the vocabulary's",
      breakIt: (folder) =>
        edit(folder, "tokenizer_config.json", (json) =>
          Object.assign(json, { added_tokens_decoder: { "7": { content: "<|endoftext|>" } } }),
        ),
      message: /tokenizer_config\.json: token "<\|endoftext\|>" has id 7 here but 1113 in vocab\.json/,
    },
  ];
  for (const { name, breakIt, message } of broken)
    it(`refuses ${name}`, () => {
      const folder = copyOf(name.replaceAll(" ", "-"));
      breakIt(folder);
      assert.throws(() => ClipTokenizer.fromFolder(folder), { name: "FileFormatError", message });
    });

  it("reads the newer layout, where the configuration lists the added tokens", () => {
    const folder = copyOf("newer");
    rmSync(join(folder, "special_tokens_map.json"));
    edit(folder, "tokenizer_config.json", (json) =>
      Object.assign(json, {
        pad_token: "!",
        added_tokens_decoder: {
          "0": { content: "!", special: true },
          "1112": { content: "<|startoftext|>", special: true },
          "1113": { content: "<|endoftext|>", special: true },
        },
      }),
    );
    const tokenizer = ClipTokenizer.fromFolder(folder);
    assert.deepEqual(tokenizer.encode("hello! wow!!").ids, second.encode("hello! wow!!").ids);
  });

  it("never splits or lower-cases the tokens of added_tokens.json", () => {
    const folder = copyOf("added");
    writeFileSync(join(folder, "added_tokens.json"), JSON.stringify({ "<My-Style>": 1114, "<My-Style>+": 1115 }));
    const tokenizer = ClipTokenizer.fromFolder(folder);
    const cat = first.tokenize("cat");
    assert.deepEqual(tokenizer.tokenize("cat<My-Style>+cat <My-Style>"), [...cat, 1115, ...cat, 1114]);
    assert.deepEqual(tokenizer.tokenize("<my-style>"), first.tokenize("<my-style>"));
  });

  it("reads merges with Windows line ends", () => {
    const folder = copyOf("crlf");
    const path = join(folder, "merges.txt");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("\n", "\r\n"));
    assert.deepEqual(ClipTokenizer.fromFolder(folder).tokenize("the lighthouse"), first.tokenize("the lighthouse"));
  });
});
