import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock. */
  readonly onWait?: (() => void) | undefined;
  /** A lock whose owner gave no sign of life for so long is taken over; the owner gives one each third of it. */
  readonly staleMs?: number;
}

interface Owner {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
}

const POLL_MS = 100;

/**
 * Runs `body` while no other process of this program does so for the same lock file.
 *
 * Node has no `flock`, so the lock is a file that exists while it is held, with its owner inside. It is taken over when
 * the owner is a dead process of this machine, or has not touched the file for `staleMs` (60 s).
 */
export async function withLock<T>(path: string, options: LockOptions, body: () => Promise<T>): Promise<T> {
  const staleMs = options.staleMs ?? 60_000;
  const owner: Owner = { id: randomUUID(), pid: process.pid, host: hostname() };
  await mkdir(dirname(path), { recursive: true });
  let waited = false;
  while (!(await create(path, owner))) {
    if (await isAbandoned(path, staleMs)) {
      await takeAway(path, staleMs);
      continue;
    }
    if (!waited) options.onWait?.();
    waited = true;
    await sleep(POLL_MS, undefined, options.signal ? { signal: options.signal } : {});
  }
  const alive = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), staleMs / 3);
  alive.unref();
  try {
    return await body();
  } finally {
    clearInterval(alive);
    if ((await ownerOf(path))?.id === owner.id) await rm(path, { force: true });
  }
}

async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify(owner));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Owner;
  } catch {
    // Gone, or its owner is between creating the file and writing its name.
    return undefined;
  }
}

async function isAbandoned(path: string, staleMs: number): Promise<boolean> {
  let touched: number;
  try {
    touched = (await stat(path)).mtimeMs;
  } catch {
    return false;
  }
  if (Date.now() - touched > staleMs) return true;
  const owner = await ownerOf(path);
  return owner !== undefined && owner.host === hostname() && !isRunning(owner.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Two processes may find the same lock abandoned: only the one that makes the side file looks again and removes it. */
async function takeAway(path: string, staleMs: number): Promise<void> {
  const side = `${path}.takeover`;
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(side, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const age = await stat(side).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > staleMs) await rm(side, { force: true });
    await sleep(POLL_MS);
    return;
  }
  try {
    if (await isAbandoned(path, staleMs)) await rm(path, { force: true });
  } finally {
    await file.close();
    await rm(side, { force: true });
  }
}
