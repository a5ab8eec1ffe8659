import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { FileFormatError, keep, readSafetensors, type Tensor, writeSafetensors } from "@stillframe/torch";
import { checksumOf, damageOf } from "./shard-checksums.js";
import { removeStalePartials } from "./stale-partials.js";

/** Tensors of one entry by name, for instance `mean` and `std`. */
export type Entry = Record<string, Tensor>;

/** A shard that could not be used, and why. */
export interface DamagedShard {
  file: string;
  reason: string;
}

interface Shard {
  file: string;
  keys: string[];
  /** whether its bytes were compared with their checksums */
  checked: boolean;
}

const SHARD = /^[0-9a-f]{32}\.safetensors$/;
/** Entries in memory before they are written as a shard: what a kill can lose. */
const SHARD_ENTRIES = 16;

/** The name of an entry: a hash of everything that its content depends on. */
export function entryKey(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 40);
}

/**
 * A folder of encoded things in safetensors shards. An entry's name is a hash of all that it was made from, so nothing
 * in it can be stale: what changed has another name. Shards are written whole and renamed into place, and are never
 * changed: a process that is killed loses at most what it had not written, and several may use one folder. The bytes of
 * a shard are compared with its checksums when the first of its entries is asked for; a damaged shard is removed, so
 * that its entries are made again, and reported by `takeDamaged`.
 */
export class ShardCache {
  readonly folder: string;
  private readonly shardEntries: number;
  private readonly stored = new Map<string, { entry: Entry; shard: Shard }>();
  private readonly known = new Set<string>();
  private pending = new Map<string, Entry>();
  private damaged: DamagedShard[] = [];

  constructor(folder: string, { shardEntries = SHARD_ENTRIES }: { shardEntries?: number } = {}) {
    this.folder = folder;
    this.shardEntries = shardEntries;
    this.writing(() => mkdirSync(folder, { recursive: true }));
    removeStalePartials(folder);
    this.refresh();
  }

  /** Takes in the shards that other processes have written since. */
  refresh(): void {
    for (const file of readdirSync(this.folder).sort()) if (SHARD.test(file) && !this.known.has(file)) this.index(file);
  }

  private index(file: string): void {
    let tensors: Map<string, Tensor>;
    try {
      tensors = readSafetensors(join(this.folder, file)).tensors;
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === "ENOENT") return; // another process found it damaged
      if (!(e instanceof FileFormatError)) throw e;
      this.remove(file, e.message.slice(e.path.length + 2));
      return;
    }
    this.known.add(file);
    const shard: Shard = { file, keys: [], checked: false };
    const entries = new Map<string, Entry>();
    for (const [name, tensor] of tensors) {
      const dot = name.indexOf(".");
      const key = name.slice(0, dot);
      const entry = entries.get(key) ?? {};
      entry[name.slice(dot + 1)] = keep(tensor);
      entries.set(key, entry);
    }
    for (const [key, entry] of entries) {
      // two processes may have made the same entry at the same time; both are right
      if (this.stored.has(key)) disposeEntry(entry);
      else {
        this.stored.set(key, { entry, shard });
        shard.keys.push(key);
      }
    }
  }

  private remove(file: string, reason: string): void {
    this.known.delete(file);
    this.damaged.push({ file: join(this.folder, file), reason });
    this.writing(() => rmSync(join(this.folder, file), { force: true }));
  }

  /** Drops a shard whose bytes are not what was written. */
  private check(shard: Shard): void {
    shard.checked = true;
    const reason = damageOf(join(this.folder, shard.file));
    if (reason === null) return;
    for (const key of shard.keys) {
      disposeEntry(this.stored.get(key)?.entry ?? {});
      this.stored.delete(key);
    }
    this.remove(shard.file, reason);
  }

  /** Whether an entry is there, whole. */
  has(key: string): boolean {
    if (this.pending.has(key)) return true;
    const found = this.stored.get(key);
    if (found !== undefined && !found.shard.checked) this.check(found.shard);
    return this.stored.has(key);
  }

  /** The tensors of an entry; they stay the cache's. */
  get(key: string): Entry | undefined {
    return this.has(key) ? (this.pending.get(key) ?? this.stored.get(key)?.entry) : undefined;
  }

  /** Adds an entry; its tensors are the cache's from here on. */
  put(key: string, entry: Entry): void {
    if (this.has(key)) throw new Error(`internal: entry ${key} is in the cache already`);
    for (const t of Object.values(entry)) keep(t);
    this.pending.set(key, entry);
    if (this.pending.size >= this.shardEntries) this.flush();
  }

  /** Writes what is in memory, and takes in what other processes wrote. */
  flush(): void {
    if (this.pending.size === 0) return;
    const entries = [...this.pending].sort(([a], [b]) => (a < b ? -1 : 1));
    const keys = entries.map(([k]) => k).join();
    const file = `${createHash("sha256").update(keys).digest("hex").slice(0, 32)}.safetensors`;
    const flat = entries.flatMap(([key, entry]) =>
      Object.entries(entry).map(([n, t]): [string, Tensor] => [`${key}.${n}`, t]),
    );
    const checksums = JSON.stringify(Object.fromEntries(flat.map(([name, t]) => [name, checksumOf(t)]).sort()));
    const metadata = { format: "stillframe-cache", checksums };
    this.writing(() => writeSafetensors(join(this.folder, file), flat, { metadata }));
    for (const [, t] of flat) t.dispose();
    this.pending = new Map();
    this.known.delete(file);
    this.refresh();
  }

  /** The damaged shards that were found since the last call. */
  takeDamaged(): DamagedShard[] {
    const found = this.damaged;
    this.damaged = [];
    return found;
  }

  /** Closes the mapped files. */
  dispose(): void {
    for (const { entry } of this.stored.values()) disposeEntry(entry);
    for (const entry of this.pending.values()) disposeEntry(entry);
    this.stored.clear();
    this.pending.clear();
  }

  private writing<T>(work: () => T): T {
    try {
      return work();
    } catch (e) {
      const { code, message } = e as NodeJS.ErrnoException;
      if (code === undefined) throw e;
      const full = code === "ENOSPC" || code === "EDQUOT";
      const reason = full
        ? "the disk is full"
        : ["EACCES", "EPERM", "EROFS"].includes(code)
          ? "it may not be written"
          : message;
      throw new Error(`cannot write the cache ${this.folder}: ${reason}; make room, or give another --cache_dir`, {
        cause: e,
      });
    }
  }
}

const disposeEntry = (entry: Entry): void => {
  for (const t of Object.values(entry)) t.dispose();
};
