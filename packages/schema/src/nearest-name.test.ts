import assert from "node:assert/strict";
import { test } from "node:test";
import { editDistance, nearestName } from "./nearest-name.js";

const names = ["train_batch_size", "train_data_dir", "rank", "num_train_epochs", "validation_epochs", "seed"];

test("edit distance counts insertions, deletions, replacements and exchanges", () => {
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(editDistance("", "abc"), 3);
  assert.equal(editDistance("abc", ""), 3);
  assert.equal(editDistance("same", "same"), 0);
  assert.equal(editDistance("rnak", "rank"), 1);
  assert.equal(editDistance("ab", "ba"), 1);
});

test("the nearest name is found for a slip", () => {
  assert.equal(nearestName("train_batchsize", names), "train_batch_size");
  assert.equal(nearestName("rnak", names), "rank");
  assert.equal(nearestName("runs", ["rank", "seed"]), undefined, "two of four letters differ: too far");
  assert.equal(nearestName("ranks", names), "rank");
});

test("a part of one name only is that name, a part of two is none", () => {
  assert.equal(nearestName("batch_size", names), "train_batch_size");
  assert.equal(nearestName("epochs", names), undefined);
});

test("nothing is suggested for something else", () => {
  assert.equal(nearestName("colour_of_the_sky", names), undefined);
  assert.equal(nearestName("x", names), undefined);
});
