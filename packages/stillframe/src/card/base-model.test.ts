import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TestFolder, TestHome } from "../hub/testing/test-home.js";
import { baseModel, lastPart, licenceIn, modelOrigin } from "./base-model.js";

const weights = [{ path: "a.safetensors", bytes: 1, sha256: "0".repeat(64) }];
const model = (name_or_path: string, commit: string | null = null) => ({ model: { name_or_path, commit, weights } });
const COMMIT = "a".repeat(40);

test("a well-known base has its licence by its name", () => {
  const { hub, licence } = baseModel(model("stabilityai/stable-diffusion-xl-base-1.0"), { HOME: "/nowhere" });
  assert.deepEqual([hub, licence], ["stabilityai/stable-diffusion-xl-base-1.0", { license: "openrail++" }]);
});

test("a folder is not taken for a repository, whatever it is called", () => {
  assert.deepEqual(modelOrigin({ name_or_path: "models/tiny", commit: null }), {
    hub: undefined,
    commit: null,
    name: "tiny",
  });
  assert.equal(modelOrigin({ name_or_path: "models/tiny", commit: COMMIT }).hub, "models/tiny");
  assert.deepEqual(["C:\\m\\tiny", "/srv/tiny/", "tiny", "."].map(lastPart), ["tiny", "tiny", "tiny", "."]);
});

test("another base's licence is what its own card says", () => {
  using folder = new TestFolder();
  writeFileSync(join(folder.path, "README.md"), "---\nlicense: creativeml-openrail-m\n---\n# base\n");
  assert.deepEqual(baseModel(model(folder.path)).licence, { license: "creativeml-openrail-m" });
});

test("the card of a base of the Hub is found in the cache", () => {
  using home = new TestHome();
  const snapshot = join(home.cacheDir, "models--org--base/snapshots", COMMIT);
  mkdirSync(snapshot, { recursive: true });
  writeFileSync(
    join(snapshot, "README.md"),
    "---\nlicense: other\nlicense_name: faipl\nlicense_link: ./LICENSE.txt\n---\n",
  );
  assert.deepEqual(baseModel(model("org/base", COMMIT), home.env).licence, {
    license: "other",
    license_name: "faipl",
    license_link: "https://huggingface.co/org/base/blob/main/LICENSE.txt",
  });
});

test("what is not known is not made up", () => {
  assert.equal(baseModel(model("/no/such/base")).licence, undefined);
  for (const card of [
    "# no front matter",
    "---\nlicense: other\n---\n",
    "---\nlicense: my-own\n---\n",
    "---\nlicense: unknown\n---\n",
    "---\ntags: [a]\n---\n",
  ])
    assert.equal(licenceIn(card, undefined), undefined, card);
  assert.deepEqual(licenceIn("---\nlicense: other\nlicense_name: x\nlicense_link: LICENSE\n---\n", undefined), {
    license: "other",
    license_name: "x",
  });
});
