import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEventLine, parseEventLine, withoutMeasurements } from "./event-line.js";
import { type TrainEvent, TrainEventSchema } from "./events.js";

const step: TrainEvent = {
  type: "step",
  step: 3,
  epoch: 0,
  loss: 0.125,
  lr: 1e-4,
  grad_norm: 0.5,
  images_per_second: 4,
  steps_per_second: 2,
  memory_bytes: 1000,
  eta_seconds: 12.5,
};
const noon = new Date("2025-01-02T12:00:00.000Z");

test("an event is one line, its time apart", () => {
  const line = formatEventLine(step, noon);
  assert.match(line, /^\{"time":"2025-01-02T12:00:00\.000Z","type":"step","step":3,/);
  assert.doesNotMatch(line, /\n/);
  assert.deepEqual(parseEventLine(line), { time: noon, event: step });
});

test("what was measured can be taken away, and the rest is what determinism promises", () => {
  const again = { ...step, images_per_second: 3.9, steps_per_second: 1.9, memory_bytes: 999, eta_seconds: 13 };
  assert.deepEqual(withoutMeasurements(step), withoutMeasurements(again));
  assert.notDeepEqual(withoutMeasurements(step), withoutMeasurements({ ...step, loss: 0.126 }));
  assert.deepEqual(Object.keys(withoutMeasurements(step)), ["type", "step", "epoch", "loss", "lr", "grad_norm"]);
});

test("a line that is no event is refused", () => {
  const at = '"time":"2025-01-02T12:00:00.000Z"';
  assert.throws(() => parseEventLine('{"type":"st'), SyntaxError);
  assert.throws(() => parseEventLine("[]"), /expected a JSON object for a line of events/);
  assert.throws(() => parseEventLine('{"type":"warning","message":"x"}'), /expected an ISO time for time of an event/);
  assert.throws(() => parseEventLine(`{${at},"type":"party"}`), /expected an event but received .*party/);
  assert.throws(() => parseEventLine(`{${at},"type":"warning","message":"x","more":1}`), /expected an event/);
});

test("a loss that is not a number is no event", () => {
  assert.equal(TrainEventSchema.safeParse({ ...step, loss: Number.NaN }).success, false);
  assert.equal(TrainEventSchema.safeParse({ ...step, grad_norm: null }).success, true);
});
