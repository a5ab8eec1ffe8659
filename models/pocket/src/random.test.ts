import assert from "node:assert/strict";
import { test } from "node:test";
import { hash32, Random } from "./random.js";

test("hash32 is FNV-1a with murmur's finish: the offset basis alone for an empty text", () => {
  let h = 0x811c9dc5;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  assert.equal(hash32(""), (h ^ (h >>> 16)) >>> 0);
  assert.notEqual(hash32("a"), hash32("b"));
});

test("the same seed gives the same stream, another seed another one", () => {
  const draw = (seed: string): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => random.unit());
  };
  assert.deepEqual(draw("one"), draw("one"));
  assert.notDeepEqual(draw("one"), draw("two"));
});

test("numbers fill their ranges evenly", () => {
  const random = new Random("range");
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[Math.floor(random.unit() * 10)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 2000) < 200, `${count} of about 2000`);
  const whole = new Set(Array.from({ length: 200 }, () => random.integer(3, 6)));
  assert.deepEqual([...whole].sort(), [3, 4, 5, 6]);
});

test("a fork neither moves its parent nor repeats it", () => {
  const one = new Random("parent");
  const other = new Random("parent");
  const fork = one.fork("child");
  const forked = fork.unit();
  const next = one.unit();
  assert.equal(next, other.unit());
  assert.notEqual(forked, next);
});

test("weights are respected and an impossible choice is an error", () => {
  const random = new Random("weights");
  let often = 0;
  for (let i = 0; i < 4000; i++)
    if (
      random.weighted([
        ["often", 3],
        ["seldom", 1],
        ["never", 0],
      ] as const) === "often"
    )
      often++;
  assert.ok(Math.abs(often - 3000) < 150, `${often} of about 3000`);
  assert.throws(() => random.pick([]), {
    message: "expected a list with at least one element for from but received []",
  });
  assert.throws(() => random.weighted([["x", 0]]), /expected a list with a positive weight for from/);
});
