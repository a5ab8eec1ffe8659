// The Python that this project is compared with.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { LineProcess } from "./line-process.mjs";

/** Why the comparison cannot run, in words for the person who started it. */
export class NoReferenceError extends Error {}

const PYTHON = process.env.STILLFRAME_PYTHON ?? "/usr/bin/python3";
const scriptPath = (name) => fileURLToPath(new URL(`../reference/${name}`, import.meta.url));

/** Why Python cannot import `modules`, or null. */
function whyNot(modules, env) {
  const probe = spawnSync(PYTHON, ["-c", `import ${modules.join(", ")}`], { encoding: "utf8", env });
  if (probe.error) return "it cannot be started";
  return probe.status === 0 ? null : (probe.stderr.trim().split("\n").at(-1) ?? "it failed without a word");
}

/** The environment for scripts that use a checkout of diffusers. Nothing may go to the network. */
function withCheckout(checkout) {
  const source = join(resolve(checkout), "src");
  if (!existsSync(join(source, "diffusers")))
    throw new NoReferenceError(`expected a checkout of diffusers for --reference but ${source}/diffusers is not there`);
  const path = [source, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
  return { PYTHONPATH: path, HF_HUB_OFFLINE: "1", HF_HUB_DISABLE_TELEMETRY: "1" };
}

const environments = new Map();

/** What a script of bench/reference is started with; looks once whether Python has what it needs. */
function environment({ threads, checkout }) {
  if (!environments.has(checkout)) environments.set(checkout, checkedEnvironment(checkout));
  return { ...environments.get(checkout), OMP_NUM_THREADS: String(threads) };
}

function checkedEnvironment(checkout) {
  const extra = checkout === undefined ? {} : withCheckout(checkout);
  const whole = { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...extra };
  const noTorch = whyNot(["torch", "numpy"], whole);
  if (noTorch !== null)
    throw new NoReferenceError(
      `this benchmark compares with Python's torch, but ${PYTHON} has none: ${noTorch}\n` +
        "On Debian: apt-get install python3-torch; elsewhere: STILLFRAME_PYTHON=/path/to/python npm run bench -- …",
    );
  const noScript = checkout === undefined ? null : whyNot(["accelerate", "transformers", "peft", "diffusers"], whole);
  if (noScript !== null)
    throw new NoReferenceError(
      `the reference script needs accelerate, transformers and peft, but ${PYTHON} says: ${noScript}\n` +
        "Install them, or name checkouts of them in PYTHONPATH.",
    );
  return whole;
}

export const ReferencePython = {
  /**
   * Starts a script of bench/reference; it says `{ torch, threads }` of itself.
   *
   * @param {string} script file in bench/reference
   * @param {{ threads: number, checkout?: string | undefined }} options `checkout` is one of diffusers
   * @returns {Promise<LineProcess>}
   * @throws NoReferenceError when this Python lacks what the script needs
   */
  async start(script, options) {
    const path = scriptPath(script);
    if (!existsSync(path)) throw new Error(`there is no ${path}`);
    return LineProcess.start(PYTHON, [path], { env: environment(options) });
  },

  /** Runs a script of bench/reference to its end. */
  runOnce(script, args, options) {
    const { status } = spawnSync(PYTHON, [scriptPath(script), ...args], {
      stdio: ["ignore", "inherit", "inherit"],
      env: environment(options),
    });
    if (status !== 0) throw new Error(`${script} ended; its message is above`);
  },
};
