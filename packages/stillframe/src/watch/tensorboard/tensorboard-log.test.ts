import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { TrainEvent } from "@stillframe/schema";
import sharp from "sharp";
import { TensorBoardLog } from "./tensorboard-log.js";

const READER = fileURLToPath(new URL("../../../fixtures/tensorboard/event_file.py", import.meta.url));
const NO_PYTHON = spawnSync("python3", ["--version"]).status === 0 ? false : "python3 is not installed";

/** Every event of a file, by the other reader; it checks the checksums. */
const read = (file: string): Record<string, unknown>[] =>
  execFileSync("python3", [READER, "read", file], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

function runFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const started = (first_step: number): TrainEvent => ({
  type: "run_started",
  output_dir: "runs/a",
  device: "cpu",
  dtype: "float32",
  seed: 7,
  total_steps: 10,
  total_epochs: 1,
  first_step,
  trained_parameters: 1,
});
const step = (number: number, grad_norm: number | null = 0.5): TrainEvent => ({
  type: "step",
  step: number,
  epoch: 0,
  loss: 0.25,
  lr: 1e-4,
  grad_norm,
  images_per_second: 8,
  steps_per_second: 2,
  memory_bytes: 2 ** 30,
  eta_seconds: 75,
});

test("curves and pictures of a run, as another reader sees them", { skip: NO_PYTHON }, async (t) => {
  const folder = runFolder(t);
  mkdirSync(join(folder, "samples"));
  const png = await sharp({ create: { width: 30, height: 20, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  writeFileSync(join(folder, "samples/a.png"), png);
  const log = new TensorBoardLog(folder, { folder: "logs", now: () => 1_700_000_000_500 });
  log.record({ type: "warning", message: "before the start nothing is written" });
  log.record(started(0));
  log.record({ type: "sample", step: 0, path: "samples/a.png", prompt: "x", seed: 11 });
  log.record(step(1));
  log.record(step(2, null));
  log.record({ type: "picture_losses", step: 2, losses: [{ picture: "b/ö.jpg", loss: 0.5, timestep: 9 }] });
  log.record({ type: "validation", step: 2, epoch: 0, loss: 0.75, pictures: 3 });
  log.close();
  const [file, ...more] = readdirSync(join(folder, "logs"));
  assert.deepEqual(more, []);
  assert.match(file as string, /^events\.out\.tfevents\.1700000000\./);
  const events = read(join(folder, "logs", file as string));
  assert.deepEqual(events[0], { wall_time: 1_700_000_000.5, step: 0, file_version: "brain.Event:2" });
  assert.deepEqual(
    events.slice(1).map((e) => [e["step"], e["tag"], e["value"] ?? e["image"]]),
    [
      [0, "samples/seed 11", { height: 20, width: 30, colorspace: 3, bytes: png.length }],
      [1, "loss/train", 0.25],
      [1, "learning_rate", Math.fround(1e-4)],
      [1, "grad_norm", 0.5],
      [1, "images_per_second", 8],
      [1, "memory_bytes", 2 ** 30],
      [2, "loss/train", 0.25],
      [2, "learning_rate", Math.fround(1e-4)],
      [2, "images_per_second", 8],
      [2, "memory_bytes", 2 ** 30],
      [2, "picture_loss/b/ö.jpg", 0.5],
      [2, "loss/validation", 0.75],
    ],
  );
});

test("going on writes another file, whose start voids what came after the checkpoint", { skip: NO_PYTHON }, (t) => {
  const folder = runFolder(t);
  const files = () => readdirSync(join(folder, "logs")).sort();
  for (const first of [0, 4, 6]) {
    const log = new TensorBoardLog(folder, { folder: "logs", now: () => 1_700_000_000_000 });
    log.record(started(first));
    log.record(step(first + 1));
    log.close();
  }
  // names sort in the order of the starts, also within a second: that is the order in which they are read
  assert.deepEqual(
    files().map((f) => read(join(folder, "logs", f)).find((e) => e["session"] === 1)?.["step"]),
    [undefined, 5, 7],
  );
  writeFileSync(join(folder, "logs", "notes.txt"), "kept");
  const log = new TensorBoardLog(folder, { folder: "logs" });
  log.record(started(0));
  log.close();
  assert.equal(files().length, 2);
  assert.ok(files().includes("notes.txt"));
});
