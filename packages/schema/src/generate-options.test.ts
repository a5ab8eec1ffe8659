import assert from "node:assert/strict";
import { test } from "node:test";
import { generateOptions, parseGenerateOptions } from "./generate-options.js";

const least = { pretrained_model_name_or_path: "base", prompt: ["a cat, asleep"] };

test("defaults are the pipeline's", () => {
  const options = parseGenerateOptions(least);
  assert.deepEqual(
    [options.steps, options.guidance_scale, options.guidance_rescale, options.scheduler, options.num_images],
    [50, 5, 0, "euler", 1],
  );
  assert.deepEqual(options.prompt, ["a cat, asleep"]);
});

test("an empty negative prompt is not the same as none", () => {
  assert.equal(parseGenerateOptions({ ...least, negative_prompt: "" }).negative_prompt, "");
  assert.equal(parseGenerateOptions(least).negative_prompt, null);
});

test("num_inference_steps is another name for steps on the command line", () => {
  assert.equal(generateOptions.find("num-inference-steps")?.name, "steps");
});

test("problems", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ prompt: [] }, "expected one or more texts for prompt but received []"],
    [{ compare: true }, "compare sets a LoRA beside the base model: give lora too"],
    [{ lora_scale: 0.5 }, "lora_scale is the strength of a LoRA: give lora too"],
    [{ lora_scales: "0.5,1" }, "lora_scales are strengths of a LoRA: give lora too"],
    [
      { lora: "run", lora_scale: 0.5, lora_scales: "0.5,1" },
      "expected either lora_scale or lora_scales but received both",
    ],
    [{ lora: "run", lora_scales: "1,1.0" }, "expected each strength once for lora_scales"],
    [
      { lora: "run", lora_scales: "0.5;1" },
      'expected numbers with commas between them, such as 0.5,1,1.3 for lora_scales but received "0.5;1"',
    ],
    [
      { scheduler: "eular" },
      "expected one of euler, euler_ancestral, ddim, ddpm, dpmpp_2m, dpmpp_2m_karras, dpmpp_2m_sde, unipc, lcm, heun " +
        'for scheduler but received "eular"',
    ],
  ];
  for (const [wrong, message] of cases)
    assert.throws(() => parseGenerateOptions({ ...least, ...wrong }), { name: "OptionsError", message });
});
