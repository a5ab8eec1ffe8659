import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePythonJson, quantityPaths } from "./json-leaves.js";

describe("parsePythonJson", () => {
  it("reads infinities", () => {
    assert.deepEqual(parsePythonJson('{"a": -Infinity, "b": [1, Infinity]}'), {
      a: Number.NEGATIVE_INFINITY,
      b: [1, Number.POSITIVE_INFINITY],
    });
  });

  it("leaves strings alone", () => {
    assert.deepEqual(parsePythonJson('{"a": "x: Infinity, y"}'), { a: "x: Infinity, y" });
  });

  it("refuses what is no JSON", () => {
    assert.throws(() => parsePythonJson('{"a": }'), SyntaxError);
  });
});

describe("quantityPaths", () => {
  it("lists numbers, truth values and lists of plain values", () => {
    const json = { a: 1, b: { c: true, "d.e": [1, 2] }, f: [{ g: 0 }, { g: ["x"] }], h: [[1], [2]] };
    assert.deepEqual(quantityPaths(json), ["a", "b/c", "b/d.e", "f/0/g", "f/1/g", "h"]);
  });

  it("passes over texts that stand alone and remarks", () => {
    const json = { text: "a fox", note: { n: 1 }, precision: [1], max_abs_fp32_vs_fp64: 1e-6, nothing: null };
    assert.deepEqual(quantityPaths(json), []);
  });
});
