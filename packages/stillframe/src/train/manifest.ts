import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MANIFEST_VERSION, type Manifest, parseManifest, type TrainOptions, trainOptions } from "@stillframe/schema";
import { engineInfo } from "@stillframe/torch";
import { commonOpenings, hardwareOf, pictureSizes } from "../card/index.js";
import { json, writeWhole } from "../files/write-whole.js";
import { version } from "../version.js";
import type { CaptionStatistics } from "./captions.js";
import { fileSha256, type HashMemory } from "./file-hash.js";
import type { Precision } from "./precision.js";
import { MANIFEST_FILE } from "./run-folder.js";
import type { Trainable } from "./trainable.js";
import { skippedByReason, type TrainingSet } from "./training-set.js";

type Model = Manifest["model"];

/** A model's entry: where it came from, and the hash of each weight file. */
export async function modelEntry(
  nameOrPath: string,
  files: readonly string[],
  { hashes, folder, commit }: { hashes: HashMemory; folder: string; commit: string | null },
): Promise<Model> {
  const weights: Model["weights"] = [];
  for (const file of files)
    weights.push({
      path: file.startsWith(folder) ? file.slice(folder.length).replace(/^\//, "") : file,
      bytes: statSync(file).size,
      sha256: await hashes.sha256(file),
    });
  return { name_or_path: nameOrPath, commit, weights };
}

/** What is known once the data are prepared and the model is made. */
export interface ManifestParts {
  options: TrainOptions;
  seed: number;
  precision: Precision;
  model: Model;
  vae: Model | null;
  set: TrainingSet;
  captions: CaptionStatistics;
  trainable: Trainable;
  adapterKeys: readonly string[];
  rank: number | null;
  alpha: number | null;
  started: Date;
}

const engineSource = (): string => {
  const record = new URL("../build/build.json", import.meta.resolve("@stillframe/torch/errors"));
  try {
    return (JSON.parse(readFileSync(record, "utf8")) as { torch: { source: string } }).torch.source;
  } catch {
    return "unknown";
  }
};

/** Writes `manifest.json`; `finished` comes with the results when there are any. */
export async function writeManifest(
  folder: string,
  parts: ManifestParts,
  {
    steps,
    epochs,
    results,
    seconds,
  }: { steps: number; epochs: number; results: readonly string[] | null; seconds: number },
): Promise<Manifest["results"]> {
  const { options, set, precision } = parts;
  const engine = engineInfo();
  const files: Manifest["results"] = [];
  for (const name of results ?? [])
    if (existsSync(join(folder, name)))
      files.push({
        path: name,
        bytes: statSync(join(folder, name)).size,
        sha256: await fileSha256(join(folder, name)),
      });
  const manifest: Manifest = {
    format: "stillframe-manifest",
    version: MANIFEST_VERSION,
    stillframe: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    engine: {
      version: engine.libtorch,
      source: engineSource(),
      device: precision.device,
      dtype: precision.weights,
      threads: engine.threads,
    },
    model: parts.model,
    vae: parts.vae,
    data: {
      name_or_path: options.train_data_dir ?? (options.dataset_name as string),
      pictures: set.pictures.length,
      held_out: set.heldOut.length,
      skipped: skippedByReason(set.skipped),
      content_sha256: set.sha256,
      commit: set.commit,
      picture_sizes: pictureSizes(set.pictures),
      captions: { ...parts.captions, openings: commonOpenings(set.pictures.flatMap((p) => p.captions)) },
    },
    adapter: {
      method: options.method,
      rank: parts.rank,
      alpha: parts.alpha,
      parameters: parts.trainable.size,
      keys: [...parts.adapterKeys],
    },
    seed: parts.seed,
    options: trainOptions.shown(options) as Manifest["options"],
    steps,
    epochs,
    results: files,
    hardware: await hardwareOf(precision.device),
    timing: {
      started: parts.started.toISOString(),
      finished: results === null ? null : new Date().toISOString(),
      seconds,
    },
  };
  writeWhole(join(folder, MANIFEST_FILE), json(parseManifest(manifest)));
  return files;
}
