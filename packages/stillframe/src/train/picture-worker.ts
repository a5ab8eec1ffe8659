import { parentPort } from "node:worker_threads";
import { readPictureFile } from "../data/picture-file.js";
import { UnusablePictureError } from "../data/unusable-picture-error.js";
import { cutBytes } from "./cut.js";
import type { CutAnswer, CutTask } from "./picture-pool.js";

/** The thread of a `PicturePool`: reads, decodes, resizes and crops what it is sent, one picture after the other. */
const port = parentPort;
if (port === null) throw new Error("internal: picture-worker runs in a worker thread");

async function answer({ id, source, ...task }: CutTask): Promise<CutAnswer> {
  try {
    const bytes = typeof source === "string" ? await readPictureFile(source) : source;
    return { id, pixels: await cutBytes(bytes, task) };
  } catch (e) {
    if (e instanceof UnusablePictureError) return { id, unusable: e.reason };
    return { id, error: e as Error };
  }
}

let last = Promise.resolve();
port.on("message", (task: CutTask) => {
  last = last.then(async () => {
    const done = await answer(task);
    port.postMessage(done, "pixels" in done ? [done.pixels.values.buffer as ArrayBuffer] : []);
  });
});
