import { createHash } from "node:crypto";
import type { Skipped, TrainOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import { inspectPictures, type PictureSource, readImageFolder } from "../data/index.js";
import { permutation, uniformNumbers } from "./randomness.js";

/** One picture that can be trained on. */
export interface TrainingPicture {
  /** what people call it: its path from the folder */
  name: string;
  source: PictureSource;
  /** SHA-256 of its bytes */
  sha256: string;
  captions: readonly string[];
  /** upright, in pixels */
  width: number;
  height: number;
}

export interface TrainingSet {
  /** trained on */
  pictures: readonly TrainingPicture[];
  /** held out for the validation loss */
  heldOut: readonly TrainingPicture[];
  skipped: readonly { fileName: string; reason: string }[];
  /** one hash over all pictures and captions in order */
  sha256: string;
}

const EXAMPLES = 3;

/** Skipped pictures by reason, for a report. */
export function skippedByReason(skipped: TrainingSet["skipped"]): Skipped[] {
  const groups = new Map<string, string[]>();
  for (const { fileName, reason } of skipped) groups.set(reason, [...(groups.get(reason) ?? []), fileName]);
  return [...groups].map(([reason, files]) => ({ reason, count: files.length, examples: files.slice(0, EXAMPLES) }));
}

async function fromFolder(folder: string, options: TrainOptions): Promise<Pick<TrainingSet, "pictures" | "skipped">> {
  const { items, skipped } = await readImageFolder(folder, {
    imageColumn: options.image_column,
    captionColumn: options.caption_column,
  });
  const { usable, rejected } = await inspectPictures(items);
  return {
    pictures: usable.map((p) => ({
      name: p.fileName,
      source: p.path,
      sha256: p.sha256,
      captions: p.captions.map((c) => options.caption_prefix + c),
      width: p.header.width,
      height: p.header.height,
    })),
    skipped: [...skipped, ...rejected.map((r) => ({ fileName: r.item.fileName, reason: r.reason }))],
  };
}

/** The first `n` of a random order, given back in the order of the data. */
function sample(pictures: readonly TrainingPicture[], n: number, random: () => number): TrainingPicture[] {
  const chosen = new Set(permutation(pictures.length, random).slice(0, n));
  return pictures.filter((_, i) => chosen.has(i));
}

/**
 * Reads and checks the pictures of a run: what cannot be used is listed with its reason, a part is held out if asked.
 *
 * @throws InvalidArgumentError when no picture is left
 */
export async function readTrainingSet(options: TrainOptions, seed: number): Promise<TrainingSet> {
  const folder = options.train_data_dir ?? (options.dataset_name as string);
  const { pictures: all, skipped } = await fromFolder(folder, options);
  let pictures: readonly TrainingPicture[] = all;
  if (options.max_train_samples !== null) pictures = sample(pictures, options.max_train_samples, uniformNumbers(seed, "samples"));
  const out = Math.round(pictures.length * options.validation_split);
  const heldOut = out > 0 ? sample(pictures, out, uniformNumbers(seed, "split")) : [];
  const held = new Set(heldOut);
  pictures = pictures.filter((p) => !held.has(p));
  if (pictures.length === 0) {
    const reasons = skippedByReason(skipped).map((s) => `${s.count} × ${s.reason}`);
    throw invalid("train_data_dir", "at least one usable picture", `none in ${folder}${reasons.length > 0 ? ` (skipped: ${reasons.join("; ")})` : ""}`);
  }
  const hash = createHash("sha256");
  for (const p of [...pictures, ...heldOut]) hash.update(`${p.sha256} ${JSON.stringify(p.captions)}\n`);
  return { pictures, heldOut, skipped, sha256: hash.digest("hex") };
}
