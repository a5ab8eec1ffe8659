import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** `<name>.<pid>-<thread>.partial` or `<name>.<pid>.partial`: a file that is being written. */
const PARTIAL = /\.(\d+)(?:-\d+)?\.partial$/;
const MINUTES = 60_000;
/** A writer on another machine has a number that may mean nothing here, but it does not take this long. */
const OLD = 10 * MINUTES;
/** The number of a dead writer may have gone to another process. */
const VERY_OLD = 24 * 60 * MINUTES;

/**
 * Removes what killed processes left half-written in a folder that others may be writing to at this moment: files whose
 * writer is gone and that were not touched for ten minutes, and all that were not touched for a day.
 *
 * @returns the names of the removed files
 */
export function removeStalePartials(folder: string, now: number = Date.now()): string[] {
  const stale = readdirSync(folder).filter((name) => isStale(join(folder, name), now));
  for (const name of stale) rmSync(join(folder, name), { force: true });
  return stale;
}

function isStale(path: string, now: number): boolean {
  const writer = PARTIAL.exec(path)?.[1];
  if (writer === undefined) return false;
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined || !info.isFile()) return false;
  const age = now - info.mtimeMs;
  return age > VERY_OLD || (age > OLD && !isAlive(Number(writer)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === "EPERM"; // there, but another user's
  }
}
