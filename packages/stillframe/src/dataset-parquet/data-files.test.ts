import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDatasetCard } from "./card.js";
import { splitFiles } from "./data-files.js";

const none = parseDatasetCard("", "README.md");
const card = (yaml: string) => parseDatasetCard(`---\n${yaml}\n---\n`, "README.md");

test("the card's patterns choose the files", () => {
  const paths = ["data/train-00001.parquet", "data/train-00000.parquet", "data/test-0.parquet", "other.parquet"];
  const chosen = splitFiles(
    paths,
    card(
      "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n  - split: test\n    path: data/test-*",
    ),
  );
  assert.deepEqual(chosen.paths, ["data/train-00000.parquet", "data/train-00001.parquet"]);
  assert.deepEqual(chosen.splits, ["train", "test"]);
  assert.equal(chosen.config, "default");
});

test("a configuration is chosen by name; several without a default are an error", () => {
  const two = card("configs:\n- config_name: a\n  data_files: a/*\n- config_name: b\n  data_dir: b");
  const paths = ["a/x.parquet", "b/train/x.parquet", "b/test/x.parquet"];
  assert.deepEqual(splitFiles(paths, two, { config: "a" }).paths, ["a/x.parquet"]);
  assert.deepEqual(splitFiles(paths, two, { config: "b", split: "test" }).paths, ["b/test/x.parquet"]);
  assert.throws(
    () => splitFiles(paths, two),
    /expected one of a, b for dataset_config_name, as the data set has no default/,
  );
  assert.throws(
    () => splitFiles(paths, two, { config: "c" }),
    /the configurations that exist \(a, b\) for dataset_config_name but received "c"/,
  );
});

test("without a card the names of files and folders tell the split", () => {
  assert.deepEqual(splitFiles(["data/train-00000-of-00001.parquet", "data/dev-00000-of-00001.parquet"], none).paths, [
    "data/train-00000-of-00001.parquet",
  ]);
  assert.deepEqual(splitFiles(["my-val.parquet", "my-train.parquet"], none, { split: "validation" }).paths, [
    "my-val.parquet",
  ]);
  assert.deepEqual(splitFiles(["default/train/0000.parquet", "default/test/0000.parquet"], none).paths, [
    "default/train/0000.parquet",
  ]);
  assert.deepEqual(splitFiles(["a.parquet", "b.parquet"], none).paths, ["a.parquet", "b.parquet"]);
});

test("one file that happens to be called train does not make the others vanish", () => {
  assert.equal(splitFiles(["train_station.jpg", "river.jpg", "test_flight.jpg"], none).paths.length, 3);
});

test("a split that does not exist is an error that lists those that do", () => {
  const paths = ["data/test-00000-of-00001.parquet", "data/validation-00000-of-00001.parquet"];
  assert.throws(() => splitFiles(paths, none), {
    message: 'expected one of the splits that exist (test, validation) for split but received "train"',
  });
  const empty = card("configs:\n- config_name: default\n  data_files: nowhere/*");
  assert.throws(
    () => splitFiles(paths, empty),
    /expected files that match nowhere\/\* for split train but received data\/test/,
  );
  assert.throws(() => splitFiles([], none), /expected the files of a data set for paths but received \[\]/);
});
