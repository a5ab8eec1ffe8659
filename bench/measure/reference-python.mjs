// The Python that this project is compared with: a process that answers one request a line.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Why the comparison cannot run, in words for the person who started it. */
export class NoReferenceError extends Error {}

function findPython() {
  const python = process.env.STILLFRAME_PYTHON ?? "/usr/bin/python3";
  const probe = spawnSync(python, ["-c", "import torch, numpy"], { encoding: "utf8" });
  if (probe.status === 0) return python;
  const reason = probe.error ? `${python} cannot be started` : `${python} has no torch and numpy`;
  throw new NoReferenceError(
    `this benchmark compares with Python's torch, but ${reason}.\n` +
      "On Debian: apt-get install python3-torch; elsewhere: STILLFRAME_PYTHON=/path/to/python npm run bench -- …",
  );
}

export class ReferencePython {
  #process;
  #lines;
  /** what it says of itself: `{ torch, threads }` */
  about;

  /**
   * @param {string} script file in bench/reference
   * @param {{ threads: number }} options
   */
  static async start(script, { threads }) {
    const path = fileURLToPath(new URL(`../reference/${script}`, import.meta.url));
    if (!existsSync(path)) throw new Error(`there is no ${path}`);
    const self = new ReferencePython();
    const env = { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: "1" };
    self.#process = spawn(findPython(), [path], { stdio: ["pipe", "pipe", "inherit"], env });
    self.#lines = createInterface({ input: self.#process.stdout })[Symbol.asyncIterator]();
    self.about = await self.#answer();
    return self;
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the reference process ended; its message is above");
    return JSON.parse(value);
  }

  /** @param {{ command: string }} request */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answer();
  }

  async close() {
    if (this.#process.exitCode !== null) return;
    this.#process.stdin.end();
    await once(this.#process, "exit");
  }
}
