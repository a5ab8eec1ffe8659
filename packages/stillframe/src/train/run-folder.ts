import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, join, resolve } from "node:path";
import { formatEventLine, type TrainEvent, type TrainOptions, trainOptions } from "@stillframe/schema";
import { InvalidArgumentError, invalid } from "@stillframe/torch";
import { stringify } from "yaml";
import { appendWhole } from "../files/append-whole.js";
import { ADAPTER_FILE, KOHYA_FILE } from "../files/result-files.js";
import { syncFolder, writeWhole } from "../files/write-whole.js";
import { type CheckpointState, readCheckpointState } from "./checkpoint.js";

export const RUN_FILE = "run.yaml";
export const EVENTS_FILE = "events.jsonl";
export const MANIFEST_FILE = "manifest.json";
const CHECKPOINTS = "checkpoints";
const STEP = /^step-(\d+)$/;

/** A checkpoint on disk. */
export interface StoredCheckpoint {
  path: string;
  step: number;
}

/** Whole checkpoints of a run, oldest first. A folder that was not renamed into place is none. */
export function listCheckpoints(runFolder: string): StoredCheckpoint[] {
  const folder = join(runFolder, CHECKPOINTS);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const m = STEP.exec(name);
      return m === null ? [] : [{ path: join(folder, name), step: Number(m[1]) }];
    })
    .sort((a, b) => a.step - b.step);
}

/** Options that decide the result, as text: equal for two runs that must come to the same weights. */
const resultOptions = (options: TrainOptions): Record<string, unknown> => {
  const shown = trainOptions.shown(options);
  return Object.fromEntries(
    trainOptions.specs.filter((s) => s.effect === "result").map((s) => [s.name, shown[s.name]]),
  );
};

/** Options that may change when a run goes on: how long it is, and nothing else. */
const MAY_CHANGE = new Set(["num_train_epochs", "max_train_steps", "seed"]);

/** The folder of a run, opened for writing. */
export class RunFolder {
  readonly path: string;
  private events: number | null = null;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens the folder of a new run, or of one that goes on.
   *
   * @throws InvalidArgumentError when the folder holds another run, or something else
   */
  static open(options: TrainOptions): { folder: RunFolder; resumed: (CheckpointState & { path: string }) | null } {
    const folder = new RunFolder(options.output_dir);
    mkdirSync(join(folder.path, CHECKPOINTS), { recursive: true });
    folder.removePartials();
    const resumed = options.resume_from_checkpoint === null ? null : folder.findCheckpoint(options);
    if (resumed === null) folder.prepareNew(options);
    else folder.cutEvents(resumed.step);
    folder.events = openSync(join(folder.path, EVENTS_FILE), "a");
    return { folder, resumed };
  }

  private removePartials(): void {
    for (const folder of [this.path, join(this.path, CHECKPOINTS)])
      for (const name of readdirSync(folder))
        if (name.endsWith(".partial") || name.endsWith(".old"))
          rmSync(join(folder, name), { recursive: true, force: true });
  }

  private findCheckpoint(options: TrainOptions): (CheckpointState & { path: string }) | null {
    const asked = options.resume_from_checkpoint as string;
    const own = listCheckpoints(this.path);
    let path: string;
    if (asked === "latest") {
      const newest = own.at(-1);
      if (newest === undefined) {
        if (existsSync(join(this.path, RUN_FILE))) this.checkSameRun(options);
        this.clear();
        return null;
      }
      path = newest.path;
    } else {
      const candidates = [resolve(asked), join(this.path, CHECKPOINTS, basename(asked))];
      const found = candidates.find((p) => existsSync(join(p, "state.json")));
      if (found === undefined)
        throw invalid(
          "resume_from_checkpoint",
          `latest, or the folder of a checkpoint (there are: ${own.map((c) => basename(c.path)).join(", ") || "none"})`,
          asked,
        );
      path = found;
    }
    const state = readCheckpointState(path);
    const now = resultOptions(options);
    for (const [name, before] of Object.entries(state.options))
      if (!MAY_CHANGE.has(name) && JSON.stringify(now[name]) !== JSON.stringify(before))
        throw invalid(name, `${JSON.stringify(before)}, as in the checkpoint ${path},`, now[name]);
    // steps after the checkpoint that were written before the run was killed are made again
    for (const c of own) if (c.step > state.step) rmSync(c.path, { recursive: true, force: true });
    return { ...state, path };
  }

  private checkSameRun(options: TrainOptions): void {
    const before = readFileSync(join(this.path, RUN_FILE), "utf8");
    if (before !== runText(options) && !options.overwrite_output_dir)
      throw invalid("output_dir", "the folder of the same run", `${this.path}, which holds a run with other options`);
  }

  /**
   * A folder is new when it is empty, when the run in it left nothing (no checkpoint, no result), when the same run is
   * made again from its end, or when told to overwrite.
   */
  private prepareNew(options: TrainOptions): void {
    if (!options.overwrite_output_dir) this.refuseOthers(options);
    this.clear();
    writeWhole(join(this.path, RUN_FILE), runText(options));
  }

  private refuseOthers(options: TrainOptions): void {
    const hint = "choose another --output_dir, or give --overwrite_output_dir to replace it";
    const refuse = (expected: string, holds: string, advice: string) => {
      throw new InvalidArgumentError(
        `expected ${expected} for output_dir but received "${this.path}", which holds ${holds}; ${advice}`,
      );
    };
    const entries = readdirSync(this.path).filter((f) => f !== CHECKPOINTS);
    const checkpoints = listCheckpoints(this.path).length > 0;
    if (entries.length === 0 && !checkpoints) return;
    if (!existsSync(join(this.path, RUN_FILE)))
      refuse("a new or empty folder", entries.slice(0, 3).join(", ") || "checkpoints", hint);
    const finished = finishedManifest(join(this.path, MANIFEST_FILE));
    if (!finished && !checkpoints) return;
    if (readFileSync(join(this.path, RUN_FILE), "utf8") !== runText(options))
      refuse("a new folder", "another run", hint);
    if (!finished)
      refuse(
        "a new folder",
        "this run unfinished",
        `give --resume_from_checkpoint=latest to go on, or --overwrite_output_dir to start anew`,
      );
  }

  /** Removes what a run writes, and nothing else. */
  private clear(): void {
    const own = [
      EVENTS_FILE,
      MANIFEST_FILE,
      ADAPTER_FILE,
      KOHYA_FILE,
      "samples",
      "logs",
      "loss.svg",
      "loss.png",
      CHECKPOINTS,
    ];
    for (const name of own) rmSync(join(this.path, name), { recursive: true, force: true });
    mkdirSync(join(this.path, CHECKPOINTS), { recursive: true });
  }

  /** Events after the checkpoint are told again. */
  private cutEvents(step: number): void {
    const path = join(this.path, EVENTS_FILE);
    if (!existsSync(path)) return;
    const kept: string[] = [];
    for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) {
      let event: { type?: string; step?: number };
      try {
        event = JSON.parse(line) as typeof event;
      } catch {
        break; // the line that the killed process was writing
      }
      if (typeof event.step === "number" && event.step > step) break;
      if (event.type === "run_interrupted" || event.type === "run_failed") continue;
      kept.push(line);
    }
    writeWhole(path, kept.map((l) => `${l}\n`).join(""));
  }

  /** Appends an event. */
  write(event: TrainEvent): void {
    if (this.events === null) return;
    appendWhole(this.events, Buffer.from(`${formatEventLine(event, new Date())}\n`));
    if (event.type === "checkpoint" || event.type.startsWith("run_")) fsyncSync(this.events);
  }

  close(): void {
    if (this.events !== null) closeSync(this.events);
    this.events = null;
  }

  /** Where a checkpoint is written: its files appear together, under the name that counts. */
  writeCheckpoint(step: number, fill: (folder: string) => void): string {
    const name = join(CHECKPOINTS, `step-${String(step).padStart(6, "0")}`);
    const final = join(this.path, name);
    const partial = `${final}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    try {
      fill(partial);
      syncFolder(partial);
    } catch (e) {
      // a full disk is the less full for it
      rmSync(partial, { recursive: true, force: true });
      throw e;
    }
    if (existsSync(final)) renameSync(final, `${final}.old`);
    renameSync(partial, final);
    syncFolder(join(this.path, CHECKPOINTS));
    rmSync(`${final}.old`, { recursive: true, force: true });
    return name;
  }

  /** Removes the oldest checkpoints beyond `limit`; called once the new one is whole. */
  rotate(limit: number | null): void {
    if (limit === null) return;
    const all = listCheckpoints(this.path);
    for (const c of all.slice(0, Math.max(0, all.length - limit))) {
      // a folder that loses its name first is never taken for a whole checkpoint
      renameSync(c.path, `${c.path}.old`);
      rmSync(`${c.path}.old`, { recursive: true, force: true });
    }
  }

  size(name: string): number {
    return statSync(join(this.path, name)).size;
  }
}

function finishedManifest(path: string): boolean {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { timing?: { finished?: unknown } }).timing?.finished != null;
  } catch {
    return false;
  }
}

/** What was asked, as YAML that `--config` takes. */
const NOT_ASKED = new Set(["resume_from_checkpoint", "overwrite_output_dir"]);
function runText(options: TrainOptions): string {
  const asked = Object.entries(trainOptions.asked(options)).filter(([name]) => !NOT_ASKED.has(name));
  return `# What was asked of this run; \`stillframe train --config run.yaml\` asks it again.\n${stringify(Object.fromEntries(asked))}`;
}

export { resultOptions };
