import assert from "node:assert/strict";
import { test } from "node:test";
import { cardOptions, generateOptions, trainOptions } from "@stillframe/schema";
import { readArguments } from "./arguments.js";

const train = (...argv: string[]) => readArguments(trainOptions, argv);
const valuesOf = (...argv: string[]) => {
  const { values, problems } = train(...argv);
  assert.deepEqual(problems, []);
  return values;
};

test("values after = or a space, underscores or hyphens", () => {
  const expected = { train_batch_size: 2, output_dir: "runs/a" };
  assert.deepEqual(valuesOf("--train_batch_size=2", "--output_dir", "runs/a"), expected);
  assert.deepEqual(valuesOf("--train-batch-size", "2", "--output-dir=runs/a"), expected);
});

test("the first user's command, word for word", () => {
  const values = valuesOf(
    "--pretrained_model_name_or_path=stabilityai/stable-diffusion-xl-base-1.0",
    "--pretrained_vae_model_name_or_path=madebyollin/sdxl-vae-fp16-fix",
    "--dataset_name=jugg1024/conan-gpt4-captions",
    "--validation_prompt=Still from the Anime, a boy in a blue jacket",
    "--validation_epochs=1",
    "--resolution=1024",
    "--train_text_encoder",
    "--train_batch_size=1",
    "--num_train_epochs=10",
    "--checkpointing_steps=1000",
    "--gradient_accumulation_steps=8",
    "--learning_rate=1e-05",
    "--lr_warmup_steps=500",
    "--dataloader_num_workers=8",
    "--allow_tf32",
    "--mixed_precision=bf16",
    "--rank=16",
  );
  const options = trainOptions.parse(values);
  assert.equal(options.learning_rate, 1e-5);
  assert.equal(options.validation_prompt, "Still from the Anime, a boy in a blue jacket");
  assert.deepEqual(
    [options.train_text_encoder, options.allow_tf32, options.rank, options.mixed_precision],
    [true, true, 16, "bf16"],
  );
});

test("switches: bare, negated in either spelling, with a value", () => {
  assert.deepEqual(valuesOf("--random_flip"), { random_flip: true });
  assert.deepEqual(valuesOf("--no-random_flip"), { random_flip: false });
  assert.deepEqual(valuesOf("--no-random-flip"), { random_flip: false });
  assert.deepEqual(valuesOf("--no_random_flip"), { random_flip: false });
  assert.deepEqual(valuesOf("--random_flip=false"), { random_flip: false });
  assert.deepEqual(valuesOf("--random-flip=True"), { random_flip: true });
  assert.deepEqual(valuesOf("--no-prodigy_safeguard_warmup"), { prodigy_safeguard_warmup: false });
});

test("a scalar given twice takes the last, a list all", () => {
  assert.deepEqual(valuesOf("--rank=4", "--rank=8"), { rank: 8 });
  assert.deepEqual(valuesOf("--target_modules=to_q,to_k", "--target_modules=to_v"), {
    target_modules: ["to_q", "to_k", "to_v"],
  });
  const { values } = readArguments(generateOptions, ["--prompt", "a cat, asleep", "--prompt=a dog"]);
  assert.deepEqual(values, { prompt: ["a cat, asleep", "a dog"] });
});

test("an alias is the option itself", () => {
  assert.deepEqual(readArguments(generateOptions, ["--num-inference-steps=9"]).values, { steps: 9 });
});

test("negative numbers are values, also after a space", () => {
  assert.deepEqual(readArguments(generateOptions, ["--lora_scale", "-0.5"]).values, { lora_scale: -0.5 });
  assert.deepEqual(readArguments(generateOptions, ["--lora_scale", "-.5"]).values, { lora_scale: -0.5 });
  assert.deepEqual(valuesOf("--local_rank", "-1"), { local_rank: -1 });
});

test("an empty value is a value", () => {
  assert.deepEqual(readArguments(generateOptions, ["--negative_prompt="]).values, { negative_prompt: "" });
});

test("each slip has a message that says what to write", () => {
  const cases: [string[], string[]][] = [
    [["--train_batchsize=2"], ["unknown option --train_batchsize: did you mean --train_batch_size?"]],
    [["--train_batchsize", "2"], ["unknown option --train_batchsize: did you mean --train_batch_size?"]],
    [["--confg", "x"], ["unknown option --confg: did you mean --config?"]],
    [["--hlep"], ["unknown option --hlep: did you mean --help?"]],
    [["--colour_of_the_sky=blue"], ["unknown option --colour_of_the_sky"]],
    [["-rank", "4"], ["unknown option -rank: did you mean --rank?"]],
    [["-x"], ["unknown option -x"]],
    [["--no-rank"], ["unknown option --no-rank"]],
    [["--no-random_flip=1"], ["expected no value for --no-random_flip but received 1"]],
    [["--random_flip", "false"], ['unexpected argument "false": write --random_flip=false']],
    [["--validation_prompt", "a", "cat"], ['unexpected argument "cat": a value with spaces needs quotation marks']],
    [["--rank"], ["expected a value for --rank but the command line ends there"]],
    [["--config"], ["expected a value for --config but the command line ends there"]],
    [["--config=a", "--config=b"], ["expected one --config but received two"]],
    [
      ["--output_dir", "--seed", "3"],
      ["expected a value for --output_dir but received --seed (if that is the value: --output_dir=--seed)"],
    ],
  ];
  for (const [argv, problems] of cases) assert.deepEqual(train(...argv).problems, problems, argv.join(" "));
});

test("text that is no number stays text, for the schema to refuse", () => {
  assert.deepEqual(valuesOf("--rank=abc", "--random_flip=maybe"), { rank: "abc", random_flip: "maybe" });
});

test("names of Object's prototype are unknown options", () => {
  assert.deepEqual(train("--constructor=1", "--__proto__=2").problems, [
    "unknown option --constructor",
    "unknown option --__proto__",
  ]);
});

test("a positional option's value stands anywhere, or behind its name", () => {
  for (const argv of [
    ["runs/a", "--regenerate"],
    ["--regenerate", "runs/a"],
    ["--regenerate", "--run=runs/a"],
    ["--regenerate", "--", "runs/a"],
  ]) {
    const { values, problems } = readArguments(cardOptions, argv);
    assert.deepEqual([values, problems], [{ run: "runs/a", regenerate: true }, []], argv.join(" "));
  }
  assert.deepEqual(readArguments(cardOptions, ["--run=a", "b"]).problems, [
    'unexpected argument "b": a value with spaces needs quotation marks',
  ]);
  assert.deepEqual(readArguments(cardOptions, ["--wats", "3"]).values, {}, "the value of an unknown option is none");
});
