import assert from "node:assert/strict";
import { test } from "node:test";
import { globToRegExp, matchPaths } from "./glob.js";

const paths = ["README.md", "data/train-00000-of-00002.parquet", "data/sub/train.parquet", "a/b.png", "a/b.jpg", "c.d"];

test("a star stays in its folder and two stars cross folders", () => {
  assert.deepEqual(matchPaths(paths, ["data/*"]), ["data/train-00000-of-00002.parquet"]);
  assert.deepEqual(matchPaths(paths, ["data/**"]), ["data/train-00000-of-00002.parquet", "data/sub/train.parquet"]);
  assert.deepEqual(matchPaths(paths, ["**/*.parquet"]).length, 2);
  assert.deepEqual(matchPaths(paths, ["**/README.md"]), ["README.md"]);
  assert.deepEqual(matchPaths(paths, ["data/"]).length, 2);
});

test("sets, alternatives and literal characters", () => {
  assert.deepEqual(matchPaths(paths, ["a/b.{png,jpg}"]), ["a/b.png", "a/b.jpg"]);
  assert.deepEqual(matchPaths(paths, ["[a-b]/?.png"]), ["a/b.png"]);
  assert.deepEqual(matchPaths(paths, ["[!a]/?.png"]), []);
  assert.deepEqual(matchPaths(paths, ["c.d"]), ["c.d"]);
  assert.equal(globToRegExp("c.d").test("cxd"), false);
  assert.equal(globToRegExp("a+(b)$").test("a+(b)$"), true);
});

test("a broken pattern is an error", () => {
  assert.throws(() => globToRegExp("data/[ab"), {
    message: 'expected a closing ] for every [ for pattern but received "data/[ab"',
  });
  assert.throws(() => globToRegExp("data/{a,b"), /expected a closing } for every \{/);
  assert.throws(() => globToRegExp(""), /expected a path or pattern for pattern but received ""/);
});
