import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { GenerateEvent, GenerateOptions, TrainEvent, TrainOptions } from "@stillframe/schema";
import { fakeTerminal } from "./fake-terminal.test.support.js";
import type { Diagnosis, Library } from "./library.js";
import { main } from "./main.js";
import { reportError } from "./report-error.js";

const finished: TrainEvent = { type: "run_finished", step: 1, epoch: 1, output_dir: "o", files: [], seconds: 1 };
const least = ["train", "--pretrained_model_name_or_path=base", "--train_data_dir=d"];
const notLoaded = async (): Promise<never> => {
  throw new Error("this command must not load the engine");
};

interface Fakes {
  readonly train?: (options: TrainOptions) => AsyncGenerator<TrainEvent>;
  readonly generate?: (options: GenerateOptions) => AsyncGenerator<GenerateEvent>;
  readonly diagnosis?: Diagnosis;
}

async function run(argv: string[], { train, generate, diagnosis }: Fakes = {}) {
  const terminal = fakeTerminal();
  const library: Library = {
    train: train ? async () => train : notLoaded,
    generate: generate ? async () => generate : notLoaded,
    prepare: notLoaded,
    evaluate: notLoaded,
    writeCard: notLoaded,
    publishRun: notLoaded,
    pull: notLoaded,
    reproduce: notLoaded,
    makeRandomModel: notLoaded,
    diagnose: diagnosis ? async () => async () => diagnosis : notLoaded,
  };
  const code = await main(argv, { terminal, library });
  return { code, out: terminal.written(), err: terminal.errors() };
}

test("help and version load nothing and go to standard output", async () => {
  for (const argv of [[], ["help"], ["--help"], ["-h"]]) {
    const { code, out, err } = await run(argv);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^Stillframe fine-tunes .*\n\nUsage\n/);
  }
  for (const argv of [
    ["train", "--help"],
    ["train", "-h"],
    ["help", "train"],
    ["train", "--nonsense", "--help"],
  ])
    assert.match((await run(argv)).out, /Learning-rate schedule/, argv.join(" "));
  assert.match((await run(["version"])).out, /^stillframe \d+\.\d+\.\d+ \(Node \d+/);
  assert.equal((await run(["--version"])).out, (await run(["version"])).out);
});

test("a wrong command line ends in 2, all problems on standard error, nothing loaded", async () => {
  const { code, out, err } = await run(["train", "--train_batchsize=2", "--rank=abc"]);
  assert.deepEqual([code, out], [2, ""]);
  assert.deepEqual(err.split("\n"), [
    "stillframe: unknown option --train_batchsize: did you mean --train_batch_size?",
    "stillframe: expected a value for pretrained_model_name_or_path but received none",
    'stillframe: expected an integer from 1 for rank but received "abc"',
    "stillframe: expected pictures to train on: give train_data_dir (a folder) or dataset_name (a Hugging Face data set)",
    "See stillframe train --help.",
    "",
  ]);
});

test("an unknown command names the nearest, or all", async () => {
  assert.deepEqual(await run(["trian"]), {
    code: 2,
    out: "",
    err: "stillframe: unknown command trian: did you mean train?\nSee stillframe --help.\n",
  });
  assert.match(
    (await run(["paint"])).err,
    /unknown command paint: the commands are train, prepare, generate, .*doctor, help, version/,
  );
  assert.equal((await run(["help", "paint"])).code, 2);
});

test("options reach the library, the command line wins over the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-main-"));
  const config = join(folder, "run.yaml");
  writeFileSync(config, "rank: 8\nseed: 1\ntrain_data_dir: d\n");
  let seen: TrainOptions | undefined;
  const { code, err } = await run(["train", "--config", config, "--seed=2", "--pretrained-model-name-or-path=base"], {
    async *train(options) {
      seen = options;
      yield finished;
    },
  });
  assert.deepEqual([code, err], [0, ""]);
  assert.deepEqual([seen?.rank, seen?.seed, seen?.train_data_dir, seen?.lr_scheduler], [8, 2, "d", "constant"]);

  writeFileSync(config, "rank: many\nseed: no\n");
  const wrong = await run([...least, "--config", config, "--seed=2"]);
  assert.equal(wrong.code, 2);
  assert.equal(
    wrong.err.split("\n")[0],
    `stillframe: ${config}:1: expected an integer from 1 for rank but received "many"`,
    "the file's seed is not used, so it is no problem",
  );
  assert.equal(wrong.err.split("\n").length, 3);
  rmSync(folder, { recursive: true });
});

test("a file that cannot be read is the only problem told", async () => {
  const { err } = await run(["train", "--config=/no/such.yaml"]);
  assert.equal(
    err,
    "stillframe: cannot read --config /no/such.yaml: there is no such file\nSee stillframe train --help.\n",
  );
});

test("what cannot exist here is one line before the run", async () => {
  const { out } = await run([...least, "--enable_xformers_memory_efficient_attention"], {
    async *train() {
      yield finished;
    },
  });
  assert.match(out, /^note: enable_xformers_memory_efficient_attention: .* is used\n/);
});

test("a failure ends in 1 with a short message and its causes, no stack", async () => {
  const { code, out, err } = await run(least, {
    async *train() {
      yield { type: "warning", message: "odd" };
      throw new Error("the disk is full", { cause: new Error("ENOSPC: no space left") });
    },
  });
  assert.equal(code, 1);
  assert.equal(out, "warning: odd\n");
  assert.equal(
    err,
    "stillframe: the disk is full\n  because: ENOSPC: no space left\nSTILLFRAME_DEBUG=1 shows where this came from.\n",
  );
});

test("STILLFRAME_DEBUG shows the stack", () => {
  const terminal = fakeTerminal();
  const error = new Error("lost", { cause: new Error("deep") });
  assert.equal(reportError(error, terminal, { STILLFRAME_DEBUG: "1" }), 1);
  assert.match(terminal.errors(), /Error: lost\n {4}at [\s\S]*because: Error: deep\n {4}at /);
});

test("causes that run in a circle end", () => {
  const terminal = fakeTerminal();
  const error = new Error("a");
  error.cause = new Error("b", { cause: error });
  reportError(error, terminal, {});
  assert.match(terminal.errors(), /^stillframe: a\n {2}because: b\n/);
});

test("an interrupted run ends in 130, a failed one in 1", async () => {
  const ending = (event: TrainEvent) =>
    run(least, {
      async *train() {
        yield event;
      },
    });
  const { code, out } = await ending({ type: "run_interrupted", step: 3, checkpoint: "c/3", seconds: 1 });
  assert.equal(code, 130);
  assert.match(
    out,
    / {2}npx stillframe train --pretrained_model_name_or_path=base --train_data_dir=d --resume_from_checkpoint=latest\n/,
  );
  assert.equal((await ending({ type: "run_failed", step: 3, message: "x", checkpoint: null })).code, 1);
});

test("the end of a training names the command that makes pictures", async () => {
  const ends = async (...argv: string[]) =>
    (
      await run([...least, "--output_dir=runs/a", ...argv], {
        async *train() {
          yield finished;
        },
      })
    ).out
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.trim();
  assert.equal(
    await ends("--validation_prompt=a boy's cat", "--pretrained_vae_model_name_or_path=vae", "--variant=fp16"),
    "npx stillframe generate --pretrained_model_name_or_path=base --lora=runs/a --compare " +
      "--pretrained_vae_model_name_or_path=vae --variant=fp16 --prompt='a boy'\\''s cat'",
  );
  assert.equal(
    await ends("--method=full", "--caption_prefix=Still, "),
    "npx stillframe generate --pretrained_model_name_or_path=runs/a --prompt='Still, …'",
  );
});

test("generate passes its options and shows its pictures", async () => {
  let seen: GenerateOptions | undefined;
  const { code, out } = await run(
    ["generate", "--pretrained_model_name_or_path=base", "--prompt=a cat", "--prompt=a dog", "--num-inference-steps=3"],
    {
      async *generate(options) {
        seen = options;
        yield { type: "generation_finished", pictures: 2, seconds: 1 };
      },
    },
  );
  assert.equal(code, 0);
  assert.deepEqual([seen?.prompt, seen?.steps], [["a cat", "a dog"], 3]);
  assert.match(out, /Done: 2 pictures/);
});

test("doctor shows facts and advice; a fatal problem ends in 1", async () => {
  const facts = [
    { name: "System", value: "linux" },
    { name: "libtorch", value: "1.13.1" },
  ];
  const advice = { problem: "slow BLAS", remedy: "Install OpenBLAS.", fatal: false };
  const fine = await run(["doctor"], { diagnosis: { facts, problems: [] } });
  assert.deepEqual([fine.code, fine.out], [0, "System    linux\nlibtorch  1.13.1\n\nNo problems found.\n"]);
  const slow = await run(["doctor"], { diagnosis: { facts: [], problems: [advice] } });
  assert.deepEqual([slow.code, slow.out], [0, "\nadvice: slow BLAS\n  Install OpenBLAS.\n"]);
  const broken = await run(["doctor", "--json"], { diagnosis: { facts, problems: [{ ...advice, fatal: true }] } });
  assert.equal(broken.code, 1);
  assert.deepEqual(JSON.parse(broken.out), { facts, problems: [{ ...advice, fatal: true }] });
});
