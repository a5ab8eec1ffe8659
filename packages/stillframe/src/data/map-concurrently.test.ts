import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { mapConcurrently } from "./map-concurrently.js";

async function collect<R>(results: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe("mapConcurrently", () => {
  it("keeps the order though later work ends first", async () => {
    const work = (ms: number): Promise<number> => sleep(ms, ms);
    assert.deepEqual(await collect(mapConcurrently([20, 1, 10, 2], work, { concurrency: 4 })), [20, 1, 10, 2]);
  });

  it("has as many in work as it may, and no more", async () => {
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await sleep(2);
      running--;
    };
    await collect(mapConcurrently(new Array(20).fill(0), work, { concurrency: 3 }));
    assert.equal(most, 3);
  });

  it("takes items from an endless input only as results are consumed", async () => {
    let taken = 0;
    function* endless(): Generator<number> {
      for (;;) yield taken++;
    }
    const results = mapConcurrently(endless(), async (i) => i, { concurrency: 2 });
    assert.equal((await results.next()).value, 0);
    await sleep(2);
    assert.equal(taken, 2);
    await results.return();
  });

  it("throws the first failure in order, after what had begun has ended", async () => {
    const ended: number[] = [];
    const work = async (i: number): Promise<number> => {
      await sleep(i === 1 ? 10 : 1);
      ended.push(i);
      if (i === 1 || i === 2) throw new Error(`item ${i}`);
      return i;
    };
    const results = mapConcurrently([0, 1, 2, 3, 4, 5], work, { concurrency: 3 });
    await assert.rejects(collect(results), { message: "item 1" });
    assert.deepEqual(ended.sort(), [0, 1, 2, 3]);
  });

  it("stops for a signal", async () => {
    const controller = new AbortController();
    const work = (i: number): number => {
      if (i === 2) controller.abort(new Error("enough"));
      return i;
    };
    const results = mapConcurrently([0, 1, 2, 3, 4], work, { concurrency: 1, signal: controller.signal });
    await assert.rejects(collect(results), { message: "enough" });
  });

  it("refuses a concurrency that is not a count", async () => {
    await assert.rejects(collect(mapConcurrently([1], (i) => i, { concurrency: 0 })), {
      message: "expected an integer from 1 to 1024 for concurrency but received 0",
    });
  });
});
