import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Manifest } from "@stillframe/schema";
import { FileFormatError, InvalidArgumentError } from "@stillframe/torch/errors";
import { manifestInCard } from "../card/provenance-block.js";
import { manifestOf, readManifest } from "../card/run-record.js";
import type { HubOptions } from "../hub/index.js";
import { isRepoName } from "../hub/repo-file.js";
import { pull } from "../publish/index.js";

/** What is to be made again. */
export interface ReproductionSource {
  readonly manifest: Manifest;
  /** What people call it: the folder's name, or the repository's. */
  readonly name: string;
  /** The folder that may hold the first run's adapter. */
  readonly folder: string;
  /** Where the manifest was found, for messages. */
  readonly path: string;
}

/**
 * Finds the manifest of a run's folder, a manifest file, a model card or a repository of the Hub (whose adapter is
 * fetched).
 *
 * @throws InvalidArgumentError when it is none of these, FileFormatError when the manifest is damaged
 */
export async function readSource(source: string, hub: HubOptions = {}): Promise<ReproductionSource> {
  if (existsSync(source)) return statSync(source).isDirectory() ? inFolder(source) : inFile(source);
  if (!isRepoName(source))
    throw new InvalidArgumentError(
      `expected a run's folder, its manifest.json, a model card or organisation/name on the Hub for source but received ${JSON.stringify(source)}, and there is no such file here`,
    );
  const { folder } = await pull({ ...hub, repo: source });
  return { ...inFolder(folder), name: source.split("/")[1] as string };
}

function inFolder(folder: string): ReproductionSource {
  const path = join(folder, "manifest.json");
  const card = join(folder, "README.md");
  if (!existsSync(path) && existsSync(card)) return inFile(card);
  return { manifest: readManifest(folder), name: nameOf(folder), folder, path };
}

function inFile(path: string): ReproductionSource {
  const folder = dirname(path);
  const found = { name: nameOf(folder), folder };
  const text = readFileSync(path, "utf8");
  if (!/\.(md|markdown)$/i.test(path)) return { ...found, manifest: manifestOf(text, path), path };
  const inCard = manifestInCard(text, path);
  const beside = join(folder, "manifest.json");
  if (existsSync(beside)) {
    const manifest = readManifest(folder);
    // The file has the paths of this machine, which the card leaves out; another run's file has nothing to say here.
    if (inCard === undefined || sameRun(manifest, inCard)) return { ...found, manifest, path: beside };
  }
  if (inCard === undefined)
    throw new FileFormatError(
      path,
      "expected the manifest in the card's part Provenance, or manifest.json beside the card",
    );
  return { ...found, manifest: inCard, path };
}

function sameRun(a: Manifest, b: Manifest): boolean {
  return JSON.stringify(a.results) === JSON.stringify(b.results) && a.data.content_sha256 === b.data.content_sha256;
}

function nameOf(folder: string): string {
  const name = basename(folder);
  return name === "." || name === "" ? "run" : name;
}
