import assert from "node:assert/strict";
import { test } from "node:test";
import { generateOptions } from "./generate-options.js";
import { expectation, formatOptionValue, readOptionText, showValue } from "./option-value.js";
import { trainOptions } from "./train-options.js";

function spec(name: string) {
  const found = trainOptions.find(name) ?? generateOptions.find(name);
  assert.ok(found, name);
  return found;
}

test("text becomes the option's kind", () => {
  assert.equal(readOptionText(spec("rank"), "16"), 16);
  assert.equal(readOptionText(spec("learning_rate"), "1e-05"), 1e-5);
  assert.equal(readOptionText(spec("learning_rate"), ".5"), 0.5);
  assert.equal(readOptionText(spec("lora_scale"), "-0.75"), -0.75);
  assert.equal(readOptionText(spec("random_flip"), "False"), false);
  assert.equal(readOptionText(spec("random_flip"), "on"), true);
  assert.equal(readOptionText(spec("max_token_length"), "150"), 150);
  assert.equal(readOptionText(spec("mixed_precision"), "bf16"), "bf16");
  assert.equal(readOptionText(spec("output_dir"), "7"), "7");
  assert.deepEqual(readOptionText(spec("target_modules"), "to_q, to_k"), ["to_q", "to_k"]);
  assert.deepEqual(readOptionText(spec("prompt"), "a cat, a dog"), ["a cat, a dog"]);
});

test("text of another kind comes back as it is, so that the schema refuses it", () => {
  for (const [name, text] of [
    ["rank", "abc"],
    ["rank", ""],
    ["rank", "0x10"],
    ["learning_rate", "Infinity"],
    ["random_flip", "maybe"],
    ["max_token_length", "78"],
    ["mixed_precision", "fp8"],
  ] as const)
    assert.equal(readOptionText(spec(name), text), text, name);
});

test("expectations name the range", () => {
  assert.equal(expectation(spec("rank")), "an integer from 1");
  assert.equal(expectation(spec("caption_dropout")), "a number from 0 to 1");
  assert.equal(expectation(spec("lora_dropout")), "a number from 0 and below 1");
  assert.equal(expectation(spec("max_grad_norm")), "a number above 0");
  assert.equal(expectation(spec("lora_scale")), "a number");
  assert.equal(expectation(spec("mixed_precision")), "one of no, fp16, bf16");
  assert.equal(expectation(spec("random_flip")), "true or false");
  assert.equal(expectation(spec("device")), "auto, cpu, mps, cuda or cuda:N");
  assert.equal(expectation(spec("output_dir")), "text that is not empty");
  assert.equal(expectation(spec("caption_prefix")), "text");
  assert.equal(expectation(spec("prompt")), "one or more texts");
});

test("values are shown readably", () => {
  assert.equal(formatOptionValue(1e-4), "1e-4");
  assert.equal(formatOptionValue(0), "0");
  assert.equal(formatOptionValue(0.01), "0.01");
  assert.equal(formatOptionValue(""), '""');
  assert.equal(formatOptionValue(["a", "b"]), "a, b");
  assert.equal(showValue("abc"), '"abc"');
  assert.equal(showValue(Number.NaN), "NaN");
  assert.equal(showValue({ a: 1 }), '{"a":1}');
  assert.equal(showValue("x".repeat(500)).length, 121);
});
