import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import type { SplitChoice } from "../dataset-parquet/data-files.js";
import { datasetFiles } from "./dataset-files.js";
import { type ModelFileOptions, modelFiles } from "./model-files.js";
import { isRepoName } from "./repo-file.js";
import { fetchSnapshot, type HubOptions } from "./snapshot.js";

/** A model or data set on this machine, and where it came from. */
export type Resolved =
  | { readonly source: "folder" | "file"; readonly path: string }
  | { readonly source: "hub"; readonly path: string; readonly repo: string; readonly commit: string };

export interface ResolveModelOptions extends HubOptions, ModelFileOptions {
  readonly revision?: string | undefined;
}

export interface ResolveDatasetOptions extends HubOptions, SplitChoice {
  readonly revision?: string | undefined;
}

/**
 * The local path of a base model: a folder (diffusers), a `.safetensors` file, or `organisation/name` on the Hub, whose
 * needed files are fetched. A local folder of the same name wins.
 */
export async function resolveModel(nameOrPath: string, options: ResolveModelOptions = {}): Promise<Resolved> {
  const local = await localPath(nameOrPath);
  if (local) return local;
  if (/\.(ckpt|pt|pth|bin)$/i.test(nameOrPath)) throw notFound(nameOrPath, "a diffusers folder or a .safetensors file");
  if (!isRepoName(nameOrPath) || nameOrPath.endsWith(".safetensors")) {
    throw notFound(nameOrPath, "a diffusers folder, a .safetensors file or organisation/name on the Hub");
  }
  const allow = modelFiles({ variant: options.variant, components: options.components });
  return fromHub(nameOrPath, "model", { ...options, allow });
}

/** The local folder of a data set: that folder, or `organisation/name` on the Hub, whose split is fetched. */
export async function resolveDataset(nameOrPath: string, options: ResolveDatasetOptions = {}): Promise<Resolved> {
  const local = await localPath(nameOrPath);
  if (local?.source === "folder") return local;
  if (local || !isRepoName(nameOrPath)) throw notFound(nameOrPath, "a folder or organisation/name on the Hub");
  const allow = datasetFiles({ config: options.config, split: options.split });
  return fromHub(nameOrPath, "dataset", { ...options, allow });
}

async function fromHub(
  repo: string,
  type: "model" | "dataset",
  options: Omit<Parameters<typeof fetchSnapshot>[0], "repo" | "type">,
): Promise<Resolved> {
  const snapshot = await fetchSnapshot({ ...options, repo, type, localFolderTried: true });
  return { source: "hub", path: snapshot.folder, repo, commit: snapshot.commit };
}

async function localPath(nameOrPath: string): Promise<Resolved | undefined> {
  const path = nameOrPath.startsWith("~/") ? join(homedir(), nameOrPath.slice(2)) : nameOrPath;
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return { source: "folder", path };
  if (found?.isFile() && path.endsWith(".safetensors")) return { source: "file", path };
  return undefined;
}

function notFound(nameOrPath: string, expected: string): InvalidArgumentError {
  const pickled = /\.(ckpt|pt|pth|bin)$/i.test(nameOrPath) ? "; pickles are not loaded: convert it to safetensors" : "";
  return new InvalidArgumentError(
    `expected ${expected} but received ${JSON.stringify(nameOrPath)}, and there is no such folder or file here${pickled}`,
  );
}
