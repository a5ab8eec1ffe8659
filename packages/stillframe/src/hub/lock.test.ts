import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "./lock.js";
import { TestFolder } from "./testing/test-home.js";

test("bodies under one lock run one after the other and the lock is gone afterwards", async () => {
  using folder = new TestFolder();
  const path = join(folder.path, "a.lock");
  let inside = 0;
  let most = 0;
  let waits = 0;
  const body = async () => {
    most = Math.max(most, ++inside);
    await sleep(20);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withLock(path, { onWait: () => waits++ }, body)));
  assert.equal(most, 1);
  assert.equal(waits, 2);
  assert.deepEqual(readdirSync(folder.path), []);
});

test("a lock is released when the body fails", async () => {
  using folder = new TestFolder();
  const path = join(folder.path, "a.lock");
  await assert.rejects(
    withLock(path, {}, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(existsSync(path), false);
});

test("the lock of a dead process is taken over, that of a live one is not", async () => {
  using folder = new TestFolder();
  const path = join(folder.path, "a.lock");
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(path, JSON.stringify({ id: "x", pid, host: hostname() }));
  assert.equal(await withLock(path, {}, async () => 1), 1);

  writeFileSync(path, JSON.stringify({ id: "y", pid: process.pid, host: hostname() }));
  const signal = AbortSignal.timeout(250);
  await assert.rejects(
    withLock(path, { signal }, async () => 1),
    { name: "AbortError" },
  );
  assert.equal(existsSync(path), true);
});

test("a lock that shows no sign of life is taken over, also from another machine", async () => {
  using folder = new TestFolder();
  const path = join(folder.path, "a.lock");
  writeFileSync(path, JSON.stringify({ id: "z", pid: 1, host: "another-machine" }));
  const old = new Date(Date.now() - 5_000);
  utimesSync(path, old, old);
  assert.equal(await withLock(path, { staleMs: 1_000 }, async () => 2), 2);
  assert.deepEqual(readdirSync(folder.path), []);
});
