import assert from "node:assert/strict";
import { test } from "node:test";
import type { PrepareEvent, PrepareReport } from "@stillframe/schema";
import { fakeTerminal } from "./fake-terminal.test.support.js";
import { PrepareProgress } from "./prepare-progress.js";

const range = { least: 1, median: 2, most: 3 };
const report: PrepareReport = {
  format: "stillframe-prepare",
  version: 1,
  data: { name_or_path: "stills", commit: null, content_sha256: "0".repeat(64) },
  pictures: 1,
  skipped: [],
  skipped_files: [],
  resolution: 64,
  sizes: {
    width: range,
    height: range,
    aspect_ratio: range,
    megapixels: range,
    frequent: [{ width: 64, height: 64, count: 1 }],
  },
  buckets: [{ width: 64, height: 64, pictures: 1, cut_away: 0 }],
  enlarged: { pictures: 0, most: 1, files: [] },
  captions: {
    captions: 1,
    different: 1,
    empty: 0,
    unit: "words",
    length: range,
    histogram: [],
    limit: null,
    cut: 0,
    longest: [],
    repeated: [],
    openings: [],
  },
  duplicates: [],
  blurred: [],
  encoded: null,
};
const files = [{ path: "prepare.json", bytes: 1200, sha256: "0".repeat(64) }];
const events: PrepareEvent[] = [
  { type: "preparing", stage: "download", done: 500_000, total: 2_000_000 },
  { type: "preparing", stage: "read", done: 0, total: 3 },
  { type: "preparing", stage: "read", done: 1, total: 3 },
  { type: "warning", message: "odd" },
  { type: "preparing", stage: "read", done: 3, total: 3 },
  { type: "prepared", output_dir: "out", report, files, seconds: 61 },
];

test("in a file: a line when a stage begins and ends, the table, the files", () => {
  const terminal = fakeTerminal();
  const view = new PrepareProgress(terminal, () => 0);
  for (const event of events) view.show(event);
  const lines = terminal.written().split("\n");
  assert.deepEqual(lines.slice(0, 4), [
    "Downloading: 500 kB of 2.00 MB",
    "Reading pictures: 0/3",
    "warning: odd",
    "Reading pictures: 3/3",
  ]);
  assert.ok(lines.includes("Pictures         1"));
  assert.deepEqual(lines.slice(-3), ["Done in 1:01.", "  out/prepare.json  1.20 kB", ""]);
});

test("when it is stopped it says that what was encoded is kept", () => {
  const terminal = fakeTerminal();
  const view = new PrepareProgress(terminal);
  view.show({ type: "prepare_interrupted", seconds: 3 });
  assert.equal(terminal.written(), "Stopped after 0:03; what was encoded is kept.\n");
});
