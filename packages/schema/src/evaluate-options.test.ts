import assert from "node:assert/strict";
import { test } from "node:test";
import { EvaluateEventSchema } from "./evaluate-events.js";
import { evaluateOptions, parseEvaluateOptions } from "./evaluate-options.js";

const least = { real: "real", pretrained_model_name_or_path: "base" };

test("an evaluation needs real pictures and something to measure", () => {
  const options = parseEvaluateOptions(least);
  assert.deepEqual(
    [options.num_images, options.seed, options.resamples, options.real_fit, options.scheduler, options.lora],
    [1, 0, 200, "crop", "euler", []],
  );
  assert.throws(() => parseEvaluateOptions({}), /expected a value for real but received none/);
  assert.throws(
    () => parseEvaluateOptions({ real: "real" }),
    /give base \(a model\) or generated \(folders of pictures\)/,
  );
  assert.throws(
    () => parseEvaluateOptions({ ...least, generated: ["base=a"] }),
    /expected either base or generated but received both/,
  );
  assert.equal(evaluateOptions.find("base")?.name, "pretrained_model_name_or_path");
});

test("options that contradict each other", () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(() => parseEvaluateOptions({ ...least, ...options }), message);
  const folders = { pretrained_model_name_or_path: null, generated: ["base=a"] };
  refused({ ...folders, lora: ["l"], prefix: "p" }, /lora, prefix say what to generate, and with generated nothing is/);
  refused({ generated: ["base"] }, /for generated but received/);
  refused({ checkpoints: true }, /expected its folder as lora but received 0 of them/);
  refused({ checkpoints: true, lora: ["a", "b"] }, /expected its folder as lora but received 2 of them/);
  refused({ checkpoints: true, lora: ["a"], lora_scales: "1,2" }, /either checkpoints or lora_scales/);
  refused({ lora_scales: "1" }, /lora_scales are strengths of a LoRA: give lora too/);
  refused(
    { lora: ["a"], lora_scales: "1;2" },
    /expected numbers with commas between them, such as 0\.5,1,1\.3 for lora_scales/,
  );
  refused({ select: "best" }, /select picks among checkpoints: give checkpoints too/);
  refused({ checkpoints: true, lora: ["a"], select_metric: "kid" }, /select_metric is what select goes by/);
  refused(
    { ...folders, models: ["full=f"], base_prompt_field: "b", prompts: "p.jsonl" },
    /models, base_prompt_field say/,
  );
  refused({ models: ["full"] }, /for models but received/);
  refused({ base_prompt_field: "base" }, /a field of the prompts' metadata\.jsonl: give that as prompts/);
  refused({ base_prompt_field: "base", prompts: "p.txt" }, /a field of the prompts' metadata\.jsonl/);
  refused({ write_statistics: true }, /write_statistics writes those of Inception's features: give inception too/);
  refused({ real: "r.npz" }, /statistics as real are those of Inception's features: give inception too/);
  refused(
    { real: "r.npz", inception: "i", checkpoints: true, lora: ["a"], select: "best" },
    /select needs real pictures, to choose by one half of them: give a folder as real/,
  );
  refused({ lpips_linear: "l" }, /lpips_linear belongs to a classifier: give lpips too/);
});

test("events are told apart by their type", () => {
  const event = { type: "left_out", message: "no CLIP" };
  assert.deepEqual(EvaluateEventSchema.parse(event), event);
  assert.throws(() => EvaluateEventSchema.parse({ ...event, more: 1 }));
});
