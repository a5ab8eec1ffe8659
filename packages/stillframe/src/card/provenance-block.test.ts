import assert from "node:assert/strict";
import { test } from "node:test";
import { manifestInCard, provenanceBlock } from "./provenance-block.js";
import { MANIFEST } from "./testing/run-folder.js";

test("a manifest comes back from a card, without paths and tensor names", () => {
  const manifest = {
    ...MANIFEST,
    options: { ...MANIFEST.options, output_dir: "/srv/runs/first", validation_prompt: "a\n```\nb" },
  };
  const card = `# x\n\n<details>\n\n${provenanceBlock(manifest)}\n\n</details>\n`;
  assert.ok(!card.includes("/srv"));
  const expected = {
    ...manifest,
    adapter: { ...MANIFEST.adapter, keys: [] },
    options: { ...manifest.options, output_dir: "local:first" },
  };
  assert.deepEqual(manifestInCard(card, "README.md"), expected);
  assert.deepEqual(manifestInCard(card.replaceAll("\n", "\r\n"), "README.md"), expected);
});

test("a card without one has none, a damaged one is refused", () => {
  assert.equal(manifestInCard("# x", "README.md"), undefined);
  const block = provenanceBlock(MANIFEST);
  assert.throws(
    () => manifestInCard(block.replace('"seed": 7', '"seed": '), "README.md"),
    /README\.md \(line 2\): expected JSON/,
  );
  assert.throws(
    () => manifestInCard(block.replace('"seed": 7', '"seed": -7'), "README.md"),
    /README\.md \(line 2\): seed: /,
  );
});
