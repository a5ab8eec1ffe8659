import { closeSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { FileFormatError, readSafetensorsHeader, type Tensor } from "@stillframe/torch";

const READ_BYTES = 1 << 20;

/** What stands for element type and shape in a tensor's checksum. */
const seedOf = (dtype: string, shape: readonly number[]): number => crc32(`${dtype} ${shape.join()}`);

/** CRC-32 of a tensor's element type, shape and bytes. */
export function checksumOf(tensor: Tensor): number {
  const { buffer, byteOffset, byteLength } = tensor.data();
  return crc32(new Uint8Array(buffer, byteOffset, byteLength), seedOf(tensor.dtype, tensor.shape));
}

/**
 * Compares every tensor of a file with the checksums in its metadata, reading the file once from end to end.
 *
 * @returns what is wrong; null when all is as it was written
 */
export function damageOf(path: string): string | null {
  try {
    const { tensors, metadata } = readSafetensorsHeader(path);
    const checksums = checksumsIn(metadata);
    if (checksums === null) return "it has no checksums";
    const fd = openSync(path, "r");
    try {
      const buffer = Buffer.alloc(READ_BYTES);
      for (const [name, { dtype, shape, start, end }] of tensors)
        if (checksumOfRange(fd, { start, end, seed: seedOf(dtype, shape), buffer }) !== checksums[name])
          return `the bytes of tensor ${name} are not those that were written`;
      return null;
    } finally {
      closeSync(fd);
    }
  } catch (e) {
    if (e instanceof FileFormatError) return e.message.slice(path.length + 2);
    if ((e as NodeJS.ErrnoException).code === "ENOENT") return "the file has vanished";
    throw e;
  }
}

function checksumsIn({ checksums }: Record<string, string>): Record<string, unknown> | null {
  if (checksums === undefined) return null;
  try {
    const value: unknown = JSON.parse(checksums);
    return typeof value === "object" ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null; // damaged itself: the caller makes the shard again
  }
}

function checksumOfRange(
  fd: number,
  { start, end, seed, buffer }: { start: number; end: number; seed: number; buffer: Buffer },
): number | null {
  let crc = seed;
  for (let at = start; at < end; ) {
    const n = readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at);
    if (n === 0) return null;
    crc = crc32(buffer.subarray(0, n), crc);
    at += n;
  }
  return crc;
}
