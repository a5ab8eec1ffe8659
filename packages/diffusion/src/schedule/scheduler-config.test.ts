import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkKnownKeys,
  parseSchedulerConfig,
  readChoice,
  readFlag,
  readInteger,
  readNumber,
} from "./scheduler-config.js";

describe("parseSchedulerConfig", () => {
  it("reads JSON and Python's infinity, and leaves strings alone", () => {
    const text = '{"a": 1, "lambda_min_clipped": -Infinity, "b": {"c": Infinity}, "d": "x: -Infinity, y"}';
    assert.deepEqual(parseSchedulerConfig('{"a": 1}'), { a: 1 });
    const config = parseSchedulerConfig(text.replace(', "d": "x: -Infinity, y"', ""));
    assert.equal(config.lambda_min_clipped, Number.NEGATIVE_INFINITY);
    assert.deepEqual(config.b, { c: Number.POSITIVE_INFINITY });
    assert.equal(parseSchedulerConfig(text).d, "x: -Infinity, y");
  });

  it("refuses anything else", () => {
    assert.throws(() => parseSchedulerConfig('{"a": NaN}'), /expected JSON for scheduler configuration/);
    assert.throws(() => parseSchedulerConfig("[1]"), /expected a JSON object for scheduler configuration/);
    assert.throws(() => parseSchedulerConfig("{"), /expected JSON for scheduler configuration/);
  });
});

describe("settings", () => {
  it("must be known, but for notes", () => {
    checkKnownKeys({ _class_name: "EulerDiscreteScheduler", beta_start: 0.1, skip_prk_steps: true });
    assert.throws(() => checkKnownKeys({ beta_star: 0.1 }), /scheduler configuration but received "beta_star"/);
  });

  it("are of their type, or absent with a fallback", () => {
    assert.equal(readNumber({ a: 0.5 }, "a"), 0.5);
    assert.equal(readNumber({ a: null }, "a", 2), 2);
    assert.throws(() => readNumber({}, "a"), /expected a finite number for a but received undefined/);
    assert.throws(() => readNumber({ a: "1" }, "a"), /expected a finite number for a but received "1"/);
    assert.equal(readInteger({ a: 3 }, "a", { min: 0 }), 3);
    assert.throws(() => readInteger({ a: -1 }, "a", { min: 0 }), /expected an integer of at least 0 for a/);
    assert.throws(() => readInteger({ a: 1.5 }, "a", { min: 0 }), /expected an integer of at least 0 for a/);
    assert.equal(readFlag({}, "a", true), true);
    assert.throws(() => readFlag({ a: 1 }, "a", true), /expected true or false for a but received 1/);
    assert.equal(readChoice({ a: "x" }, "a", { among: ["x", "y"] }), "x");
    assert.throws(
      () => readChoice({ a: "z" }, "a", { among: ["x", "y"] }),
      /expected one of x, y for a but received "z"/,
    );
  });
});
