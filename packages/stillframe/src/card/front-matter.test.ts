import assert from "node:assert/strict";
import { test } from "node:test";
import { FileFormatError } from "@stillframe/torch/errors";
import { parse } from "yaml";
import { mergeFrontMatter, splitReadme, valueHashes } from "./front-matter.js";
import type { HubFrontMatter } from "./hub-rules.js";

const ours: HubFrontMatter = { license: "openrail++", tags: ["lora", "no"], instance_prompt: "on" };
const merge = (yaml: string | undefined, fresh = ours, { before = {}, regenerate = false } = {}) =>
  mergeFrontMatter(yaml, fresh, { before, regenerate, source: "README.md" });

test("values survive YAML 1.2 and Python's YAML 1.1", () => {
  const { yaml, values } = merge(undefined);
  assert.deepEqual(values, ours);
  assert.deepEqual(parse(yaml), ours);
  assert.deepEqual(parse(yaml, { version: "1.1" }), ours, yaml);
});

test("a person's own keys and comments stay", () => {
  const { yaml, kept } = merge("# mine\nlanguage: en\nlicense: openrail++ # ours\n", ours, {
    before: valueHashes(ours),
  });
  assert.match(yaml, /^# mine\nlanguage: en\nlicense: openrail\+\+ # ours\n/);
  // `tags` and `instance_prompt` were ours and are gone: taken out by hand.
  assert.deepEqual([kept, parse(yaml)], [[], { language: "en", license: "openrail++" }]);
});

test("a value that was changed by hand stays; one that was generated is renewed", () => {
  const before = valueHashes({ ...ours, instance_prompt: "old" });
  const theirs = "license: mit\ntags:\n  - lora\n  - 'no'\ninstance_prompt: old\n";
  const { values, kept } = merge(theirs, ours, { before });
  assert.deepEqual(values, { license: "mit", tags: ["lora", "no"], instance_prompt: "on" });
  assert.deepEqual(kept, ["license"]);
  assert.deepEqual(merge(theirs, ours, { before, regenerate: true }).values, ours);
});

test("a value that is not known any more goes", () => {
  const { instance_prompt: _gone, ...rest } = ours;
  const { values, removed } = merge(merge(undefined).yaml, rest, { before: valueHashes(ours) });
  assert.deepEqual([values, removed], [rest, []]);
});

test("keys of a card that Stillframe never wrote are the person's", () => {
  const { values, kept } = merge("license: mit\nlibrary_name: x\n");
  assert.deepEqual(values, { license: "mit", library_name: "x", tags: ["lora", "no"], instance_prompt: "on" });
  assert.deepEqual(kept, ["license"]);
});

test("what is no YAML map is refused", () => {
  assert.throws(
    () => merge("a: [1"),
    (error) => error instanceof FileFormatError && /README\.md: expected YAML between/.test(error.message),
  );
  assert.throws(() => merge("- a\n- b"), /expected "name: value" lines between the --- lines/);
});

test("a README with and without front matter, and with foreign line ends", () => {
  assert.deepEqual(splitReadme("---\na: 1\n---\n\n# x\n"), { yaml: "a: 1", body: "\n# x\n" });
  assert.deepEqual(splitReadme("\uFEFF---\r\na: 1\r\n---\r\n# x"), { yaml: "a: 1", body: "# x" });
  assert.deepEqual(splitReadme("---\n---\nx"), { yaml: "", body: "x" });
  assert.deepEqual(splitReadme("# x\n\n---\na\n---\n"), { yaml: undefined, body: "# x\n\n---\na\n---\n" });
});
