// A process that answers one request a line, both in JSON; its first line says what it is.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export class LineProcess {
  #process;
  #lines;
  /** what it says of itself when it has started */
  about;

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {{ env?: Record<string, string> }} options `env` is added to this process's own
   */
  static async start(program, args, { env = {} } = {}) {
    const self = new LineProcess();
    self.#process = spawn(program, args, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    self.#lines = createInterface({ input: self.#process.stdout })[Symbol.asyncIterator]();
    self.about = await self.#answer();
    return self;
  }

  async #answer() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#process.spawnfile} ended; its message is above`);
    return JSON.parse(value);
  }

  /** @param {{ command: string }} request */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return this.#answer();
  }

  get pid() {
    return this.#process.pid;
  }

  async close() {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.stdin.end();
    await once(this.#process, "exit");
  }
}
