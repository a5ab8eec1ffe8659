import { crc32 } from "node:zlib";
import sharp from "sharp";
import { writeWhole } from "../files/write-whole.js";
import type { Raster } from "./draw.js";

/** One chunk of a PNG file: length, type, data, checksum (PNG specification, §5.3). */
function chunk(type: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, "latin1");
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return Buffer.concat([head, data, tail]);
}

/** An international text chunk, uncompressed: keyword, then text in UTF-8 (§11.3.4.5). */
export function textChunk(keyword: string, text: string): Buffer {
  return chunk("iTXt", Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, "latin1"), Buffer.from(text, "utf8")]));
}

const AFTER_HEADER = 8 + 25; // the signature, and the IHDR chunk that must come first

/** A picture as PNG, with texts that programs show beside it (`parameters` is where generators put theirs). */
export async function encodePng({ width, height, data }: Raster, texts: Record<string, string> = {}): Promise<Buffer> {
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  const chunks = Object.entries(texts).map(([k, v]) => textChunk(k, v));
  return Buffer.concat([png.subarray(0, AFTER_HEADER), ...chunks, png.subarray(AFTER_HEADER)]);
}

/** Writes a picture; the file appears whole. */
export async function writePng(path: string, raster: Raster, texts: Record<string, string> = {}): Promise<void> {
  writeWhole(path, await encodePng(raster, texts));
}
