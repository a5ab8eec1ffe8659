import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { optionSets } from "./option-sets.js";
import { optionsMarkdown } from "./options-markdown.js";

const page = optionsMarkdown(optionSets);

test("docs/options.md is what the schema says", () => {
  const written = readFileSync(new URL("../../../docs/options.md", import.meta.url), "utf8");
  assert.equal(written, page, "docs/options.md is stale: run node packages/schema/scripts/write-docs.mjs");
});

test("every option of every command has one row", () => {
  for (const set of optionSets) {
    const section = page.split(`## stillframe ${set.command}\n`)[1]?.split("\n## ")[0] ?? "";
    for (const { name } of set.specs)
      assert.equal(section.split(`| \`--${name}\``).length, 2, `${set.command} --${name}`);
  }
});

test("rows show type, default and effect", () => {
  assert.match(page, /\| `--rank` \| an integer from 1 \| `4` \| `result` \| Inner dimension/);
  assert.match(page, /\| `--steps`, `--num_inference_steps` \| an integer from 1 \| `50` \|/);
  assert.match(page, /\| `--random_flip` \| switch \| off \|/);
  assert.match(page, /\| `--pretrained_model_name_or_path` \| text \| \*\*required\*\* \|/);
});
