import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRepoFile, checkRepoName, checkRevision, isRepoName } from "./repo-file.js";

const file = { path: "unet/config.json", size: 3, gitOid: "0".repeat(40), sha256: undefined };

test("names of repositories", () => {
  for (const name of ["stabilityai/stable-diffusion-xl-base-1.0", "a/b", "_x/y_z-1.0"])
    assert.ok(isRepoName(name), name);
  for (const name of ["gpt2", "a/b/c", "../x", "a/..", "a/b--c", "/a", "a/", "a b/c", "./runs/x", "a/b."]) {
    assert.equal(isRepoName(name), false, name);
  }
  assert.throws(() => checkRepoName("../../etc"), {
    message: 'expected the name of a repository in the form organisation/name for repo but received "../../etc"',
  });
});

test("a revision cannot leave the folder of refs", () => {
  for (const revision of ["main", "v1.0", "refs/pr/3", "refs/convert/parquet"])
    assert.equal(checkRevision(revision), revision);
  for (const revision of ["../main", "a//b", "/a", "a/../../b", "", "a\0b"]) {
    assert.throws(() => checkRevision(revision), /expected the name of a branch or tag, or a commit for revision/);
  }
});

test("a listing cannot write outside the cache", () => {
  assert.equal(checkRepoFile(file, "x"), file);
  for (const path of ["../../.ssh/authorized_keys", "/etc/passwd", "a/../b", "a//b", "a/./b", "a\0b", ""]) {
    assert.throws(
      () => checkRepoFile({ ...file, path }, "the listing of a/b"),
      /^FileFormatError: the listing of a\/b: expected a path that stays/,
    );
  }
  assert.throws(
    () => checkRepoFile({ ...file, gitOid: "../../x" }, "l"),
    /expected 40 hexadecimal digits for the oid of unet\/config\.json/,
  );
  assert.throws(() => checkRepoFile({ ...file, sha256: "x" }, "l"), /expected 64 hexadecimal digits for the sha256/);
  assert.throws(() => checkRepoFile({ ...file, size: -1 }, "l"), /expected a number of bytes for the size/);
});
