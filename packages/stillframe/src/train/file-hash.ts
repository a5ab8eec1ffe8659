import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** SHA-256 of a file's bytes, in hexadecimal. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

interface Known {
  size: number;
  mtimeMs: number;
  ino: number;
  sha256: string;
}

/** Hashes of large files that do not change, remembered by path, size, time and inode: SDXL is ten gigabytes. */
export class HashMemory {
  private readonly path: string;
  private known: Record<string, Known> = {};

  constructor(cacheDir: string) {
    mkdirSync(cacheDir, { recursive: true });
    this.path = join(cacheDir, "file-hashes.json");
    try {
      this.known = JSON.parse(readFileSync(this.path, "utf8")) as Record<string, Known>;
    } catch {
      // absent or damaged: hashes are computed anew
      this.known = {};
    }
  }

  async sha256(path: string): Promise<string> {
    const { size, mtimeMs, ino } = statSync(path);
    const key = resolve(path);
    const k = this.known[key];
    if (k !== undefined && k.size === size && k.mtimeMs === mtimeMs && k.ino === ino) return k.sha256;
    const sha256 = await fileSha256(path);
    this.known[key] = { size, mtimeMs, ino, sha256 };
    const partial = `${this.path}.${process.pid}.partial`;
    writeFileSync(partial, JSON.stringify(this.known, null, 1));
    renameSync(partial, this.path);
    return sha256;
  }
}
