import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Dims, InvalidArgumentError, matchDims, ShapeError, zeros } from "./index.js";

describe("dims", () => {
  it("names the axes", () => {
    const { b, t } = zeros([2, 77, 768]).dims("b t 768");
    assert.deepEqual([b, t], [2, 77]);
    assert.deepEqual(matchDims([1, 2, 3], "_ c _"), { c: 2 });
    assert.deepEqual(matchDims([], ""), {});
    assert.deepEqual(matchDims([4, 4], "n n"), { n: 4 });
    assert.deepEqual(matchDims([0], "n"), { n: 0 });
    assert.deepEqual(matchDims([2, 3], "cIn out_2"), { cIn: 2, out_2: 3 });
    assert.equal(matchDims([5], "constructor").constructor, 5);
  });

  it("tells what was expected and what came", () => {
    const wrong = (shape: number[], pattern: string, message: string) =>
      assert.throws(
        () => matchDims(shape, pattern),
        (e) => e instanceof ShapeError && e instanceof RangeError && e.message === message,
      );
    wrong([2, 77, 768], "b t 2048", "expected shape [b, t, 2048] but received [2, 77, 768]");
    wrong([2, 3], "b t c", "expected shape [b, t, c] but received [2, 3]");
    wrong([2, 3, 4, 5], "b t c", "expected shape [b, t, c] but received [2, 3, 4, 5]");
    wrong([2, 3], "n n", "expected shape [n, n] but received [2, 3]");
    wrong([2], "_ _", "expected shape [_, _] but received [2]");
    wrong([1], "", "expected shape [] but received [1]");
    assert.throws(() => zeros([2]).dims("b c"), {
      name: "ShapeError",
      message: "expected shape [b, c] but received [2]",
    });
  });

  it("refuses patterns that it cannot read", () => {
    for (const pattern of ["b  c", " b", "b ", "b,c", "b -1", "1.5", "2b", "b?"])
      assert.throws(
        () => matchDims([1, 2], pattern),
        (e) =>
          e instanceof InvalidArgumentError &&
          e.message ===
            `expected axis names, integers and _ separated by single spaces for dims but received ${JSON.stringify(pattern)}`,
      );
  });

  it("types: only named axes are there, and they are numbers", () => {
    const d = matchDims([1, 2, 3], "b _ 3");
    const n: number = d.b;
    assert.equal(n, 1);
    // @ts-expect-error no such axis in the pattern
    assert.equal(d.c, undefined);
    // @ts-expect-error `_` is not a name
    assert.equal(d._, undefined);
    // @ts-expect-error a length is not a name
    assert.equal(d["3"], undefined);
    const typed: Dims<"b t 2048"> = { b: 1, t: 2 };
    assert.equal(typed.b + typed.t, 3);
    // @ts-expect-error an axis is missing
    const missing: Dims<"b t 2048"> = { b: 1 };
    // @ts-expect-error an axis is a number
    const text: Dims<"b"> = { b: "1" };
    assert.ok(missing && text);
  });
});
