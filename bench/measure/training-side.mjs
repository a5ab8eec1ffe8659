// One side of `bench train`: its process, the steps that it takes and the memory that it needs.
import { fileURLToPath } from "node:url";
import { LineProcess } from "./line-process.mjs";
import { MemoryWatch } from "./memory-watch.mjs";
import { ReferencePython } from "./reference-python.mjs";

const OURS = fileURLToPath(new URL("our-training.mjs", import.meta.url));

export class TrainingSide {
  #process;
  #watch;

  constructor(process) {
    this.#process = process;
    this.#watch = new MemoryWatch(process.pid);
  }

  /** Stillframe's. @param {{ threads: number }} options */
  static async ours({ threads }) {
    const env = { OMP_NUM_THREADS: String(threads) };
    return new TrainingSide(await LineProcess.start(process.execPath, [OURS], { env }));
  }

  /** Python's: diffusers' script where there is a checkout, a plain loop where there is none. */
  static async theirs({ threads, checkout }) {
    const script = checkout === undefined ? "train.py" : "script_train.py";
    return new TrainingSide(await ReferencePython.start(script, { threads, checkout }));
  }

  /** what it says of its libraries */
  get about() {
    return this.#process.about;
  }

  load(request) {
    return this.#process.ask({ command: "load", ...request });
  }

  /** Loss and norm of the gradient of the first steps, which both sides take on the same draws. */
  async check(checkedSteps) {
    return (await this.#process.ask({ command: "check", checkedSteps })).steps;
  }

  /** Seconds of one step. */
  async step() {
    return (await this.#process.ask({ command: "run" })).seconds;
  }

  /** See `MemoryWatch.peaks`. */
  peaks() {
    return this.#watch.peaks();
  }

  async close() {
    this.#watch.stop();
    await this.#process.close();
  }
}
