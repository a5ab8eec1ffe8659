import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatEventLine, type TrainEvent } from "@stillframe/schema";
import { TestFolder } from "../hub/testing/test-home.js";
import { readEventFacts } from "./event-facts.js";
import { MANIFEST } from "./testing/run-folder.js";

const started = (first_step: number): TrainEvent => ({
  type: "run_started",
  output_dir: "r",
  device: "cpu",
  dtype: "float32",
  seed: 1,
  total_steps: 10,
  total_epochs: 1,
  first_step,
  trained_parameters: 1,
});
const data: TrainEvent = { type: "data_prepared", pictures: 1, captions: 1, held_out: 0, captions_cut: 0, skipped: [] };
const checkpoint = (step: number): TrainEvent => ({ type: "checkpoint", step, path: "c" });
const sample = (step: number, path: string): TrainEvent => ({ type: "sample", step, path, prompt: "p", seed: 1 });

function facts(
  events: readonly [seconds: number, event: TrainEvent][],
  { files = [], tail = "" }: { files?: string[]; tail?: string } = {},
) {
  using run = new TestFolder();
  mkdirSync(join(run.path, "samples"));
  for (const file of files) writeFileSync(join(run.path, file), "x");
  const lines = events.map(([seconds, event]) => formatEventLine(event, new Date(Date.UTC(2025, 0, 1, 0, 0, seconds))));
  writeFileSync(join(run.path, "events.jsonl"), `${lines.join("\n")}\n${tail}`);
  return readEventFacts(run.path, MANIFEST);
}

test("the parts of an interrupted run are added up, the pauses between them are not", () => {
  assert.equal(
    facts([
      [0, data],
      [1, started(0)],
      [100, checkpoint(5)],
    ]).seconds,
    undefined,
  );
  const parts: [number, TrainEvent][] = [
    [0, data],
    [1, started(0)],
    [100, checkpoint(5)],
    [900, data],
    [902, started(5)],
    [950, checkpoint(10)],
  ];
  assert.equal(facts(parts).seconds, 150);
});

test("pictures count that are still there, each once", () => {
  const files = ["samples/a.png", "samples/b.png"];
  const { samples } = facts(
    [
      [0, sample(0, "samples/a.png")],
      [1, sample(5, "samples/b.png")],
      [2, sample(5, "samples/b.png")],
      [3, sample(9, "samples/gone.png")],
    ],
    { files },
  );
  assert.deepEqual(
    samples.map(({ step, path }) => [step, path]),
    [
      [0, "samples/a.png"],
      [5, "samples/b.png"],
    ],
  );
});

test("a line that is cut or foreign tells nothing, and no events tell nothing", () => {
  assert.deepEqual(
    facts([[0, { type: "validation", step: 1, epoch: 0, loss: 0.5, pictures: 1 }]], { tail: '{"time":"2025-' })
      .validations,
    [{ step: 1, loss: 0.5 }],
  );
  using empty = new TestFolder();
  assert.deepEqual(readEventFacts(empty.path, MANIFEST), {
    samples: [],
    loss: undefined,
    validations: [],
    seconds: undefined,
  });
});
