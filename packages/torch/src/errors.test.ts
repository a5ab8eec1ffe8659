import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as errors from "./errors.js";

describe("error classes", () => {
  it("have their own names and are the kind of JavaScript error that they resemble", () => {
    const made = [
      [new errors.InvalidArgumentError("m"), "InvalidArgumentError", TypeError],
      [new errors.ShapeError("m"), "ShapeError", RangeError],
      [new errors.DisposedError("m"), "DisposedError", ReferenceError],
      [new errors.OperatorError("m", "aten::add"), "OperatorError", Error],
      [new errors.OutOfMemoryError("m", "aten::add"), "OutOfMemoryError", errors.OperatorError],
      [new errors.EngineUnavailableError("m"), "EngineUnavailableError", Error],
    ] as const;
    for (const [error, name, kind] of made) {
      assert.deepEqual([error.name, error.message], [name, "m"]);
      assert.ok(error instanceof kind);
      assert.ok(String(error.stack).includes("errors.test"), error.stack);
    }
    assert.equal(new errors.OutOfMemoryError("m", "aten::add").operator, "aten::add");
    const file = new errors.FileFormatError("a/b.safetensors", "it is truncated");
    assert.deepEqual(
      [file.name, file.path, file.message],
      ["FileFormatError", "a/b.safetensors", "a/b.safetensors: it is truncated"],
    );
  });

  it("`invalid` says what was expected, of what, and what came", () => {
    assert.equal(
      errors.invalid("rank", "an integer from 1 to 64", 5000).message,
      "expected an integer from 1 to 64 for rank but received 5000",
    );
  });

  it("`show` is short and readable for any value", () => {
    const long = "x".repeat(500);
    const cases: [unknown, string][] = [
      ["a\nb", '"a\\nb"'],
      [long, `"${"x".repeat(120)}…"`],
      [5n, "5n"],
      [-0, "0"],
      [null, "null"],
      [undefined, "undefined"],
      [[1, "a", [2]], '[1, "a", [2]]'],
      [Array.from({ length: 20 }, () => 0), "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, …]"],
      [{ a: 1 }, "an object of type Object"],
      [Object.create(null), "an object of type Object"],
      [new Map(), "an object of type Map"],
      [function named() {}, "a function named"],
      [Symbol("s"), "Symbol(s)"],
    ];
    for (const [value, text] of cases) assert.equal(errors.show(value), text);
    assert.ok(errors.show([long, long, long]).length <= 121);
  });
});
