import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import type { DatasetCard, DatasetConfig } from "./card.js";
import { matchPaths } from "./glob.js";

export interface SplitChoice {
  /** Name of a configuration of the card; default the card's default, or the only one. */
  readonly config?: string | undefined;
  /** Default `train`. */
  readonly split?: string | undefined;
}

/** The files of one split of one configuration. */
export interface SplitFiles {
  readonly config: string;
  readonly split: string;
  /** Paths inside the data set, in the order of the shards. */
  readonly paths: readonly string[];
  /** All splits of this configuration. */
  readonly splits: readonly string[];
}

/**
 * Chooses the files of a split as Hugging Face's `datasets` does: by the card's `configs`, else by folder and file names
 * (`train`, `validation`, `test` and their other spellings); where no name tells, everything is `train`.
 *
 * @param paths candidates: the data set's files of the kind that is read (parquet, pictures), with `/`
 * @throws InvalidArgumentError listing the configurations or splits that exist
 */
export function splitFiles(paths: readonly string[], card: DatasetCard, choice: SplitChoice = {}): SplitFiles {
  if (paths.length === 0) throw invalid("paths", "the files of a data set", paths);
  const config = chooseConfig(card, choice.config);
  const bySplit = config?.dataFiles ? declaredSplits(paths, config) : namedSplits(inside(paths, config?.dataDir ?? ""));
  const splits = [...bySplit.keys()];
  const split = choice.split ?? "train";
  const chosen = bySplit.get(split);
  if (!chosen) {
    const where = config ? ` of configuration ${config.name}` : "";
    throw invalid("split", `one of the splits that exist${where} (${splits.join(", ") || "none"})`, split);
  }
  if (chosen.length === 0) {
    const patterns = config?.dataFiles?.get(split)?.join(", ");
    throw new InvalidArgumentError(
      `expected files that match ${patterns} for split ${split} but received ${sample(paths)}`,
    );
  }
  return { config: config?.name ?? "default", split, paths: chosen, splits };
}

function chooseConfig(card: DatasetCard, wanted: string | undefined): DatasetConfig | undefined {
  const { configs } = card;
  const names = configs.map((config) => config.name).join(", ");
  if (wanted !== undefined) {
    const found = configs.find((config) => config.name === wanted);
    if (found || (configs.length === 0 && wanted === "default")) return found;
    throw invalid("dataset_config_name", `one of the configurations that exist (${names || "default"})`, wanted);
  }
  if (configs.length <= 1) return configs[0];
  const preferred = configs.find((config) => config.isDefault);
  if (preferred) return preferred;
  throw new InvalidArgumentError(`expected one of ${names} for dataset_config_name, as the data set has no default`);
}

function declaredSplits(paths: readonly string[], config: DatasetConfig): Map<string, string[]> {
  const prefix = config.dataDir === "" ? "" : `${config.dataDir}/`;
  const bySplit = new Map<string, string[]>();
  for (const [split, patterns] of config.dataFiles ?? []) {
    const rooted = patterns.map((pattern) => prefix + pattern.replace(/^(\.?\/)+/, ""));
    // A pattern that names a folder means the files in it.
    const files = matchPaths(
      paths,
      rooted.flatMap((pattern) => [pattern, `${pattern.replace(/\/+$/, "")}/**`]),
    );
    bySplit.set(split, files.sort(inShardOrder));
  }
  return bySplit;
}

const KEYWORDS: readonly (readonly [split: string, words: string])[] = [
  ["train", "train|training"],
  ["validation", "validation|valid|val|dev"],
  ["test", "test|testing|eval|evaluation"],
];

/**
 * Splits by names: `data/<split>-00000-of-00003…` first, then keywords in file names, then in folder names. Keywords
 * count only when every file has one: `train_station.jpg` among other pictures does not make them vanish.
 */
function namedSplits(paths: readonly string[]): Map<string, string[]> {
  const sorted = [...paths].sort(inShardOrder);
  const sharded = group(sorted, (path) => /^data\/([^/]+)-\d{5}-of-\d{5}[^/]*$/.exec(path)?.[1]);
  if (sharded.size > 0) return sharded;
  const words = (text: string) =>
    KEYWORDS.find(([, keywords]) => new RegExp(`(^|[^a-z])(${keywords})([^a-z]|$)`, "i").test(text))?.[0];
  const byFile = group(sorted, (path) => words(path.slice(path.lastIndexOf("/") + 1)));
  if (sizeOf(byFile) === paths.length) return byFile;
  const byFolder = group(sorted, (path) => words(path.slice(0, path.lastIndexOf("/") + 1)));
  if (sizeOf(byFolder) === paths.length) return byFolder;
  return new Map([["train", sorted]]);
}

function sizeOf(bySplit: ReadonlyMap<string, readonly string[]>): number {
  return [...bySplit.values()].reduce((sum, paths) => sum + paths.length, 0);
}

function group(paths: readonly string[], splitOf: (path: string) => string | undefined): Map<string, string[]> {
  const bySplit = new Map<string, string[]>();
  for (const path of paths) {
    const split = splitOf(path);
    if (split === undefined) continue;
    const known = bySplit.get(split);
    if (known) known.push(path);
    else bySplit.set(split, [path]);
  }
  return bySplit;
}

function inside(paths: readonly string[], folder: string): readonly string[] {
  return folder === "" ? paths : paths.filter((path) => path.startsWith(`${folder}/`));
}

function inShardOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sample(paths: readonly string[]): string {
  return paths.length === 0 ? "none" : `${paths.slice(0, 5).join(", ")}${paths.length > 5 ? ", …" : ""}`;
}
