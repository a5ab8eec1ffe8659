import { existsSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import type { Manifest, TrainEvent, TrainOptions } from "@stillframe/schema";
import { engineInfo } from "@stillframe/torch";
import { resolveModels } from "../prepare/model-folder.js";
import { HashMemory } from "../train/file-hash.js";
import { resolvePrecision } from "../train/precision.js";
import { cacheFolder } from "../train/prepare.js";
import { readingTrainingSet } from "../train/training-set.js";
import { version } from "../version.js";

/** One thing that the manifest names, and what is found here in its place. */
export interface InputCheck {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly same: boolean;
  /** Whether it makes another training of it, and not only other roundings. */
  readonly decisive: boolean;
}

/** Progress of hashing weights. */
export interface HashingEvent {
  readonly type: "hashing";
  readonly done: number;
  readonly total: number;
}

type CheckEvent = TrainEvent | HashingEvent;

/**
 * Compares engine, base model, VAE and data with what a manifest names. Models and data of the Hub are fetched.
 *
 * @returns a check for each thing that was looked at, those that differ included
 */
export async function* checkInputs(
  manifest: Manifest,
  options: TrainOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<CheckEvent, InputCheck[]> {
  const models = yield* resolveModels(options, { signal });
  const hashes = new HashMemory(cacheFolder(options));
  const base = yield* checkWeights(manifest.model, { what: "base model", folder: models.model.path, hashes });
  const vae =
    manifest.vae === null || models.vae === null
      ? []
      : yield* checkWeights(manifest.vae, { what: "VAE", folder: models.vae.path, hashes });
  const data = yield* readingTrainingSet(options, manifest.seed, { signal });
  return [
    ...environmentChecks(manifest, options),
    ...base,
    ...vae,
    check("pictures and captions", manifest.data.content_sha256, { found: data.sha256, decisive: true }),
    check("pictures to train on", String(manifest.data.pictures), {
      found: String(data.pictures.length),
      decisive: true,
    }),
  ];
}

/** Programs and machine: what may change roundings. */
function environmentChecks(manifest: Manifest, options: TrainOptions): InputCheck[] {
  const { engine } = manifest;
  const here = engineInfo();
  const precision = resolvePrecision(options);
  const pairs: [string, string, string][] = [
    ["Stillframe", manifest.stillframe, version],
    ["libtorch", engine.version, here.libtorch],
    ["platform", manifest.platform, `${process.platform} ${process.arch}`],
    ["device", engine.device.replace(/:\d+$/, ""), precision.device.replace(/:\d+$/, "")],
    ["base weights", engine.dtype, precision.weights],
    ...(engine.device === "cpu"
      ? [["threads", String(engine.threads), String(here.threads)] as [string, string, string]]
      : []),
  ];
  return pairs.map(([what, expected, found]) => check(what, expected, { found, decisive: false }));
}

async function* checkWeights(
  model: Manifest["model"],
  { what, folder, hashes }: { what: string; folder: string; hashes: HashMemory },
): AsyncGenerator<HashingEvent, InputCheck[]> {
  const checks: InputCheck[] = [];
  for (const [i, { path, sha256 }] of model.weights.entries()) {
    yield { type: "hashing", done: i, total: model.weights.length };
    const file = placeOf(path, folder);
    const found = existsSync(file) ? await hashes.sha256(file) : "missing";
    checks.push(check(`${what}: ${path}`, sha256, { found, decisive: true }));
  }
  yield { type: "hashing", done: model.weights.length, total: model.weights.length };
  return checks;
}

/** A weight file here: below the model's folder, or the model itself when it is one file. */
function placeOf(path: string, folder: string): string {
  if (folder.endsWith(".safetensors")) return folder;
  return join(folder, isAbsolute(path) ? basename(path) : path);
}

function check(what: string, expected: string, { found, decisive }: { found: string; decisive: boolean }): InputCheck {
  return { what, expected, found, same: expected === found, decisive };
}
