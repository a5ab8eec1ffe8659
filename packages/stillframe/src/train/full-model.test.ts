import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { disposeSdxl, loadSdxl } from "@stillframe/diffusion";
import { noGrad, readSafetensors, scope } from "@stillframe/torch";
import { makeRandomModel } from "../make-model/index.js";
import { writeFullModel } from "./full-model.js";

const root = mkdtempSync(join(tmpdir(), "full-model-"));
const source = join(root, "source");
before(() => makeRandomModel(source, { seed: 3 }));
after(() => rmSync(root, { recursive: true }));

const numbers = (folder: string, file: string): Map<string, number[]> =>
  scope(() => new Map([...readSafetensors(join(folder, file)).tensors].map(([key, t]) => [key, t.toArray()])));

test("what training changed is written, and the folder loads as a model", () => {
  const model = loadSdxl(source);
  noGrad(() => model.unet.convNormOut.weight.add_(0.25));
  const out = join(root, "changed");
  writeFullModel(model, out, { source });
  const file = "unet/diffusion_pytorch_model.safetensors";
  const [was, is] = [numbers(source, file), numbers(out, file)];
  assert.deepEqual([...is.keys()], [...was.keys()]);
  assert.deepEqual(
    is.get("conv_norm_out.weight"),
    was.get("conv_norm_out.weight")?.map((x) => Math.fround(x + 0.25)),
  );
  assert.deepEqual(is.get("conv_out.weight"), was.get("conv_out.weight"));
  const again = loadSdxl(out);
  assert.equal(again.tokenizers[1].padTokenId, model.tokenizers[1].padTokenId);
  assert.deepEqual(again.scheduler.config, model.scheduler.config);
  disposeSdxl(again);
  disposeSdxl(model);
});

test("parts that the run has freed are taken from the source", () => {
  const model = loadSdxl(source);
  model.vae.dispose();
  for (const t of model.textEncoders) t.dispose();
  const out = join(root, "freed");
  writeFullModel(model, out, { source });
  for (const file of [
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
    "text_encoder_2/model.safetensors",
  ])
    assert.deepEqual(numbers(out, file), numbers(source, file));
  model.unet.dispose();
});

test("float16 is half the size and as near as float16 can be", () => {
  const model = loadSdxl(source);
  const out = join(root, "half");
  writeFullModel(model, out, { source, dtype: "float16" });
  const file = "text_encoder_2/model.safetensors";
  scope(() => assert.ok([...readSafetensors(join(out, file)).tensors.values()].every((t) => t.dtype === "float16")));
  assert.ok(readFileSync(join(out, file)).length < 0.7 * readFileSync(join(source, file)).length);
  const [was, is] = [numbers(source, file), numbers(out, file)];
  for (const [key, values] of was)
    for (const [i, x] of values.entries())
      assert.ok(Math.abs((is.get(key)?.[i] ?? Number.NaN) - x) <= Math.abs(x) * 2 ** -11 + 2 ** -24, key);
  disposeSdxl(model);
});

test("the source is never overwritten", () => {
  const model = loadSdxl(source);
  assert.throws(() => writeFullModel(model, source, { source }), {
    message: `expected another folder than the source's for folder but received ${JSON.stringify(source)}`,
  });
  disposeSdxl(model);
});

test("model_index.json, which makes a folder a model, is there only when all else is", () => {
  const model = loadSdxl(source);
  const out = join(root, "broken");
  assert.throws(() => writeFullModel(model, out, { source, vae: join(root, "no such vae") }), { code: "ENOENT" });
  assert.equal(existsSync(join(out, "model_index.json")), false);
  disposeSdxl(model);
});
