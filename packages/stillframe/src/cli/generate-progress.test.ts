import assert from "node:assert/strict";
import { test } from "node:test";
import type { GenerateEvent } from "@stillframe/schema";
import { fakeTerminal } from "./fake-terminal.test.support.js";
import { GenerateProgress } from "./generate-progress.js";

const events: GenerateEvent[] = [
  { type: "generation_started", output_dir: "out", device: "cpu", dtype: "float32", pictures: 2, steps: 4 },
  { type: "denoised", picture: 0, step: 4, steps: 4 },
  { type: "picture", picture: 0, path: "0.png", prompt: "x", seed: 7, side: "base", scale: 0, label: "base" },
  { type: "denoised", picture: 1, step: 2, steps: 4 },
];

test("on a screen a bar below the pictures", () => {
  const terminal = fakeTerminal({ interactive: true });
  const view = new GenerateProgress(terminal);
  for (const event of events) view.show(event);
  assert.deepEqual(terminal.screen(), [
    "2 pictures of 4 steps on cpu (float32)",
    "out/0.png  seed 7, base",
    `picture 2/2  step 2/4  ${"━".repeat(23)}${"─".repeat(7)}`,
  ]);
});

test("elsewhere the pictures alone", () => {
  const terminal = fakeTerminal();
  const view = new GenerateProgress(terminal);
  for (const event of events) view.show(event);
  view.show({ type: "contact_sheet", path: "contact-sheet.png" });
  view.show({ type: "generation_finished", pictures: 2, seconds: 9 });
  assert.deepEqual(terminal.written().trimEnd().split("\n"), [
    "2 pictures of 4 steps on cpu (float32)",
    "out/0.png  seed 7, base",
    "out/contact-sheet.png  all of them",
    "Done: 2 pictures in 0:09.",
  ]);
});
