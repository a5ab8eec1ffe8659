import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FileFormatError, keep, readSafetensors, type Tensor, writeSafetensors } from "@stillframe/torch";

/** Tensors of one entry by name, for instance `mean` and `std`. */
export type Entry = Record<string, Tensor>;

const SHARD = /^[0-9a-f]{32}\.safetensors$/;
const PARTIAL = /\.partial$/;
/** Entries in memory before they are written as a shard. */
const SHARD_ENTRIES = 64;

/** The name of an entry: a hash of everything that its content depends on. */
export function entryKey(...parts: readonly (string | number | readonly number[] | boolean | null)[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40);
}

/**
 * A folder of encoded things in safetensors shards. An entry's name is a hash of all that it was made from, so nothing
 * in it can be stale: what changed has another name. Shards are written whole and renamed into place, and are never
 * changed; a process that is killed loses at most what it had not written.
 */
export class ShardCache {
  readonly folder: string;
  /** entries of the shards on disk; their tensors are views of the mapped files */
  private readonly stored = new Map<string, Entry>();
  private pending = new Map<string, Entry>();
  /** shards that were found damaged, and are made again */
  readonly damaged: string[] = [];

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder).sort()) if (SHARD.test(file)) this.index(file);
  }

  private index(file: string): void {
    let tensors: Map<string, Tensor>;
    try {
      tensors = readSafetensors(join(this.folder, file)).tensors;
    } catch (e) {
      if (!(e instanceof FileFormatError)) throw e;
      this.damaged.push(file);
      rmSync(join(this.folder, file), { force: true });
      return;
    }
    for (const [name, tensor] of tensors) {
      const dot = name.indexOf(".");
      const key = name.slice(0, dot);
      const entry = this.stored.get(key) ?? {};
      // two processes may have made the same entry at the same time; both are right
      if (entry[name.slice(dot + 1)] === undefined) entry[name.slice(dot + 1)] = keep(tensor);
      this.stored.set(key, entry);
    }
  }

  has(key: string): boolean {
    return this.stored.has(key) || this.pending.has(key);
  }

  /** The tensors of an entry; they stay the cache's. */
  get(key: string): Entry | undefined {
    return this.pending.get(key) ?? this.stored.get(key);
  }

  /** Adds an entry; its tensors are the cache's from here on. */
  put(key: string, entry: Entry): void {
    if (this.has(key)) throw new Error(`internal: entry ${key} is in the cache already`);
    for (const t of Object.values(entry)) keep(t);
    this.pending.set(key, entry);
    if (this.pending.size >= SHARD_ENTRIES) this.flush();
  }

  /** Writes what is in memory. */
  flush(): void {
    if (this.pending.size === 0) return;
    const entries = [...this.pending].sort(([a], [b]) => (a < b ? -1 : 1));
    const name = `${createHash("sha256").update(entries.map(([k]) => k).join()).digest("hex").slice(0, 32)}.safetensors`;
    const flat = entries.flatMap(([key, entry]) => Object.entries(entry).map(([n, t]): [string, Tensor] => [`${key}.${n}`, t]));
    writeSafetensors(join(this.folder, name), flat, { metadata: { format: "stillframe-cache" } });
    for (const [, t] of flat) t.dispose();
    this.pending = new Map();
    this.index(name);
  }

  /** Closes the mapped files. */
  dispose(): void {
    for (const entries of [this.stored, this.pending]) {
      for (const e of entries.values()) for (const t of Object.values(e)) t.dispose();
      entries.clear();
    }
  }

  /** Removes what killed processes left half-written. Call it when no other process uses the folder. */
  removePartials(): void {
    if (!existsSync(this.folder)) return;
    for (const f of readdirSync(this.folder)) if (PARTIAL.test(f)) rmSync(join(this.folder, f), { force: true });
  }
}
