import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, open, readFile } from "node:fs/promises";
import { FileFormatError, InvalidArgumentError } from "@stillframe/torch/errors";
import { checkPublishable } from "./allow-list.js";
import { FileBlob } from "./file-blob.js";
import { findLeaks, type LeakSearch } from "./leaks.js";
import { isPng, scrubbedPng } from "./png-texts.js";
import { scrubPaths } from "./scrub.js";

/** A file to publish: its path in the repository, and a local file or the content itself. */
export interface PublishFile {
  readonly path: string;
  readonly from: string | Uint8Array;
}

/** A file that was looked at and may be sent. */
export interface PreparedFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of what is sent, hex. */
  readonly sha256: string;
  /** SHA-1 that git gives what is sent, hex. */
  readonly gitOid: string;
  readonly blob: Blob;
}

const MAX_HEADER = 100 << 20;

/**
 * Looks at one file before it is sent: on the list of what may be sent, an adapter and not a whole model, and without
 * paths of this machine or secrets. JSON and the texts in PNG pictures are sent without such paths; any other file that
 * has them is refused.
 */
export async function prepareFile({ path, from }: PublishFile, search: LeakSearch): Promise<PreparedFile> {
  checkPublishable(path);
  if (typeof from === "string") await checkPlainFile(path, from);
  if (path.endsWith(".safetensors")) return prepareWeights(path, from, search);
  const raw = typeof from === "string" ? await readFile(from) : Buffer.from(from);
  const content = path.endsWith(".json") ? scrubbed(path, raw) : isPng(raw) ? scrubbedPng(path, raw) : raw;
  checkLeaks(path, content.toString("latin1"), search);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const gitOid = createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
  return { path, bytes: content.length, sha256, gitOid, blob: new Blob([content]) };
}

async function checkPlainFile(path: string, from: string): Promise<void> {
  const found = await lstat(from).catch(() => undefined);
  if (found?.isFile()) return;
  const received = found?.isSymbolicLink() ? "a link" : found ? "a folder" : "nothing";
  throw new InvalidArgumentError(`expected a file for ${path} but found ${received} at ${from}`);
}

function scrubbed(path: string, raw: Buffer): Buffer<ArrayBuffer> {
  let value: unknown;
  try {
    value = JSON.parse(raw.toString("utf8"));
  } catch (error) {
    throw new FileFormatError(path, `expected JSON: ${(error as Error).message}`);
  }
  return Buffer.from(`${JSON.stringify(scrubPaths(value), null, 2)}\n`);
}

async function prepareWeights(path: string, from: string | Uint8Array, search: LeakSearch): Promise<PreparedFile> {
  const { header, bytes } = await safetensorsHeader(path, from);
  checkLeaks(path, header, search);
  checkAdapter(path, header);
  const blob = typeof from === "string" ? new FileBlob(from, { start: 0, end: bytes }) : new Blob([from.slice()]);
  const sha256 = createHash("sha256");
  const git = createHash("sha1").update(`blob ${bytes}\0`);
  const source = typeof from === "string" ? createReadStream(from, { highWaterMark: 1 << 20 }) : [from];
  for await (const piece of source) {
    sha256.update(piece);
    git.update(piece);
  }
  return { path, bytes, sha256: sha256.digest("hex"), gitOid: git.digest("hex"), blob };
}

/** The JSON text at the beginning of a safetensors file (github.com/huggingface/safetensors, "Format"). */
async function safetensorsHeader(path: string, from: string | Uint8Array): Promise<{ header: string; bytes: number }> {
  const bad = () => new FileFormatError(path, "expected a safetensors file");
  if (typeof from !== "string") {
    const view = Buffer.from(from.buffer, from.byteOffset, from.byteLength);
    const length = view.length >= 8 ? view.readBigUInt64LE() : -1n;
    if (length < 2n || length > BigInt(Math.min(MAX_HEADER, view.length - 8))) throw bad();
    return { header: view.toString("utf8", 8, 8 + Number(length)), bytes: view.length };
  }
  const file = await open(from, "r");
  try {
    const { size } = await file.stat();
    const prefix = Buffer.alloc(8);
    const { bytesRead } = await file.read(prefix, 0, 8, 0);
    const length = bytesRead === 8 ? prefix.readBigUInt64LE() : -1n;
    if (length < 2n || length > BigInt(Math.min(MAX_HEADER, size - 8))) throw bad();
    const header = Buffer.alloc(Number(length));
    await file.read(header, 0, header.length, 8);
    return { header: header.toString("utf8"), bytes: size };
  } finally {
    await file.close();
  }
}

/** Optimizer state, a checkpoint or a merged model would be gigabytes, and not what the person asked to share. */
function checkAdapter(path: string, header: string): void {
  let tensors: string[];
  try {
    tensors = Object.keys(JSON.parse(header) as object).filter((name) => name !== "__metadata__");
  } catch {
    throw new FileFormatError(path, "expected JSON in the header of a safetensors file");
  }
  const foreign = tensors.find((name) => !/lora/i.test(name));
  if (tensors.length > 0 && foreign === undefined) return;
  throw new InvalidArgumentError(
    `expected an adapter (tensors of a LoRA) for ${path} but it holds ${foreign === undefined ? "no tensors" : `the tensor ${foreign}`}`,
  );
}

function checkLeaks(path: string, text: string, search: LeakSearch): void {
  const [leak, ...more] = findLeaks(text, search);
  if (!leak) return;
  const others = more.length > 0 ? ` and ${more.length} more` : "";
  throw new InvalidArgumentError(
    `expected ${path} without paths of this machine and secrets but line ${leak.line} holds ${leak.what}${others}; nothing was sent`,
  );
}
