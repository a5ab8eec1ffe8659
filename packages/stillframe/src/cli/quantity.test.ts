import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, formatBytes, formatCount, formatDuration, formatRate } from "./quantity.js";

test("durations", () => {
  const cases: [number, string][] = [
    [0, "0:00"],
    [59.6, "1:00"],
    [75, "1:15"],
    [3723, "1:02:03"],
    [90061, "1 d 1:01:01"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatDuration(seconds), text);
});

test("bytes and counts", () => {
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(999), "999 B");
  assert.equal(formatBytes(999_600), "1.00 MB");
  assert.equal(formatBytes(1_234_567), "1.23 MB");
  assert.equal(formatBytes(118_800_000), "119 MB");
  assert.equal(formatCount(1600), "1600");
  assert.equal(formatCount(29_646_848), "29.6 M");
  assert.equal(counted(1, "step"), "1 step");
  assert.equal(counted(0, "step"), "0 steps");
});

test("rates turn over below one a second", () => {
  assert.equal(formatRate(3.421), "3.42 it/s");
  assert.equal(formatRate(123.4), "123 it/s");
  assert.equal(formatRate(0.1), "10.0 s/it");
  assert.equal(formatRate(0), "- it/s");
});
