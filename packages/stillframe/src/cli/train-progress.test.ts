import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrainEvent } from "@stillframe/schema";
import { fakeTerminal } from "./fake-terminal.test.support.js";
import { TrainProgress } from "./train-progress.js";

const started: TrainEvent = {
  type: "run_started",
  output_dir: "runs/a",
  device: "cpu",
  dtype: "float32",
  seed: 7,
  total_steps: 100,
  total_epochs: 2,
  first_step: 0,
  trained_parameters: 1600,
};
const skipped = [{ reason: "truncated JPEG", count: 3, examples: ["a.jpg", "b.jpg"] }];
const prepared: TrainEvent = {
  type: "data_prepared",
  pictures: 57,
  captions: 57,
  held_out: 3,
  captions_cut: 1,
  skipped,
};

function step(number: number, loss = 0.5): TrainEvent {
  return {
    type: "step",
    step: number,
    epoch: 0,
    loss,
    lr: 1e-4,
    grad_norm: 1,
    images_per_second: 8,
    steps_per_second: 2,
    memory_bytes: 1e9,
    eta_seconds: 75,
  };
}

function progress(shape: Parameters<typeof fakeTerminal>[0] = {}) {
  const clock = { ms: 0 };
  const terminal = fakeTerminal(shape);
  const commands = { generateCommand: "npx generate", resumeCommand: "npx resume" };
  const view = new TrainProgress(terminal, { ...commands, now: () => clock.ms });
  return { terminal, view, clock };
}

test("on a screen one line is drawn again and again, warnings stand above it", () => {
  const { terminal, view, clock } = progress({ interactive: true, columns: 100 });
  view.show(started);
  for (const number of [1, 2, 3]) {
    clock.ms += 200;
    view.show(step(number));
  }
  view.show({ type: "warning", message: "mind the gap" });
  view.show(step(4));
  assert.deepEqual(terminal.screen(), [
    "Training on cpu (float32), seed 7: 100 steps in 2 epochs, 1600 trained weights",
    "warning: mind the gap",
    `  4% ━${"─".repeat(29)}  4/100  loss 0.5000  1:15 left  2.00 it/s  lr 1e-4`,
  ]);
  view.close();
  assert.equal(terminal.screen().at(-1), "");
});

test("the line is not drawn more often than every tenth of a second", () => {
  const { terminal, view, clock } = progress({ interactive: true });
  for (let number = 1; number <= 100; number++) {
    clock.ms += 10;
    view.show(step(number));
  }
  assert.equal(terminal.written().split("\x1b[1G").length, 10);
});

test("the line fits any window and loses the least important first", () => {
  const shown = (columns: number) => {
    const { terminal, view } = progress({ interactive: true, columns });
    view.show(started);
    view.show(step(40));
    const line = terminal.screen().at(-1) ?? "";
    assert.ok(line.length < columns, `${columns}: ${line}`);
    return line;
  };
  assert.match(shown(80), /^ 40% ━+─+ {2}40\/100 {2}loss 0\.5000 {2}1:15 left {2}2\.00 it\/s {2}lr 1e-4$/);
  assert.match(shown(61), /^ 40% ━+─+ {2}40\/100 {2}loss 0\.5000 {2}1:15 left {2}2\.00 it\/s$/);
  assert.equal(shown(31), " 40%  40/100  loss 0.5000");
  assert.equal(shown(4), " 40");
});

test("elsewhere plain lines: the first step, one every ten seconds, the last", () => {
  const { terminal, view, clock } = progress();
  view.show(started);
  for (let number = 1; number <= 100; number++) {
    clock.ms += 300;
    view.show(step(number));
  }
  const lines = terminal.written().trimEnd().split("\n").slice(1);
  assert.deepEqual(
    lines.map((line) => line.split(" ")[1]),
    ["1/100", "35/100", "69/100", "100/100"],
  );
  assert.equal(lines[0], "step 1/100 (1 %), epoch 1, loss 0.5000, lr 1e-4, 2.00 it/s, 1:15 left, 1.00 GB");
  assert.ok(!terminal.written().includes("\x1b"));
});

test("the loss is smoothed from its first value on", () => {
  const { terminal, view } = progress({ interactive: false });
  view.show(started);
  view.show(step(1, 1));
  view.show(step(100, 0));
  // Weights 0.95 and 1: (0.95 · 1 + 1 · 0) / 1.95.
  assert.match(terminal.written(), /step 1\/100 .* loss 1\.0000,[\s\S]*step 100\/100 .* loss 0\.4872,/);
});

test("the data, its losses and what was skipped", () => {
  const { terminal, view } = progress();
  view.show(prepared);
  assert.equal(
    terminal.written(),
    "57 pictures, 57 captions; 3 more held out for validation; 1 caption cut (see --max_token_length); 3 skipped:\n" +
      "  3 × truncated JPEG (a.jpg, b.jpg, …)\n",
  );
});

test("the end says where the files are, what was skipped, how long it took and how to go on", () => {
  const { terminal, view } = progress();
  for (const event of [prepared, started]) view.show(event);
  const before = terminal.written().length;
  const file = { path: "pytorch_lora_weights.safetensors", bytes: 118_800_000, sha256: "a".repeat(64) };
  view.show({ type: "run_finished", step: 100, epoch: 2, output_dir: "runs/a", files: [file], seconds: 83 });
  assert.deepEqual(terminal.written().slice(before).split("\n"), [
    "",
    "Done: 100 steps in 1:23.",
    "  runs/a/pytorch_lora_weights.safetensors  119 MB",
    "",
    "Skipped:",
    "  3 × truncated JPEG (a.jpg, b.jpg, …)",
    "",
    "Make pictures with it:",
    "  npx generate",
    "",
  ]);
});

test("the end sums the run up: speed, losses, and where to look", () => {
  const { terminal, view } = progress();
  view.show(started);
  const before = terminal.written().length;
  view.show({
    type: "run_finished",
    step: 100,
    epoch: 2,
    output_dir: "runs/a",
    files: [],
    loss_plot: "loss.png",
    contact_sheet: "samples/contact-sheet.png",
    loss: 0.08123,
    validation: { first: { step: 0, loss: 0.25 }, best: { step: 50, loss: 0.125 }, last: { step: 100, loss: 0.1875 } },
    images_per_second: 6.789,
    seconds: 83,
  });
  assert.deepEqual(terminal.written().slice(before).split("\n").slice(1, 8), [
    "Done: 100 steps in 1:23.",
    "  speed            6.79 pictures/s",
    "  training loss    0.0812 at the end, smoothed",
    "  validation loss  first 0.2500 (step 0), best 0.1250 (step 50), last 0.1875 (step 100)",
    "  curves           runs/a/loss.png",
    "  pictures         runs/a/samples/contact-sheet.png",
    "",
  ]);
});

test("a validation shows how far it is; what each picture lost is for the file", () => {
  const { terminal, view } = progress({ interactive: true, columns: 100 });
  view.show(started);
  view.show({ type: "picture_losses", step: 1, losses: [{ picture: "a.jpg", loss: 0.5, timestep: 9 }] });
  assert.equal(terminal.screen().length, 1 + 1);
  view.show({ type: "validating", step: 0, what: "pictures", done: 50, total: 200 });
  assert.match(terminal.screen().at(-1) ?? "", /^step 0: drawing validation pictures {2}50\/200 {2}━{5}─{15}$/);
});

test("an interrupted and a failed run say how to go on, or that they cannot", () => {
  const { terminal, view } = progress();
  view.show(started);
  view.show({ type: "run_interrupted", step: 20, checkpoint: "checkpoints/step-000020", seconds: 5 });
  view.show({ type: "run_failed", step: 3, message: "NaN", checkpoint: null });
  assert.match(
    terminal.written(),
    /Stopped after step 20 \(0:05\)\.\nCheckpoint: runs\/a\/checkpoints\/step-000020\nGo on with:\n {2}npx resume\n/,
  );
  assert.match(terminal.written(), /Failed after step 3\.\nThere is no checkpoint yet to go on from\.\n$/);
});

test("validation pictures of one step are one line", () => {
  const { terminal, view } = progress();
  view.show(started);
  const before = terminal.written().length;
  for (const [number, name] of [
    [0, "a.png"],
    [0, "b.png"],
    [50, "c.png"],
  ] as const)
    view.show({ type: "sample", step: number, path: `samples/${name}`, prompt: "x", seed: 1 });
  view.show({ type: "validation", step: 50, epoch: 1, loss: 0.25, pictures: 3 });
  assert.equal(
    terminal.written().slice(before),
    "step 0: validation pictures, the first runs/a/samples/a.png\n" +
      "step 50: validation pictures, the first runs/a/samples/c.png\n" +
      "step 50: validation loss 0.2500 over 3 pictures\n",
  );
});
