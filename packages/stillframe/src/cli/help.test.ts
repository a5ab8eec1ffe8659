import assert from "node:assert/strict";
import { test } from "node:test";
import { trainOptions } from "@stillframe/schema";
import { cardCommand } from "./commands/card.js";
import { doctorCommand } from "./commands/doctor.js";
import { generateCommand } from "./commands/generate.js";
import { trainCommand } from "./commands/train.js";
import { commandHelp, overviewHelp } from "./help.js";

const commands = [trainCommand, generateCommand, doctorCommand];
const page = (columns: number, color = false) => ({ columns: () => columns, color });

test("every option stands once in the help of its command, under its group, with its default", () => {
  for (const command of commands) {
    const help = commandHelp(command, page(80));
    for (const { name, default: usual } of command.options.specs) {
      const flag = usual === true ? `--no-${name}` : `--${name}`;
      assert.equal(help.split("\n").filter((line) => new RegExp(`^  ${flag}(=| |$)`).test(line)).length, 1, flag);
    }
    for (const { title } of command.options.groups) assert.ok(help.includes(`\n\n${title}\n`), title);
  }
});

test("text fits the window; only names and example words may be longer than it", () => {
  for (const columns of [40, 60, 80, 100, 120, 200])
    for (const line of commandHelp(trainCommand, page(columns)).split("\n"))
      assert.ok(
        line.length <= Math.min(columns, 120) || !line.trim().replace(/ \\$/, "").includes(" "),
        `${columns}: ${line}`,
      );
});

test("help stands beside the option in a usual window, below it in a narrow one", () => {
  assert.match(commandHelp(trainCommand, page(80)), /\n {2}--rank=N {20}Inner dimension .*\n {30}adapter can hold/);
  assert.match(commandHelp(trainCommand, page(50)), /\n {2}--rank=N\n {6}Inner dimension/);
});

test("defaults, choices and aliases are told", () => {
  const help = commandHelp(trainCommand, page(120)).replace(/\s+/g, " ");
  assert.match(help, /--rank=N .*? usual\. \(default: 4\)/);
  assert.match(help, /--learning_rate=LR Highest learning rate\. \(default: 1e-4\)/);
  assert.match(help, /--pretrained_model_name_or_path=MODEL .*? \(required\)/);
  assert.match(help, /--mixed_precision=no\|fp16\|bf16 /);
  assert.match(help, /--lr_scheduler=NAME .* One of linear, cosine, .*\. \(default: constant\)/);
  assert.match(help, /--no-prodigy_safeguard_warmup .*? \(default: on; this turns it off\)/);
  assert.match(commandHelp(generateCommand, page(120)), /--steps=N +Denoising steps\. Also: --num_inference_steps\./);
});

test("a positional option stands by what it is called, in the usage and in the list", () => {
  const help = commandHelp(cardCommand, page(80));
  assert.match(help, /\nUsage\n {2}stillframe card RUN \[options\]\n/);
  assert.match(help, /\n {2}RUN {25}The folder of a training run\. \(required\)\n/);
});

test("the examples are command lines that parse", async () => {
  const { readArguments } = await import("./arguments.js");
  for (const example of trainCommand.examples.filter((line) => !line.includes("--config"))) {
    const { values, problems } = readArguments(trainOptions, example.split(" ").slice(2));
    assert.deepEqual(problems, []);
    assert.equal(trainOptions.parse(values).rank, 16);
  }
});

test("without colour no escape codes, with colour bold titles", () => {
  assert.ok(!commandHelp(trainCommand, page(80)).includes("\x1b"));
  assert.ok(commandHelp(trainCommand, page(80, true)).includes("\x1b[1mModel\x1b[22m"));
  assert.match(overviewHelp(commands, page(80)), /\n {2}train {5}Train a LoRA/);
});
