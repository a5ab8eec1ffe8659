import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { FileFormatError } from "@stillframe/torch/errors";
import { type Region, readImageFolder, regionsOf, type SkippedPicture } from "../data/index.js";
import {
  isParquetDataset,
  ParquetDataset,
  type ParquetPicture,
  parseDatasetCard,
  splitFiles,
} from "../dataset-parquet/index.js";
import { type Resolved, resolveDataset } from "../hub/index.js";
import { emitted } from "./emitted.js";
import { hubEvents } from "./hub-events.js";

/** The options that say which pictures are meant. */
export type DataSourceOptions = Pick<
  TrainOptions,
  "train_data_dir" | "dataset_name" | "dataset_config_name" | "image_column" | "caption_column"
> & { hub_token?: string | null; regions_column?: string | null };

/** Where a picture's bytes come from: a file, or a function that reads them each time. */
export type PictureBytes = string | (() => Promise<Uint8Array>);

/** A captioned picture as its data set names it, not looked at yet. */
export interface SourcePicture {
  name: string;
  captions: readonly string[];
  /** places that count otherwise in the loss */
  regions: readonly Region[];
  source: PictureBytes;
  /** the bytes, where a stream has just read them */
  bytes?: Uint8Array;
}

/** The pictures of a run, before any is opened. */
export interface DataSource {
  /** the folder that they are in */
  folder: string;
  /** the Hub's commit; null for a folder of the user's */
  commit: string | null;
  /** how many `pictures` yields */
  count: number;
  /** what is left out already */
  skipped: readonly SkippedPicture[];
  /** all pictures in order; a record that cannot be used comes with its reason */
  pictures(): AsyncIterable<SourcePicture | SkippedPicture>;
}

/**
 * Opens the data that the options name: a folder of pictures with captions, a folder of parquet shards, or a data set of
 * the Hub in either form, which is downloaded where the cache lacks it. No picture is read.
 *
 * @throws InvalidArgumentError, FileFormatError when there is no such data, or its columns are others
 * @throws HubError when the Hub refuses, with what to do
 */
export async function* openDataSource(
  options: DataSourceOptions,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainEvent, DataSource> {
  if (options.train_data_dir !== null) {
    const folder = options.train_data_dir;
    return (await isParquetDataset(folder))
      ? openParquet({ source: "folder", path: folder }, options)
      : openFolder(folder, options);
  }
  const name = options.dataset_name as string;
  const found = yield* emitted<TrainEvent, Resolved>((emit) =>
    resolveDataset(name, {
      config: options.dataset_config_name ?? undefined,
      token: options.hub_token ?? undefined,
      onProgress: hubEvents(name, emit),
      signal,
    }),
  );
  return (await isParquetDataset(found.path)) ? openParquet(found, options) : openPictures(found, options);
}

const commitOf = (found: Resolved): string | null => (found.source === "hub" ? found.commit : null);

async function openFolder(
  folder: string,
  options: DataSourceOptions,
  linkTargets: readonly string[] = [],
): Promise<DataSource> {
  const { items, skipped } = await readImageFolder(folder, {
    imageColumn: options.image_column,
    captionColumn: options.caption_column,
    regionsColumn: options.regions_column ?? null,
    linkTargets,
  });
  const pictures = items.map(
    ({ fileName: name, captions, regions, path: source }): SourcePicture => ({ name, captions, regions, source }),
  );
  return { folder, commit: null, count: pictures.length, skipped, pictures: () => listed(pictures) };
}

async function* listed(pictures: readonly SourcePicture[]): AsyncGenerator<SourcePicture> {
  yield* pictures;
}

/** A data set of plain pictures: those of its training split, by its card or by its folders' names. */
async function openPictures(found: Resolved, options: DataSourceOptions): Promise<DataSource> {
  // the files of a snapshot are links to the cache's contents
  const linkTargets = found.source === "hub" ? [join(found.path, "..", "..", "blobs")] : [];
  const all = await openFolder(found.path, options, linkTargets);
  const path = join(found.path, "README.md");
  const readme = await readFile(path, "utf8").catch(() => "");
  const pictures: SourcePicture[] = [];
  for await (const p of all.pictures()) if (!("reason" in p)) pictures.push(p);
  const names = [...new Set([...pictures.map((p) => p.name), ...all.skipped.map((s) => s.fileName)])].filter(
    (n) => n !== "",
  );
  if (names.length === 0) return all;
  const split = splitFiles(names, parseDatasetCard(readme, path), { config: options.dataset_config_name ?? undefined });
  const chosen = new Set(split.paths);
  const kept = pictures.filter((p) => chosen.has(p.name));
  const skipped = all.skipped.filter((s) => s.fileName === "" || chosen.has(s.fileName));
  return { ...all, commit: commitOf(found), count: kept.length, skipped, pictures: () => listed(kept) };
}

async function openParquet(found: Resolved, options: DataSourceOptions): Promise<DataSource> {
  const dataset = await ParquetDataset.open({
    folder: found.path,
    config: options.dataset_config_name ?? undefined,
    imageColumn: options.image_column,
    captionColumn: options.caption_column,
    regionsColumn: options.regions_column,
  });
  const source = { dataset, columns: options };
  return {
    folder: found.path,
    commit: commitOf(found),
    count: dataset.length,
    skipped: [],
    pictures: () => parquetPictures(source),
  };
}

/** Streams the rows; after one that has no picture in it, the rest is read row by row. */
async function* parquetPictures({
  dataset,
  columns,
}: {
  dataset: ParquetDataset;
  columns: Columns;
}): AsyncGenerator<SourcePicture | SkippedPicture> {
  const made = (p: ParquetPicture, index: number) =>
    sourcePicture(p, async () => (await dataset.get(index)).bytes, columns);
  let index = 0;
  try {
    for await (const p of dataset.pictures()) yield made(p, index++);
  } catch (e) {
    if (!(e instanceof FileFormatError)) throw e;
  }
  for (; index < dataset.length; index++) {
    try {
      yield made(await dataset.get(index), index);
    } catch (e) {
      if (!(e instanceof FileFormatError)) throw e;
      yield { fileName: rowName(dataset, index), reason: e.message.slice(e.path.length + 2) };
    }
  }
}

/** `data/train-00000-of-00002.parquet:17`: the shard, and the row counted from its first. */
function rowName(dataset: ParquetDataset, index: number): string {
  const { shard, group, row } = dataset.addressOf(index);
  return `${dataset.files[shard]}:${(dataset.shards[shard]?.groups[group]?.firstRow ?? 0) + row}`;
}

type Columns = Pick<DataSourceOptions, "caption_column" | "regions_column">;

function sourcePicture(
  p: ParquetPicture,
  source: () => Promise<Uint8Array>,
  { caption_column: captionColumn, regions_column: regionsColumn }: Columns,
): SourcePicture | SkippedPicture {
  const name = p.name ?? p.key;
  if (p.captions.length === 0) return { fileName: name, reason: `it has no caption in column ${captionColumn}` };
  const regions = regionsOf(p.regions, regionsColumn ?? "");
  if ("reason" in regions) return { fileName: name, ...regions };
  return { name, captions: p.captions, regions, source, bytes: p.bytes };
}
