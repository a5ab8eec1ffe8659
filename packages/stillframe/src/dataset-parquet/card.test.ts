import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatasetCard } from "./card.js";

const parse = (yaml: string) => parseDatasetCard(`---\n${yaml}\n---\n# A data set\n`, "README.md");

test("configs, splits and features of a card", () => {
  const card = parse(`configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: [data/a-*, data/b-*]
- config_name: large
  data_dir: ./large/
dataset_info:
  features:
  - name: image
    dtype: image
  - name: captions
    list: string`);
  assert.deepEqual(
    card.configs.map(({ name, isDefault, dataDir }) => ({ name, isDefault, dataDir })),
    [
      { name: "default", isDefault: true, dataDir: "" },
      { name: "large", isDefault: false, dataDir: "large" },
    ],
  );
  assert.deepEqual(
    [...card.configs[0]!.dataFiles!],
    [
      ["train", ["data/train-*"]],
      ["test", ["data/a-*", "data/b-*"]],
    ],
  );
  assert.equal(card.configs[1]!.dataFiles, undefined);
  assert.deepEqual(card.features.get("default"), [
    { name: "image", dtype: "image" },
    { name: "captions", dtype: "list" },
  ]);
});

test("data_files in its short forms", () => {
  const files = (yaml: string) => [
    ...parse(`configs:\n- config_name: x\n  data_files: ${yaml}`).configs[0]!.dataFiles!,
  ];
  assert.deepEqual(files('"*.parquet"'), [["train", ["*.parquet"]]]);
  assert.deepEqual(files("[a.parquet, b.parquet]"), [["train", ["a.parquet", "b.parquet"]]]);
  assert.deepEqual(files("{train: a/*, test: [b/*]}"), [
    ["train", ["a/*"]],
    ["test", ["b/*"]],
  ]);
});

test("features declared for each configuration", () => {
  const card = parse(`dataset_info:
- config_name: a
  features: [{name: image, dtype: image}]
- config_name: b
  features: [{name: picture, dtype: image}]`);
  assert.deepEqual(card.features.get("b"), [{ name: "picture", dtype: "image" }]);
});

test("a README without YAML says nothing", () => {
  assert.deepEqual(parseDatasetCard("# Hello\n---\nnot: yaml\n---\n", "README.md").configs, []);
  assert.deepEqual(parse("just words").configs, []);
});

test("a broken card is an error that names the file", () => {
  assert.throws(() => parse("configs: [a"), /^FileFormatError: README\.md: expected YAML between the --- lines/);
  assert.throws(
    () => parse("configs:\n- data_files: x"),
    /expected a config_name in every entry of configs but received/,
  );
  assert.throws(
    () => parse("configs:\n- config_name: x\n  data_files: [{split: a}]"),
    /expected a split with one or more patterns/,
  );
});
