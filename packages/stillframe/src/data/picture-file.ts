import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { UnusablePictureError } from "./unusable-picture-error.js";

/** A file on disk, or the bytes of one (from a parquet row, for instance). */
export type PictureSource = string | Uint8Array;

/** Larger files are not read: no picture within the pixel limit needs more (100 megapixels of 16-bit RGBA are 800 MB). */
const MAX_FILE_BYTES = 1 << 30;

/**
 * The bytes of a picture file.
 *
 * @throws UnusablePictureError if it is missing, not a file, empty or larger than 1 GiB.
 */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  try {
    const { size, isFile } = await stat(path).then((s) => ({ size: s.size, isFile: s.isFile() }));
    if (!isFile) throw new UnusablePictureError(path, "it is not a file");
    if (size === 0) throw new UnusablePictureError(path, "the file is empty");
    if (size > MAX_FILE_BYTES)
      throw new UnusablePictureError(path, `the file has ${size} bytes, more than the limit of ${MAX_FILE_BYTES}`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof UnusablePictureError) throw error;
    throw new UnusablePictureError(path, fileProblem(error));
  }
}

/** A failure of the file system in words. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return "the file does not exist";
  if (code === "EACCES" || code === "EPERM") return "the file may not be read";
  if (code === "ELOOP") return "its symbolic links go round in a circle";
  return `it cannot be read: ${message}`;
}

/** SHA-256 of a file's bytes in hexadecimal: the identity of a picture in manifests and caches. */
export function contentHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
