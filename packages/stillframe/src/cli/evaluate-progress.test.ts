import assert from "node:assert/strict";
import { test } from "node:test";
import type { EvaluateEvent } from "@stillframe/schema";
import { EvaluateProgress } from "./evaluate-progress.js";
import { fakeTerminal } from "./fake-terminal.test.support.js";

const events: EvaluateEvent[] = [
  {
    type: "evaluation_started",
    output_dir: "out",
    real: 60,
    arms: [
      { name: "base", pictures: 8 },
      { name: "lora", pictures: 8 },
    ],
    networks: ["dinov2"],
  },
  { type: "left_out", message: "CMMD is left out: no CLIP was given (clip)." },
  { type: "drawn", arm: "base", picture: 0, pictures: 16, path: "0.png", seed: 3, kept: true },
  { type: "drawing", arm: "base", picture: 1, pictures: 16, step: 5, steps: 10 },
];

test("on a screen a bar below what lasts", () => {
  const terminal = fakeTerminal({ interactive: true });
  let time = 0;
  const view = new EvaluateProgress(terminal, () => (time += 1000));
  for (const event of events) view.show(event);
  assert.deepEqual(terminal.screen(), [
    "60 real pictures; 16 pictures in 2 arms: base, lora",
    "measured with dinov2",
    "note: CMMD is left out: no CLIP was given (clip).",
    `drawing base  picture 2/16, step 5/10  ${"━".repeat(2)}${"─".repeat(18)}`,
  ]);
});

test("elsewhere a line at times, and the table", () => {
  const terminal = fakeTerminal();
  const view = new EvaluateProgress(terminal, () => 0);
  const feature = { type: "features", set: "real", network: "dinov2", total: 60, pictures_per_second: 4.25 } as const;
  for (const event of [
    ...events.slice(2, 3),
    { ...feature, done: 20 },
    { ...feature, done: 40 },
    { ...feature, done: 60 },
    { type: "selected", arm: "step 2", metric: "kid", value: 1 },
    {
      type: "evaluated",
      output_dir: "out",
      table: "the table\n",
      files: ["evaluation.html", "plots/a.svg"],
      seconds: 9,
    },
  ] satisfies EvaluateEvent[])
    view.show(event);
  assert.deepEqual(terminal.written().trimEnd().split("\n"), [
    "drawing base: picture 1/16, 1 of them kept",
    "features of real, dinov2: 20/60 (4.3/s)",
    "features of real, dinov2: 60/60 (4.3/s)",
    "Best on the validation half by kid: step 2",
    "",
    "the table",
    "",
    "Done in 0:09.",
    "  out/evaluation.html",
  ]);
});

test("an interruption says what is kept", () => {
  const terminal = fakeTerminal();
  new EvaluateProgress(terminal).show({ type: "evaluation_interrupted", pictures: 3, seconds: 61 });
  assert.equal(terminal.written(), "Stopped after 1:01; 3 pictures kept. The same command goes on from there.\n");
});
