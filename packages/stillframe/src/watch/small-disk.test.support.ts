import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk in memory that can be full. */
export interface SmallDisk {
  folder: string;
  resize(megabytes: number): void;
  /** Takes what is left of it. */
  fill(): void;
  /** Gives back what `fill` took. */
  empty(): void;
  close(): void;
}

const mount = (...args: string[]): boolean => spawnSync("mount", args, { stdio: "ignore" }).status === 0;

/** Makes a folder of the disk read-only, or what it was; for a folder of any disk. */
export function readOnly(folder: string): { undo: () => void } {
  if (!mount("-t", "tmpfs", "-o", "ro", "tmpfs", folder)) throw new Error(`cannot mount over ${folder}`);
  return { undo: () => spawnSync("umount", [folder], { stdio: "ignore" }) };
}

/** @returns null where mounting is not permitted */
export function openSmallDisk(megabytes: number): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-disk-"));
  if (!mount("-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder)) {
    rmSync(folder, { recursive: true });
    return null;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    resize: (size) => void mount("-o", `remount,size=${size}m`, folder),
    fill: () => {
      mkdirSync(folder, { recursive: true });
      const fd = openSync(filler, "w");
      // whole pages first, then what is left of the last one
      for (const size of [1 << 16, 1 << 12, 1])
        try {
          for (;;) if (writeSync(fd, Buffer.alloc(size)) < size) break;
        } catch {
          // full
        }
      closeSync(fd);
    },
    empty: () => rmSync(filler, { force: true }),
    close: () => {
      spawnSync("umount", [folder], { stdio: "ignore" });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
