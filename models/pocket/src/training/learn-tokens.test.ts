import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ClipTokenizer } from "@stillframe/diffusion";
import { learnTokens, tokenizerFiles } from "./learn-tokens.js";

const root = mkdtempSync(join(tmpdir(), "learn-tokens-"));
after(() => rmSync(root, { recursive: true }));

const CAPTIONS = ["a render of Mara at the beach, smiling", "Mara at the beach", "a clay figure of Otto"];

test("the commonest pair is merged first, and equal counts go by code units", () => {
  const { merges } = learnTokens(["ab ab ab cb cb", "de de"], { limit: 3 });
  assert.deepEqual(merges, [
    ["a", "b</w>"],
    ["c", "b</w>"],
    ["d", "e</w>"],
  ]);
});

test("every word of the captions becomes one token of the tokenizer that reads the files", () => {
  const tokens = learnTokens(CAPTIONS, { limit: 2000 });
  for (const [path, text] of tokenizerFiles(tokens, { pad: "!" })) {
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const tokenizer = ClipTokenizer.fromFolder(root);
  const id = (token: string) => tokens.vocabulary.get(token);
  assert.deepEqual(
    tokenizer.tokenize("Mara at the beach, smiling"),
    ["mara</w>", "at</w>", "the</w>", "beach</w>", ",</w>", "smiling</w>"].map(id),
  );
  const { ids, truncated } = tokenizer.encode("Otto");
  assert.equal(truncated, false);
  assert.equal(ids.length, 77);
  assert.deepEqual(ids.slice(0, 4), [id("<|startoftext|>"), id("otto</w>"), id("<|endoftext|>"), id("!")]);
  assert.equal(id("!"), 0);
});

test("the limit stops the merging, and the rest stays in pieces", () => {
  const { merges, vocabulary } = learnTokens(CAPTIONS, { limit: 2 });
  assert.equal(merges.length, 2);
  assert.equal(vocabulary.size, 512 + 2 + 2);
});

test("a caption that is not plain ASCII is refused", () => {
  assert.throws(() => learnTokens(["Zoë"], { limit: 9 }), {
    message: "expected plain ASCII words in captions but received zoë",
  });
});
