import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { derivedSeed, permutation, uniformNumbers } from "./randomness.js";

describe("uniformNumbers", () => {
  it("are sfc32 from a hashed state (computed apart in Python)", () => {
    const random = uniformNumbers(7, "order", 3);
    assert.deepEqual(
      [random(), random(), random(), random()],
      [0.6590124608093205, 0.8597007163569378, 0.20592105558711638, 0.5401301653430612],
    );
    const bare = uniformNumbers(0, "noise");
    assert.deepEqual([bare(), bare(), bare()], [0.3962024941166824, 0.06801606581018704, 0.42426432040875894]);
  });

  it("differ by seed, purpose and place", () => {
    const first = [
      uniformNumbers(1, "order", 0),
      uniformNumbers(2, "order", 0),
      uniformNumbers(1, "crop", 0),
      uniformNumbers(1, "order", 1),
      uniformNumbers(1, "order", 0, 0),
    ].map((f) => f());
    assert.equal(new Set(first).size, first.length);
  });

  it("are uniform, and so are first numbers of neighbouring places", () => {
    const counts = new Array<number>(16).fill(0);
    const firsts = new Array<number>(16).fill(0);
    const random = uniformNumbers(1, "order");
    for (let i = 0; i < 16_000; i++) {
      counts[Math.floor(random() * 16)]! += 1;
      firsts[Math.floor(uniformNumbers(1, "augment", 0, i)() * 16)]! += 1;
    }
    // χ² of 15 degrees of freedom is above 37.7 once in a thousand
    for (const c of [counts, firsts]) assert.ok(c.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0) < 37.7);
  });
});

describe("permutation", () => {
  it("has each number once, and each order as often", () => {
    const orders = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = permutation(3, uniformNumbers(1, "order", i)).join("");
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    assert.deepEqual([...orders.keys()].sort(), ["012", "021", "102", "120", "201", "210"]);
    for (const n of orders.values()) assert.ok(Math.abs(n - 1000) < 120, `${n}`); // 4 σ
    assert.deepEqual(permutation(0, Math.random), []);
  });
});

describe("derivedSeed", () => {
  it("is 53 bits of the hash", () => {
    assert.equal(derivedSeed(7, "noise", 1, 2), 4694863064578704);
    assert.notEqual(derivedSeed(7, "noise", 1, 2), derivedSeed(7, "noise", 12));
  });
});
