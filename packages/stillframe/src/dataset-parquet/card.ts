import { FileFormatError } from "@stillframe/torch/errors";
import { parse } from "yaml";

/** One named selection of a data set's files (`configs:` in the card). */
export interface DatasetConfig {
  readonly name: string;
  readonly isDefault: boolean;
  /** Folder that the patterns start from; empty for the data set's own. */
  readonly dataDir: string;
  /** Patterns by split, in the card's order; `undefined` when the card leaves it to the file names. */
  readonly dataFiles: ReadonlyMap<string, readonly string[]> | undefined;
}

/** A declared column: `{ name: "image", dtype: "image" }`; lists and structs are given as `list` and `struct`. */
export interface DatasetFeature {
  readonly name: string;
  readonly dtype: string;
}

export interface DatasetCard {
  readonly configs: readonly DatasetConfig[];
  /** Declared columns by configuration; `default` for a card that declares them once. */
  readonly features: ReadonlyMap<string, readonly DatasetFeature[]>;
}

/**
 * What the README of a Hugging Face data set says about its files and columns: the YAML between the `---` lines
 * (`configs`, `dataset_info`; huggingface.co/docs/hub/datasets-manual-configuration). A README without it says nothing.
 */
export function parseDatasetCard(readme: string, path: string): DatasetCard {
  const match = /^---[ \t]*\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(readme.replace(/^\uFEFF/, ""));
  if (!match) return { configs: [], features: new Map() };
  let yaml: unknown;
  try {
    yaml = parse(match[1]!);
  } catch (error) {
    throw new FileFormatError(path, `expected YAML between the --- lines: ${(error as Error).message.split("\n")[0]}`);
  }
  if (!isRecord(yaml)) return { configs: [], features: new Map() };
  const bad = (what: string, value: unknown) =>
    new FileFormatError(path, `expected ${what} but received ${JSON.stringify(value)}`);
  const configs = listOf(yaml.configs).map((value) => parseConfig(value, bad));
  return { configs, features: parseFeatures(yaml.dataset_info) };
}

type Complaint = (what: string, value: unknown) => FileFormatError;

function parseConfig(value: unknown, bad: Complaint): DatasetConfig {
  if (!isRecord(value) || typeof value.config_name !== "string") {
    throw bad("a config_name in every entry of configs", value);
  }
  return {
    name: value.config_name,
    isDefault: value.default === true || value.config_name === "default",
    dataDir: typeof value.data_dir === "string" ? value.data_dir.replace(/^\.?\/+|\/+$/g, "") : "",
    dataFiles: value.data_files === undefined ? undefined : parseDataFiles(value.data_files, bad),
  };
}

/** `data/*.parquet` · `[a, b]` · `[{ split: train, path: … }]` · `{ train: …, test: … }`. */
function parseDataFiles(value: unknown, bad: Complaint): ReadonlyMap<string, readonly string[]> {
  const files = new Map<string, readonly string[]>();
  const add = (split: unknown, patterns: unknown) => {
    const list = listOf(patterns);
    if (typeof split !== "string" || list.length === 0 || !list.every((one) => typeof one === "string")) {
      throw bad("a split with one or more patterns in data_files", { split, path: patterns });
    }
    files.set(split, [...(files.get(split) ?? []), ...(list as string[])]);
  };
  const entries = listOf(value);
  if (entries.every((entry) => typeof entry === "string")) add("train", entries);
  else if (Array.isArray(value)) {
    for (const entry of entries) {
      if (!isRecord(entry)) throw bad("split and path in every entry of data_files", entry);
      add(entry.split ?? "train", entry.path);
    }
  } else if (isRecord(value)) for (const [split, patterns] of Object.entries(value)) add(split, patterns);
  else throw bad("patterns for data_files", value);
  return files;
}

function parseFeatures(info: unknown): ReadonlyMap<string, readonly DatasetFeature[]> {
  const features = new Map<string, readonly DatasetFeature[]>();
  for (const one of listOf(info)) {
    if (!isRecord(one) || !Array.isArray(one.features)) continue;
    const name = typeof one.config_name === "string" ? one.config_name : "default";
    const columns = one.features.filter(isRecord).filter((feature) => typeof feature.name === "string");
    features.set(
      name,
      columns.map((feature) => ({ name: feature.name as string, dtype: dtypeOf(feature) })),
    );
  }
  return features;
}

function dtypeOf(feature: Record<string, unknown>): string {
  if (typeof feature.dtype === "string") return feature.dtype;
  for (const nested of ["list", "sequence", "struct"]) if (nested in feature) return nested;
  return "unknown";
}

function listOf(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
