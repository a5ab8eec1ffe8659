import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { z } from "zod";
import { parseTrainOptions, type TrainOptionsInput, trainOptions } from "./train-options.js";

const reference = JSON.parse(
  readFileSync(new URL("../fixtures/reference-options.json", import.meta.url), "utf8"),
) as Record<string, unknown>;

const least = { pretrained_model_name_or_path: "base", train_data_dir: "pictures" };

function messageOf(record: Record<string, unknown>): string {
  try {
    parseTrainOptions(record);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

test("all 55 options of the reference are there by name and default", () => {
  assert.equal(Object.keys(reference).length, 55);
  const options = parseTrainOptions({ pretrained_model_name_or_path: "base", dataset_name: "x" });
  for (const [name, value] of Object.entries(reference)) {
    const spec = trainOptions.find(name);
    assert.ok(spec, `${name} is missing`);
    assert.equal(spec.name, name);
    if (value === "required") assert.ok(spec.required, name);
    // The reference's null asks accelerate's configuration file, whose own default is "no".
    else if (name === "mixed_precision") assert.equal(options.mixed_precision, "no");
    else if (name !== "dataset_name") assert.deepEqual(options[name as keyof typeof options], value, name);
  }
});

test("every default is a value of its own option, and every option has help, group and effect", () => {
  for (const spec of trainOptions.specs) {
    assert.ok(spec.help.endsWith("."), `${spec.name}: help is a sentence`);
    if (spec.required) continue;
    const field = trainOptions.schema.shape[spec.name as keyof TrainOptionsInput] as z.ZodType;
    assert.deepEqual(field.parse(spec.default), spec.default, spec.name);
    assert.equal(
      spec.default === null,
      spec.unset !== undefined,
      `${spec.name}: unset is said where the default is null`,
    );
  }
});

test("what this trainer has beyond the reference", () => {
  const more = trainOptions.specs.map((spec) => spec.name).filter((name) => !Object.hasOwn(reference, name));
  assert.deepEqual(more, [
    "regions_column",
    "aspect_ratio_buckets",
    "bucket_step",
    "bucket_min",
    "bucket_max",
    "caption_prefix",
    "caption_dropout",
    "proportion_empty_prompts",
    "max_token_length",
    "method",
    "lora_alpha",
    "use_rslora",
    "lora_dropout",
    "target_modules",
    "use_ema",
    "ema_decay",
    "optimizer",
    "text_encoder_lr",
    "prodigy_d_coef",
    "prodigy_use_bias_correction",
    "prodigy_safeguard_warmup",
    "lr_num_cycles",
    "lr_power",
    "region_weight",
    "device",
    "cache_latents",
    "vae_slicing",
    "vae_tiling",
    "overwrite_output_dir",
    "validation_steps",
    "validation_inference_steps",
    "validation_split",
  ]);
});

test("one wrong value a time has one message that names it", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ train_batch_size: "abc" }, 'expected an integer from 1 for train_batch_size but received "abc"'],
    [{ train_batch_size: 0 }, "expected an integer from 1 for train_batch_size but received 0"],
    [{ train_batch_size: 1.5 }, "expected an integer from 1 for train_batch_size but received 1.5"],
    [{ rank: Number.NaN }, "expected an integer from 1 for rank but received NaN"],
    [{ learning_rate: -1 }, "expected a number from 0 for learning_rate but received -1"],
    [{ learning_rate: Number.POSITIVE_INFINITY }, "expected a number from 0 for learning_rate but received Infinity"],
    [{ adam_beta1: 1 }, "expected a number from 0 and below 1 for adam_beta1 but received 1"],
    [{ mixed_precision: "fp8" }, 'expected one of no, fp16, bf16 for mixed_precision but received "fp8"'],
    [{ max_token_length: 78 }, "expected one of 77, 150, 225 for max_token_length but received 78"],
    [{ train_text_encoder: "yes" }, 'expected true or false for train_text_encoder but received "yes"'],
    [{ device: "gpu" }, 'expected auto, cpu, mps, cuda or cuda:N for device but received "gpu"'],
    [{ output_dir: "" }, 'expected text that is not empty for output_dir but received ""'],
    [{ target_modules: [] }, "expected one or more texts for target_modules but received []"],
    [{ train_batchsize: 2 }, "unknown option train_batchsize: did you mean train_batch_size?"],
    [{ trainBatchSize: 2 }, "unknown option trainBatchSize: did you mean train_batch_size?"],
    [{ qqqqqq: 2 }, "unknown option qqqqqq"],
  ];
  for (const [wrong, message] of cases) assert.equal(messageOf({ ...least, ...wrong }), message);
});

test("options that do not go together say so", () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ train_data_dir: null }, /^expected pictures to train on: give train_data_dir \(a folder\) or dataset_name/],
    [{ dataset_name: "x" }, /^expected either train_data_dir or dataset_name but received both$/],
    [{ dataset_config_name: "x" }, /^dataset_config_name chooses a configuration of dataset_name, which is not given$/],
    [{ bucket_min: 2048 }, /^expected bucket_min to be at most resolution \(1024\) but received 2048$/],
    [{ bucket_max: 512 }, /^expected bucket_max to be at least resolution \(1024\) but received 512$/],
    [{ aspect_ratio_buckets: true, resolution: 32 }, /^expected bucket_step to be at most resolution \(32\) .* 64$/],
    [{ method: "full", lora_alpha: 8, use_rslora: true }, /^method=full trains no adapter: .* lora_alpha, use_rslora$/],
    [{ text_encoder_lr: 1e-5 }, /^text_encoder_lr needs train_text_encoder/],
    [{ optimizer: "prodigy" }, /^optimizer=prodigy multiplies .* by learning_rate: give 1 or so, not 0\.0001$/],
    [
      { use_8bit_adam: true, optimizer: "prodigy", learning_rate: 1 },
      /^use_8bit_adam is a form of optimizer=adamw but .* is prodigy$/,
    ],
    [{ resume_from_checkpoint: "latest", overwrite_output_dir: true }, /^resume_from_checkpoint goes on with a run/],
    [{ validation_steps: 10 }, /^validation_steps has nothing to do: give validation_prompt/],
  ];
  for (const [wrong, message] of cases) assert.match(messageOf({ ...least, ...wrong }), message);
});

test("nothing given: the model and the pictures are asked for together", () => {
  assert.equal(
    messageOf({}),
    "expected a value for pretrained_model_name_or_path but received none\n" +
      "expected pictures to train on: give train_data_dir (a folder) or dataset_name (a Hugging Face data set)",
  );
});

test("what cannot exist here is accepted and named", () => {
  const options = parseTrainOptions({
    ...least,
    enable_xformers_memory_efficient_attention: true,
    enable_npu_flash_attention: true,
    local_rank: 0,
    report_to: "wandb",
  });
  const lines = trainOptions.replacements(options);
  assert.deepEqual(
    lines.map((line) => line.split(":")[0]),
    ["report_to", "enable_xformers_memory_efficient_attention", "enable_npu_flash_attention", "local_rank"],
  );
  for (const line of lines) assert.match(line, /: .+ (is|are) (used|written instead|not used)$/);
  assert.deepEqual(trainOptions.replacements(parseTrainOptions(least)), []);
});

test("the token stays out of what is written", () => {
  const options = parseTrainOptions({ ...least, hub_token: "hf_secret", push_to_hub: true });
  assert.equal(options.hub_token, "hf_secret");
  assert.doesNotMatch(
    JSON.stringify([trainOptions.shown(options), trainOptions.asked(options)]),
    /hf_secret|hub_token/,
  );
  assert.deepEqual(trainOptions.asked(options), { ...least, push_to_hub: true });
});
