// Work in stages that each leave files: what is whole is kept, what was stopped goes on, what has other inputs is redone.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** A message for the person at the terminal, and the exit status. */
export class Refusal extends Error {
  constructor(message, status = 2) {
    super(message);
    this.status = status;
  }
}

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

/** A hash of all files of a folder and their names. */
export function folderHash(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => join(f.parentPath ?? f.path, f.name))
    .sort();
  return sha256(files.map((f) => `${f.slice(folder.length)} ${sha256(readFileSync(f))}\n`).join(""));
}

/** `75.3 → 1:15`. */
export const clock = (seconds) =>
  `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;

/** Threads that wait without spinning leave the cores to whoever has work. */
const ENVIRONMENT = { OMP_WAIT_POLICY: "passive", GOMP_SPINCOUNT: "0" };

/** A folder of stages. Its record says which are done, from which inputs, and how long each took. */
export class Stages {
  #record;
  #file;
  #began = false;

  /**
   * @param folder made when it is missing; one that holds anything else is refused
   * @param maker whose folder it is: also the name of the record in it
   */
  constructor(folder, { maker, fresh = false }) {
    this.folder = resolve(folder);
    this.#file = join(this.folder, `.stillframe-${maker}.json`);
    if (existsSync(this.folder) && !existsSync(this.#file) && entriesOf(this.folder).length > 0)
      throw new Refusal(`${this.folder} holds something that ${maker} did not make: choose another --output_dir`);
    if (fresh) rmSync(this.folder, { recursive: true, force: true });
    this.#record = readRecord(this.#file);
    mkdirSync(this.folder, { recursive: true });
    this.#save();
  }

  /** Whether an earlier call left something. */
  get begun() {
    return Object.keys(this.#record).length > 0;
  }

  /** Whether this call had anything to do. */
  get worked() {
    return this.#began;
  }

  /** Every stage that was begun. */
  get names() {
    return Object.keys(this.#record);
  }

  /** Seconds that a stage took, in all its pieces. */
  seconds(name) {
    return this.#record[name]?.seconds ?? 0;
  }

  at(...parts) {
    return join(this.folder, ...parts);
  }

  /**
   * Does a stage unless it is done already.
   *
   * @param name of the stage
   * @param inputs what its result depends on, as JSON
   * @param after stages whose results it uses
   * @param output its file or folder in this folder; removed when it was made from other inputs
   * @param title told when it begins; without one nothing is
   * @param work may find what an earlier, stopped call left in `output`
   * @returns whether there was work to do
   */
  async run(name, { title, inputs = {}, after = [], output = name, work }) {
    const key = sha256(JSON.stringify([inputs, after.map((other) => this.#record[other]?.key)]));
    const place = this.at(output);
    const before = this.#record[name];
    if (before?.key === key && before.done && existsSync(place)) return false;
    if (before?.key !== key) rmSync(place, { recursive: true, force: true });
    const entry = { key, seconds: before?.key === key ? before.seconds : 0, done: false };
    this.#record[name] = entry;
    this.#save();
    if (title !== undefined) console.log(`\n── ${title}`);
    this.#began = true;
    const started = performance.now();
    const earlier = entry.seconds;
    try {
      await work();
      entry.done = true;
    } finally {
      entry.seconds = earlier + (performance.now() - started) / 1000;
      this.#save();
    }
    return true;
  }

  #save() {
    writeWhole(this.#file, `${JSON.stringify(this.#record, null, 1)}\n`);
  }
}

const entriesOf = (folder) => {
  try {
    return readdirSync(folder);
  } catch (e) {
    if (e.code === "ENOTDIR") throw new Refusal(`${folder} is a file: choose another --output_dir`);
    throw e;
  }
};

function readRecord(file) {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new Refusal(`${file} is damaged: start anew with --fresh`);
  }
}

/** A file that is there whole or not at all. */
export function writeWhole(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.partial`, content);
  renameSync(`${path}.partial`, path);
}

/** The last lines of a log. */
const tail = (file, lines = 15) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");

/**
 * Runs a script of the project with Node, in the root of the project. Ctrl-C reaches it too: it may finish what it does.
 *
 * @param log a file for what it writes, in place of the terminal
 * @throws Refusal with its exit status when it fails or is stopped
 */
export async function node(script, args, { env = {}, log } = {}) {
  if (log !== undefined) mkdirSync(dirname(log), { recursive: true });
  const out = log === undefined ? "inherit" : openSync(log, "w");
  const child = spawn(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    stdio: ["ignore", out, out],
    env: { ...ENVIRONMENT, ...process.env, ...env },
  });
  if (log !== undefined) closeSync(out);
  const pass = (signal) => signal === "SIGTERM" && child.kill(signal);
  // The terminal sends Ctrl-C to the child as well; this process only has to outlive it.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
  const [status, signal] = await new Promise((done, failed) => {
    child.on("error", failed);
    child.on("exit", (...result) => done(result));
  });
  for (const s of ["SIGINT", "SIGTERM"]) process.off(s, pass);
  const stopped = { SIGINT: 130, SIGTERM: 143 }[signal] ?? status;
  if (stopped === 130 || stopped === 143) throw new Refusal("stopped", stopped);
  if (status === 0) return;
  const what = log === undefined ? "" : `:\n${tail(log)}`;
  throw new Refusal(`${script} ${args[0] ?? ""} failed${signal === null ? "" : ` (${signal})`}${what}`, status ?? 1);
}

/** Runs the command line. */
export const stillframe = (...args) => node("packages/stillframe/bin/stillframe.mjs", args);
/** Runs the drawn world's command line. */
export const world = (...args) => node("models/pocket/dist/cli.js", args);
