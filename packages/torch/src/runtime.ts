import { invalid } from "./errors.js";
import { native } from "./native.js";
import type { Device } from "./tensor.js";

/** What the engine runs on. */
export interface EngineInfo {
  libtorch: string;
  threads: number;
  cudaDevices: number;
  /** the vectors of the engine's own CPU kernels: `avx512`, `avx2`, or `none` where libtorch does all (see `docs/numerics.md`) */
  kernels: string;
  /** libtorch's own description: compiler, BLAS, instruction set, threading */
  build: string;
}

export function engineInfo(): EngineInfo {
  return {
    libtorch: native.version(),
    threads: native.getThreads(),
    cudaDevices: native.deviceCount("cuda"),
    kernels: native.kernels(),
    build: native.buildInfo(),
  };
}

/** Threads that one operator may use on the CPU. */
export function setThreads(threads: number): void {
  if (!Number.isInteger(threads) || threads < 1) throw invalid("threads", "an integer from 1", threads);
  native.setThreads(threads);
}

/** Allows TensorFloat-32 in CUDA's matrix products and convolutions: faster, with 10 bits of mantissa. */
export function setTf32(allow: boolean): void {
  native.setTf32(allow);
}

/** Lets cuDNN choose deterministic algorithms alone, so that one seed gives one result. */
export function setDeterministic(deterministic: boolean): void {
  native.setDeterministic(deterministic);
}

/** The best device there is. */
export function defaultDevice(): Device {
  return native.deviceCount("cuda") > 0 ? "cuda" : "cpu";
}

/** Gives freed memory back to the system; the engine keeps it otherwise, because taking it again is slow. */
export function trimMemory(): void {
  native.trimHeap();
}
