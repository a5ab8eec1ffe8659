import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Skipped, TrainEvent, TrainOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import {
  contentHash,
  decodePicture,
  mapConcurrently,
  type Picture,
  probePicture,
  type Region,
  readPictureFile,
  type SkippedPicture,
  UnusablePictureError,
} from "../data/index.js";
import {
  type DataSourceOptions,
  openDataSource,
  type PictureBytes,
  type SourcePicture,
} from "../prepare/data-source.js";
import { permutation, uniformNumbers } from "./randomness.js";

/** One picture that can be trained on. */
export interface TrainingPicture {
  /** what people call it: its path from the folder, or its name in the data set */
  name: string;
  /** read again whenever it is needed: pictures are not kept in memory */
  source: PictureBytes;
  /** SHA-256 of its bytes */
  sha256: string;
  captions: readonly string[];
  /** places that count otherwise in the loss, in pixels of the upright picture */
  regions: readonly Region[];
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
  /** the commit of a data set of the Hub, or null */
  commit: string | null;
}

export type TrainingSetOptions = DataSourceOptions &
  Pick<TrainOptions, "caption_prefix" | "max_train_samples" | "validation_split">;

export interface TrainingSetControl {
  signal?: AbortSignal | undefined;
  /** called with each usable picture while it is decoded */
  look?: ((picture: TrainingPicture, pixels: Picture) => Promise<void> | void) | undefined;
}

const EXAMPLES = 3;

/** Skipped pictures by reason, for a report. */
export function skippedByReason(skipped: TrainingSet["skipped"]): Skipped[] {
  const groups = new Map<string, string[]>();
  for (const { fileName, reason } of skipped) groups.set(reason, [...(groups.get(reason) ?? []), fileName]);
  return [...groups].map(([reason, files]) => ({ reason, count: files.length, examples: files.slice(0, EXAMPLES) }));
}

/** Opens and decodes a picture, which finds what is truncated or damaged. */
async function inspected(
  p: SourcePicture | SkippedPicture,
  { prefix, look }: { prefix: string; look: TrainingSetControl["look"] },
): Promise<TrainingPicture | SkippedPicture> {
  if ("reason" in p) return p;
  const { name, source, captions, regions } = p;
  try {
    // one read serves hash, header and decoder, so that all three speak of the same bytes
    const bytes = p.bytes ?? (typeof source === "string" ? await readPictureFile(source) : await source());
    const probe = await probePicture(bytes);
    if (!probe.usable) return { fileName: name, reason: probe.reason };
    const pixels = await decodePicture(bytes, { name });
    const { width, height } = pixels;
    const prefixed = captions.map((c) => prefix + c);
    const picture = { name, source, sha256: contentHash(bytes), captions: prefixed, regions, width, height };
    await look?.(picture, pixels);
    return picture;
  } catch (e) {
    if (e instanceof UnusablePictureError) return { fileName: name, reason: e.reason };
    throw e;
  }
}

/** The first `n` of a random order, given back in the order of the data. */
function sample(pictures: readonly TrainingPicture[], n: number, random: () => number): TrainingPicture[] {
  const chosen = new Set(permutation(pictures.length, random).slice(0, n));
  return pictures.filter((_, i) => chosen.has(i));
}

/**
 * Reads and checks the pictures of a run: what cannot be used is listed with its reason, a part is held out if asked.
 * Tells its progress, and a download's. Memory does not grow with the size of the pictures.
 *
 * @throws InvalidArgumentError when no picture is left
 */
export async function* readingTrainingSet(
  options: TrainingSetOptions,
  seed: number,
  { signal, look }: TrainingSetControl = {},
): AsyncGenerator<TrainEvent, TrainingSet> {
  const data = yield* openDataSource(options, { signal });
  const all: TrainingPicture[] = [];
  const skipped: SkippedPicture[] = [...data.skipped];
  const progress = (done: number): TrainEvent => ({ type: "preparing", stage: "read", done, total: data.count });
  yield progress(0);
  const work = (p: SourcePicture | SkippedPicture) => inspected(p, { prefix: options.caption_prefix, look });
  const results = mapConcurrently(data.pictures(), work, {
    concurrency: availableParallelism(),
    ...(signal ? { signal } : {}),
  });
  let done = 0;
  for await (const p of results) {
    if ("reason" in p) skipped.push({ fileName: p.fileName, reason: p.reason });
    else all.push(p);
    done += 1;
    yield progress(done);
  }
  return { ...split(all, options, { seed, skipped, folder: data.folder }), commit: data.commit };
}

/** As `readingTrainingSet`, for callers that do not show progress. */
export async function readTrainingSet(
  options: TrainingSetOptions,
  seed: number,
  control: TrainingSetControl = {},
): Promise<TrainingSet> {
  const reading = readingTrainingSet(options, seed, control);
  for (;;) {
    const { value, done } = await reading.next();
    if (done) return value;
  }
}

function split(
  all: readonly TrainingPicture[],
  options: TrainingSetOptions,
  { seed, skipped, folder }: { seed: number; skipped: readonly SkippedPicture[]; folder: string },
): Omit<TrainingSet, "commit"> {
  let pictures = all;
  if (options.max_train_samples !== null)
    pictures = sample(pictures, options.max_train_samples, uniformNumbers(seed, "samples"));
  const out = Math.round(pictures.length * options.validation_split);
  const heldOut = out > 0 ? sample(pictures, out, uniformNumbers(seed, "split")) : [];
  const held = new Set(heldOut);
  pictures = pictures.filter((p) => !held.has(p));
  if (pictures.length === 0) {
    const reasons = skippedByReason(skipped).map((s) => `${s.count} × ${s.reason}`);
    const name = options.train_data_dir === null ? "dataset_name" : "train_data_dir";
    throw invalid(
      name,
      "at least one usable picture",
      `none in ${folder}${reasons.length > 0 ? ` (skipped: ${reasons.join("; ")})` : ""}`,
    );
  }
  const hash = createHash("sha256");
  for (const p of [...pictures, ...heldOut]) {
    hash.update(`${p.sha256} ${JSON.stringify(p.captions)}\n`);
    if (p.regions.length > 0) hash.update(`${JSON.stringify(p.regions)}\n`);
  }
  return { pictures, heldOut, skipped, sha256: hash.digest("hex") };
}
