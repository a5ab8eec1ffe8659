// How much memory a process takes: the kernel's own peak, and the peak of what is not a mapped file, by sampling.
import { readFileSync } from "node:fs";

const INTERVAL_MS = 20;

export class MemoryWatch {
  #path;
  #timer;
  #anonymous = 0;
  #resident = 0;

  /** Begins to watch a process. @param {number} pid */
  constructor(pid) {
    this.#path = `/proc/${pid}/status`;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), INTERVAL_MS);
    this.#timer.unref();
  }

  #sample() {
    const text = readFileSync(this.#path, "utf8");
    const bytes = (key) => 1024 * Number(new RegExp(`${key}:\\s+(\\d+)`).exec(text)?.[1] ?? 0);
    this.#anonymous = Math.max(this.#anonymous, bytes("RssAnon"));
    this.#resident = Math.max(this.#resident, bytes("VmHWM"));
  }

  /**
   * Bytes. `resident` is `VmHWM`, exact, and counts the pages of mapped files that are in memory: of a file that both
   * sides map there is one copy, and the kernel may drop its unchanged pages. `anonymous` is the largest `RssAnon` seen
   * every 20 ms: what the process alone needs and cannot give back.
   *
   * @returns {{ resident: number, anonymous: number }}
   */
  peaks() {
    this.#sample();
    return { resident: this.#resident, anonymous: this.#anonymous };
  }

  stop() {
    clearInterval(this.#timer);
  }
}
