// The Python that this project is compared with.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LineProcess } from "./line-process.mjs";

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

export const ReferencePython = {
  /**
   * Starts a script of bench/reference; it says `{ torch, threads }` of itself.
   *
   * @param {string} script file in bench/reference
   * @param {{ threads: number }} options
   * @returns {Promise<LineProcess>}
   */
  async start(script, { threads }) {
    const path = fileURLToPath(new URL(`../reference/${script}`, import.meta.url));
    if (!existsSync(path)) throw new Error(`there is no ${path}`);
    return LineProcess.start(findPython(), [path], {
      env: { OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: "1" },
    });
  },
};
