import { crc32, inflateSync } from "node:zlib";
import { FileFormatError } from "@stillframe/torch/errors";
import { scrubText } from "./scrub.js";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MAX_TEXT = 1 << 20;

/** Whether a file's content begins as a PNG does. */
export function isPng(content: Buffer): boolean {
  return content.subarray(0, SIGNATURE.length).equals(SIGNATURE);
}

/**
 * A PNG whose texts have no paths of this machine: generators write into their pictures which model they used, and where
 * it lay. Camera data (`eXIf`) is left out. Pixels are not touched.
 *
 * @param name what messages call the file
 * @throws FileFormatError when it is no PNG, or cut
 */
export function scrubbedPng(name: string, png: Buffer): Buffer<ArrayBuffer> {
  if (!isPng(png)) throw new FileFormatError(name, "expected a PNG picture");
  const pieces: Buffer[] = [SIGNATURE];
  for (let at = 8; at < png.length; ) {
    const length = png.length - at >= 12 ? png.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (length > png.length - at - 12) throw new FileFormatError(name, "the PNG picture is cut");
    const whole = png.subarray(at, at + 12 + length);
    pieces.push(scrubbedChunk(whole.toString("latin1", 4, 8), whole, name));
    at += whole.length;
  }
  return Buffer.concat(pieces);
}

/** Length, type, data, checksum (PNG specification, §5.3); texts in §11.3.4. */
function scrubbedChunk(type: string, whole: Buffer, name: string): Buffer {
  if (type === "eXIf") return Buffer.alloc(0);
  if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") return whole;
  const data = whole.subarray(8, -4);
  const found = textOf(type, data, name);
  const scrubbed = scrubText(found.text);
  return scrubbed === found.text ? whole : textChunk(found.keyword, scrubbed);
}

function textOf(type: string, data: Buffer, name: string): { keyword: string; text: string } {
  const end = data.indexOf(0);
  if (end < 0) throw new FileFormatError(name, `a ${type} chunk of the PNG picture has no keyword`);
  const keyword = data.toString("latin1", 0, end);
  if (type === "tEXt") return { keyword, text: data.toString("latin1", end + 1) };
  if (type === "zTXt") return { keyword, text: inflated(data.subarray(end + 2), name).toString("latin1") };
  const language = data.indexOf(0, end + 3);
  const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
  if (translated < 0) throw new FileFormatError(name, "an iTXt chunk of the PNG picture is cut");
  const text = data.subarray(translated + 1);
  return { keyword, text: (data[end + 1] === 1 ? inflated(text, name) : text).toString("utf8") };
}

function inflated(data: Buffer, name: string): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: MAX_TEXT });
  } catch (error) {
    throw new FileFormatError(name, `a text of the PNG picture cannot be read: ${(error as Error).message}`);
  }
}

function textChunk(keyword: string, text: string): Buffer {
  const data = Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, "latin1"), Buffer.from(text, "utf8")]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write("iTXt", 4, "latin1");
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return Buffer.concat([head, data, tail]);
}
