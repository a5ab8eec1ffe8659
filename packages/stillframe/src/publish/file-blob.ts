import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";

/**
 * Part of a file as a `Blob` that reads when it is asked, so that an upload does not hold the file in memory.
 * `@huggingface/hub` has the same for its own use and does not export it; this one also tells how far a reader came.
 */
export class FileBlob extends Blob {
  override readonly size: number;
  readonly #path: string;
  readonly #start: number;
  readonly #end: number;
  readonly #onRead: ((bytes: number) => void) | undefined;

  /** Bytes `start` to `end` (exclusive); `onRead` is told the bytes that a stream has handed out since it began. */
  constructor(path: string, range: { start: number; end: number; onRead?: (bytes: number) => void }) {
    super([]);
    this.size = range.end - range.start;
    this.#path = path;
    this.#start = range.start;
    this.#end = range.end;
    this.#onRead = range.onRead;
  }

  /** The same part; `onRead` is called by its streams. */
  counted(onRead: (bytes: number) => void): FileBlob {
    return new FileBlob(this.#path, { start: this.#start, end: this.#end, onRead });
  }

  override slice(start = 0, end = this.size): FileBlob {
    const from = this.#start + Math.min(start, this.size);
    return new FileBlob(this.#path, { start: from, end: Math.max(from, Math.min(this.#start + end, this.#end)) });
  }

  override stream(): ReturnType<Blob["stream"]> {
    return Readable.toWeb(Readable.from(this.#pieces(), { objectMode: false })) as ReturnType<Blob["stream"]>;
  }

  override async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(this.size);
    const file = await open(this.#path, "r");
    try {
      let read = 0;
      while (read < bytes.length) {
        const { bytesRead } = await file.read(bytes, read, bytes.length - read, this.#start + read);
        if (bytesRead === 0) throw new Error(`${this.#path} became shorter while it was read`);
        read += bytesRead;
      }
    } finally {
      await file.close();
    }
    return bytes.buffer;
  }

  override async text(): Promise<string> {
    return Buffer.from(await this.arrayBuffer()).toString("utf8");
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    let read = 0;
    this.#onRead?.(0);
    if (this.size === 0) return;
    for await (const piece of createReadStream(this.#path, { start: this.#start, end: this.#end - 1 })) {
      read += (piece as Buffer).length;
      yield piece as Buffer;
      this.#onRead?.(read);
    }
  }
}
