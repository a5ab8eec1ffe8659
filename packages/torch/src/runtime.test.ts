import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  defaultDevice,
  engineInfo,
  InvalidArgumentError,
  setDeterministic,
  setTf32,
  setThreads,
  trimMemory,
  zeros,
} from "./index.js";

describe("the engine", () => {
  it("says what it is", () => {
    const info = engineInfo();
    assert.match(info.libtorch, /^[12]\.\d+\.\d+/);
    assert.match(info.build, /PyTorch built with/);
    assert.match(info.kernels, /^(avx512|avx2|none)$/);
    assert.equal(defaultDevice(), info.cudaDevices > 0 ? "cuda" : "cpu");
  });

  it("uses as many threads as it is told", () => {
    const before = engineInfo().threads;
    for (const n of [1, 2]) {
      setThreads(n);
      assert.equal(engineInfo().threads, n);
    }
    setThreads(before);
    for (const n of [0, -1, 1.5, Number.NaN])
      assert.throws(
        () => setThreads(n),
        (e) =>
          e instanceof InvalidArgumentError && e.message === `expected an integer from 1 for threads but received ${n}`,
      );
  });

  it("takes switches that matter to CUDA alone", () => {
    setTf32(false);
    setDeterministic(true);
    assert.throws(() => setTf32(1 as unknown as boolean), {
      name: "InvalidArgumentError",
      message: "setTf32: expected true or false for allow but received 1",
    });
  });

  it("gives freed memory back to the system when told", {
    skip: process.platform !== "linux" && "measured on Linux alone",
  }, () => {
    const bytes = 256 * 2 ** 20;
    const x = zeros([bytes / 4]);
    x.dispose();
    trimMemory();
    const after = process.memoryUsage.rss();
    const y = zeros([bytes / 4]);
    assert.ok(process.memoryUsage.rss() - after > bytes / 2);
    y.dispose();
    trimMemory();
    assert.ok(process.memoryUsage.rss() - after < bytes / 2);
  });
});
