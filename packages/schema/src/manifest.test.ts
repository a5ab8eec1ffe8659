import assert from "node:assert/strict";
import { test } from "node:test";
import { MANIFEST_VERSION, type Manifest, parseManifest } from "./manifest.js";
import { parseTrainOptions, trainOptions } from "./train-options.js";

const hash = "ab".repeat(32);
const options = parseTrainOptions({ pretrained_model_name_or_path: "base", train_data_dir: "d", hub_token: "hf_x" });

const manifest: Manifest = {
  format: "stillframe-manifest",
  version: MANIFEST_VERSION,
  stillframe: "0.1.0",
  node: "20.19.0",
  platform: "linux x64",
  engine: { version: "1.13.1", source: "system package", device: "cpu", dtype: "float32", threads: 2 },
  model: { name_or_path: "base", commit: null, weights: [{ path: "unet/x.safetensors", bytes: 10, sha256: hash }] },
  vae: null,
  data: {
    name_or_path: "d",
    pictures: 3,
    held_out: 0,
    skipped: [{ reason: "truncated JPEG", count: 1, examples: ["a.jpg"] }],
    content_sha256: hash,
    captions: { captions: 3, empty: 0, cut: 1, tokens: { least: 4, median: 9.5, most: 91 } },
  },
  adapter: { method: "lora", rank: 4, alpha: 4, parameters: 100, keys: ["unet.a.lora.down.weight"] },
  seed: 7,
  options: trainOptions.shown(options) as Manifest["options"],
  steps: 40,
  epochs: 2,
  results: [{ path: "pytorch_lora_weights.safetensors", bytes: 400, sha256: hash }],
  timing: { started: "2025-01-02T12:00:00.000Z", finished: null, seconds: 1.5 },
};

test("a manifest survives JSON", () => {
  assert.deepEqual(parseManifest(JSON.parse(JSON.stringify(manifest))), manifest);
});

test("its options parse again, so that a run can be reproduced", () => {
  assert.deepEqual(parseTrainOptions(manifest.options), { ...options, hub_token: null });
});

test("another file, another version and a wrong field are named", () => {
  assert.throws(() => parseManifest({}, "run/manifest.json"), {
    message: 'run/manifest.json: expected "stillframe-manifest" for format but received undefined',
  });
  assert.throws(() => parseManifest(null), /expected "stillframe-manifest" for format/);
  assert.throws(() => parseManifest({ ...manifest, version: 2 }), /manifest: expected version 1 but received 2/);
  assert.throws(() => parseManifest({ ...manifest, model: { ...manifest.model, weights: [] } }), /model\.weights: /);
  assert.throws(
    () => parseManifest({ ...manifest, results: [{ path: "x", bytes: 1, sha256: "no" }] }),
    /results\.0\.sha256: /,
  );
});
