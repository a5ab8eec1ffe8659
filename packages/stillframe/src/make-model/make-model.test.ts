import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { disposeSdxl, loadSdxl, type Sdxl, textToImage, vaeFactor } from "@stillframe/diffusion";
import { Generator, noGrad, scope } from "@stillframe/torch";
import { type ModelSizeName, makeRandomModel } from "./index.js";

let home: string;
before(() => {
  home = mkdtempSync(join(tmpdir(), "stillframe-model-"));
});
after(() => rmSync(home, { recursive: true }));

/** Hash of every file by its path. */
function hashes(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  const whole = files.filter((f) => statSync(join(folder, f)).isFile());
  return Object.fromEntries(
    whole.map((f) => [
      f,
      createHash("sha256")
        .update(readFileSync(join(folder, f)))
        .digest("hex"),
    ]),
  );
}

/** Draws one picture and says what it is like. */
function draw(model: Sdxl, side: number): { shape: number[]; finite: boolean; spread: number } {
  const run = textToImage(model, {
    prompts: ["Ein Bild, 絵 🎨"],
    height: side,
    width: side,
    steps: 2,
    generators: [new Generator(3)],
  });
  let step = run.next();
  while (!step.done) step = run.next();
  const latents = step.value;
  return noGrad(() =>
    scope(() => {
      const image = model.vae.decode(latents);
      latents.dispose();
      return {
        shape: image.shape,
        finite: Boolean(image.isfinite().all().item()),
        spread: image.sub(image.mean()).abs().mean().item(),
      };
    }),
  );
}

const SIZES: readonly [ModelSizeName, { parameters: number; factor: number; side: number }][] = [
  ["tiny", { parameters: 1_028_708, factor: 2, side: 32 }],
  ["small", { parameters: 17_977_924, factor: 4, side: 64 }],
];

for (const [size, { parameters, factor, side }] of SIZES)
  test(`a ${size} model loads as SDXL does and draws finite pictures`, () => {
    const folder = join(home, size);
    makeRandomModel(folder, { seed: 1, size });
    const model = loadSdxl(folder);
    try {
      assert.equal(model.unet.parameterCount, parameters);
      assert.equal(vaeFactor(model.vae.config), factor);
      const { shape, finite, spread } = draw(model, side);
      assert.deepEqual(shape, [1, 3, side, side]);
      assert.ok(finite);
      assert.ok(spread > 0.01, `pictures are not of one colour: ${spread}`);
    } finally {
      disposeSdxl(model);
    }
  });

test("any text has tokens, one for each byte, and both tokenizers pad in their own way", () => {
  const folder = join(home, "tokens");
  makeRandomModel(folder, { seed: 1 });
  const model = loadSdxl(folder);
  const [one, two] = model.tokenizers;
  const text = "grün 絵";
  assert.equal(one.tokenize(text).length, Buffer.from("grün絵").length);
  assert.equal(new Set(one.tokenize("abc")).size, 3);
  assert.equal(one.encode("").ids[2], one.eosTokenId);
  assert.equal(two.encode("").ids[2], 0);
  assert.notEqual(two.eosTokenId, 0);
  disposeSdxl(model);
});

test("the same seed gives the same bytes, another seed other weights in the same files", () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => join(home, name)) as [string, string, string];
  makeRandomModel(a, { seed: 5 });
  makeRandomModel(b, { seed: 5 });
  makeRandomModel(c, { seed: 6 });
  assert.deepEqual(hashes(a), hashes(b));
  const [one, other] = [hashes(a), hashes(c)];
  const differing = Object.keys(one).filter((f) => one[f] !== other[f]);
  assert.deepEqual(Object.keys(one), Object.keys(other));
  assert.deepEqual(
    differing,
    Object.keys(one).filter((f) => f.endsWith(".safetensors")),
  );
  assert.equal(differing.length, 4);
});

test("a folder that holds something, and an unknown size, are refused", () => {
  const folder = join(home, "full");
  mkdirSync(folder);
  writeFileSync(join(folder, "notes.txt"), "mine");
  assert.throws(() => makeRandomModel(folder, { seed: 1 }), /expected a new or empty folder for folder but received/);
  assert.deepEqual(readdirSync(folder), ["notes.txt"]);
  assert.throws(
    () => makeRandomModel(join(home, "odd"), { seed: 1, size: "huge" as ModelSizeName }),
    /expected tiny or small for size but received "huge"/,
  );
});
