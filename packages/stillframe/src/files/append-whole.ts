import { fstatSync, ftruncateSync, writeSync } from "node:fs";

/**
 * Writes at the end of a file opened for appending (or written from its start by this function alone): all of it or, when
 * the disk is full, none of it.
 *
 * @throws the file system's error; the file is as before then
 */
export function appendWhole(fd: number, bytes: Uint8Array): void {
  const before = fstatSync(fd).size;
  try {
    // a nearly full disk takes a part and says so only by the count
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  } catch (e) {
    ftruncateSync(fd, before);
    throw e;
  }
}
