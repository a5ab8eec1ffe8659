import { mkdir, rename, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { invalid } from "@stillframe/torch/errors";
import { DEFAULT_SIZE, draw } from "./draw.js";
import { type Objects, objectsOf } from "./objects.js";
import { png } from "./raster.js";
import { type Item, item, type SetName } from "./sets.js";

/** One line of `metadata.jsonl`. */
export interface Row {
  file_name: string;
  text: string;
  labels: Item["labels"];
  objects: Objects;
}

/**
 * Draws a set into a folder: one PNG a picture and `metadata.jsonl` (`file_name`, `text`, `labels`, `objects`), which is written
 * last, so that a folder with it is complete. The same set, seed, count and size give the same files.
 *
 * @throws InvalidArgumentError for a count outside 1 to 1,000,000
 */
export async function writeDataset(
  set: SetName,
  options: { count: number; seed: number; outputDir: string; size?: number; onPicture?: (done: number) => void },
): Promise<Row[]> {
  const { count, seed, outputDir, size = DEFAULT_SIZE, onPicture } = options;
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw invalid("count", "a whole number from 1 to 1000000", count);
  await mkdir(outputDir, { recursive: true });
  const rows = new Array<Row>(count);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const { scene, look, text, labels } = item(set, { seed, index });
      const name = `${set}-${String(index).padStart(6, "0")}.png`;
      await writeFile(join(outputDir, name), await png(await draw(scene, { look, size })));
      rows[index] = { file_name: name, text, labels, objects: objectsOf(scene, { look, size }) };
      onPicture?.(++done);
    }
  };
  // SVG and PNG run in the thread pool; a few pictures in flight keep it busy while this thread finishes others.
  await Promise.all(Array.from({ length: availableParallelism() + 2 }, work));
  const metadata = join(outputDir, "metadata.jsonl");
  await writeFile(`${metadata}.part`, `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
  await rename(`${metadata}.part`, metadata);
  return rows;
}
