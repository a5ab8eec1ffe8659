import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { crc32 } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** The text chunk in which a drawn picture carries what it was drawn from. */
export const KEY_TEXT = "stillframe";

/** A hash of all that a picture depends on: two pictures with one key are the same picture. */
export function pictureKey(parameters: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

/** Whether a PNG is there, whole, and was drawn with this key. */
export async function isKept(path: string, key: string): Promise<boolean> {
  const png = await readFile(path).catch(() => null);
  return png !== null && keyOf(png) === key;
}

/** The key of a whole PNG; null for one that is cut or damaged, or has none. */
function keyOf(png: Buffer): string | null {
  if (!png.subarray(0, 8).equals(SIGNATURE)) return null;
  let key: string | null = null;
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    if (end + 4 > png.length) return null;
    if (png.readUInt32BE(end) !== crc32(png.subarray(at + 4, end))) return null;
    const type = png.toString("latin1", at + 4, at + 8);
    if (type === "IEND") return key;
    const data = png.subarray(at + 8, end);
    const head = `${KEY_TEXT}\0\0\0\0\0`;
    if (type === "iTXt" && data.toString("latin1", 0, head.length) === head) key = data.toString("utf8", head.length);
    at = end + 4;
  }
  return null;
}
