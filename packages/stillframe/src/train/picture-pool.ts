import { Worker } from "node:worker_threads";
import { FileFormatError } from "@stillframe/torch/errors";
import { type Interpolation, UnusablePictureError } from "../data/index.js";
import type { Cut, Pixels } from "./cut.js";

/** A picture to be read and cut. */
export interface CutRequest {
  /** a path, or the file's bytes, which the pool takes over */
  source: string | Uint8Array;
  /** for messages */
  name: string;
  sha256: string;
  cut: Cut;
  interpolation: Interpolation;
}

/** What a thread is sent. */
export interface CutTask extends CutRequest {
  id: number;
}
/** What a thread sends back. */
export type CutAnswer = { id: number } & ({ pixels: Pixels } | { unusable: string } | { error: Error });

interface Waiting {
  name: string;
  resolve: (pixels: Pixels) => void;
  reject: (error: Error) => void;
}

interface Thread {
  worker: Worker;
  waiting: Map<number, Waiting>;
}

/**
 * Threads that decode, resize and crop pictures while the main one computes. They are started when first needed and do
 * not keep the process alive; the result does not depend on their number.
 */
export class PicturePool {
  private readonly size: number;
  private readonly threads: Thread[] = [];
  private nextId = 0;

  /** @param size the most threads */
  constructor(size: number) {
    this.size = size;
  }

  /** Reads and cuts a picture. */
  cut(request: CutRequest): Promise<Pixels> {
    const thread = this.leastBusy();
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { name: request.name, resolve, reject });
      thread.worker.ref();
      const task: CutTask = { ...request, id };
      thread.worker.postMessage(task, transferable(request.source));
    });
  }

  private leastBusy(): Thread {
    const least = this.threads.reduce<Thread | null>(
      (a, b) => (a === null || b.waiting.size < a.waiting.size ? b : a),
      null,
    );
    if (least !== null && (least.waiting.size === 0 || this.threads.length >= this.size)) return least;
    const thread: Thread = { worker: new Worker(new URL("./picture-worker.js", import.meta.url)), waiting: new Map() };
    thread.worker.on("message", (answer: CutAnswer) => this.settle(thread, answer));
    thread.worker.on("error", (error) => this.fail(thread, error as Error));
    thread.worker.unref();
    this.threads.push(thread);
    return thread;
  }

  private settle({ worker, waiting }: Thread, answer: CutAnswer): void {
    const { name, resolve, reject } = waiting.get(answer.id) as Waiting;
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ("pixels" in answer) resolve(answer.pixels);
    else if ("unusable" in answer) reject(new UnusablePictureError(name, answer.unusable));
    else reject(revived(name, answer.error));
  }

  /** The thread itself has ended: whoever waits for it gets its error. */
  private fail(thread: Thread, error: Error): void {
    this.threads.splice(this.threads.indexOf(thread), 1);
    for (const { reject } of thread.waiting.values()) reject(error);
    thread.waiting.clear();
  }

  /** Ends the threads. What was asked for and has not come is refused. */
  async close(): Promise<void> {
    const threads = this.threads.splice(0);
    for (const { waiting } of threads)
      for (const { reject } of waiting.values()) reject(new Error("the pool was closed"));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }
}

const transferable = (source: string | Uint8Array): ArrayBuffer[] =>
  typeof source !== "string" && source.byteLength === source.buffer.byteLength ? [source.buffer as ArrayBuffer] : [];

/** Messages between threads keep an error's text and not its class. */
function revived(name: string, error: Error): Error {
  const prefix = `${name}: `;
  return error.message.startsWith(prefix) ? new FileFormatError(name, error.message.slice(prefix.length)) : error;
}
