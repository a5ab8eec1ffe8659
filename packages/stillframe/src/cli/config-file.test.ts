import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { trainOptions } from "@stillframe/schema";
import { readConfigFile } from "./config-file.js";

const folder = mkdtempSync(join(tmpdir(), "stillframe-config-"));
const path = join(folder, "run.yaml");
after(() => rmSync(folder, { recursive: true }));

function read(...lines: string[]) {
  writeFileSync(path, lines.join("\n"));
  return readConfigFile(trainOptions, path);
}

test("values have YAML 1.2's types; names may have hyphens; a list may be one value", () => {
  const { values, problems } = read(
    "# my run",
    "learning_rate: 1e-5",
    "train-batch-size: 2",
    "random_flip: true",
    "mixed_precision: no",
    "validation_prompt: 'a cat, asleep'",
    "target_modules: to_q",
    "seed:",
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(values, {
    learning_rate: 1e-5,
    train_batch_size: 2,
    random_flip: true,
    mixed_precision: "no",
    validation_prompt: "a cat, asleep",
    target_modules: ["to_q"],
    seed: null,
  });
});

test("a list is a list", () => {
  assert.deepEqual(read("target_modules: [to_q, to_k]").values, { target_modules: ["to_q", "to_k"] });
});

test("an empty file has no options", () => {
  assert.deepEqual(read("# nothing").values, {});
  assert.equal(read("").whole, true);
});

test("each problem names file and line", () => {
  assert.deepEqual(read("", "rank: 4", "ranks: 3", "rank: 5", "colour: 2").problems, [
    `${path}:3: unknown option ranks: did you mean rank?`,
    `${path}:4: rank is given twice, first at ${path}:2`,
    `${path}:5: unknown option colour`,
  ]);
  assert.equal(read("rank: 4", "seed: 1").places.get("seed"), `${path}:2`);
});

test("what is no map of options is told so, and its options count as unread", () => {
  assert.deepEqual(read("- rank").problems, [`${path}: expected options as "name: value", one a line`]);
  const broken = read("rank: 4", "seed: [1");
  assert.match(broken.problems[0] ?? "", /run\.yaml:2: /);
  assert.equal(broken.whole, false);
});

test("a file that is not there, and a folder", () => {
  assert.deepEqual(readConfigFile(trainOptions, join(folder, "no.yaml")).problems, [
    `cannot read --config ${join(folder, "no.yaml")}: there is no such file`,
  ]);
  assert.deepEqual(readConfigFile(trainOptions, folder).problems, [`cannot read --config ${folder}: it is a folder`]);
});
