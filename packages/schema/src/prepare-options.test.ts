import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionsError, parsePrepareOptions, prepareOptions, trainOptions } from "./index.js";

const problems = (record: Record<string, unknown>): string[] => {
  try {
    parsePrepareOptions(record);
    return [];
  } catch (e) {
    if (!(e instanceof OptionsError)) throw e;
    return e.problems.map((p) => p.message);
  }
};

test("every option that train has too is the same there", () => {
  const own = new Set(["pretrained_model_name_or_path", "train_text_encoder", "seed", "output_dir"]);
  for (const spec of prepareOptions.specs)
    if (!own.has(spec.name)) assert.deepEqual(spec, trainOptions.find(spec.name), spec.name);
});

test("all that says which pictures and how they are cut is among them", () => {
  for (const { name, group } of trainOptions.specs)
    if (group === "data" || group === "captions") assert.ok(prepareOptions.find(name), name);
});

test("options that do not go together are told", () => {
  assert.deepEqual(problems({ train_data_dir: "stills" }), []);
  assert.deepEqual(problems({}), [
    "expected pictures to look at: give train_data_dir (a folder) or dataset_name (a Hugging Face data set)",
  ]);
  assert.deepEqual(problems({ train_data_dir: "a", dataset_name: "b" }), [
    "expected either train_data_dir or dataset_name but received both",
  ]);
  assert.deepEqual(problems({ train_data_dir: "a", pretrained_vae_model_name_or_path: "v" }), [
    "pretrained_vae_model_name_or_path takes the place of a model's own VAE: give pretrained_model_name_or_path too",
  ]);
  assert.deepEqual(problems({ train_data_dir: "a", aspect_ratio_buckets: true, resolution: 32 }), [
    "expected bucket_step to be at most resolution (32) but received 64",
  ]);
});
