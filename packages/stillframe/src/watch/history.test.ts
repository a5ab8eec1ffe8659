import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { formatEventLine, type TrainEvent } from "@stillframe/schema";
import { readHistory } from "./history.js";

const step = (number: number): TrainEvent => ({
  type: "step",
  step: number,
  epoch: 0,
  loss: number / 10,
  lr: 1e-4,
  text_encoder_lr: 5e-6,
  grad_norm: 1,
  images_per_second: 8,
  steps_per_second: 2,
  memory_bytes: 1e9,
  eta_seconds: 75,
});

test("losses from a run's events; what a killed process left half written does not count", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-history-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "events.jsonl");
  assert.deepEqual(readHistory(file), { steps: [], validations: [], prompt: null });
  const events: TrainEvent[] = [
    { type: "warning", message: '"type":"step" in a message' },
    { type: "validation", step: 0, epoch: 0, loss: 0.5, pictures: 2 },
    { type: "sample", step: 0, path: "samples/a.png", prompt: "a cat", seed: 1 },
    step(1),
    step(2),
  ];
  const lines = events.map((e) => formatEventLine(e, new Date(0)));
  writeFileSync(file, `${lines.join("\n")}\n${lines[3]?.slice(0, 40)}`);
  assert.deepEqual(readHistory(file), {
    steps: [1, 2].map((n) => ({ step: n, loss: n / 10, lr: 1e-4, textEncoderLr: 5e-6 })),
    validations: [{ step: 0, loss: 0.5 }],
    prompt: "a cat",
  });
  writeFileSync(file, `{"type":"step"}\n${lines[3]}\n`);
  assert.throws(() => readHistory(file), /expected an ISO time for time of an event/);
});
