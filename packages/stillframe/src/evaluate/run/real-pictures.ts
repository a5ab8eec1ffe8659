import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { EvaluateEvent, EvaluateOptions } from "@stillframe/schema";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { probePicture, readImageFolder } from "../../data/index.js";
import { isParquetDataset } from "../../dataset-parquet/index.js";
import { writeWhole } from "../../files/write-whole.js";
import { isRepoName } from "../../hub/index.js";
import { type DataSource, openDataSource } from "../../prepare/data-source.js";
import { listPictures } from "../inputs.js";
import { readStatistics } from "../npz.js";
import type { Gaussian } from "../statistics.js";

/** Pictures as files, with their captions where they have any. */
export interface PictureSet {
  /** As the user named them. */
  readonly folder: string;
  /** Absolute paths. */
  readonly paths: readonly string[];
  /** Of each picture its first caption; null without. */
  readonly captions: readonly (string | null)[];
}

/** Whether a place is a file of statistics in place of pictures. */
export const isStatistics = (place: string): boolean => /\.npz$/i.test(place);

/**
 * Mean and covariance of Inception's features from an `.npz`.
 *
 * @throws InvalidArgumentError, FileFormatError when it is not there, damaged or of other features
 */
export function openStatistics(path: string): Gaussian {
  if (!existsSync(path))
    throw invalid("real", "a folder of pictures, a data set of the Hub, or an .npz that exists,", path);
  const statistics = readStatistics(path);
  const [d] = statistics.mean.shape;
  if (d === DIMENSION) return statistics;
  statistics.mean.dispose();
  statistics.covariance.dispose();
  throw invalid("real", `statistics of the ${DIMENSION} features of Inception`, `${d} in ${path}`);
}

const DIMENSION = 2048;

type Options = Pick<EvaluateOptions, "dataset_config_name" | "image_column" | "caption_column" | "hub_token">;

/**
 * The pictures of a folder, of a folder of parquet shards or of a data set of the Hub. Those of parquet shards are written
 * as files into `unpacked` once.
 *
 * @param name the option, for messages
 * @throws InvalidArgumentError when there are fewer than `minimum`, or none at all
 */
export async function* openPictures(
  place: string,
  options: Options,
  {
    name,
    unpacked,
    minimum,
    signal,
  }: { name: string; unpacked: string; minimum: number; signal: AbortSignal | undefined },
): AsyncGenerator<EvaluateEvent, PictureSet> {
  const local = (await stat(place).catch(() => undefined))?.isDirectory() === true;
  if (!local && !isRepoName(place)) throw invalid(name, "a folder of pictures, or a data set of the Hub,", place);
  const set =
    local && !(await isParquetDataset(place))
      ? await plainFolder(place, options)
      : yield* dataset(place, options, { unpacked, local, signal });
  if (set.paths.length < minimum) throw invalid(name, `at least ${minimum} pictures in ${place}`, set.paths.length);
  return set;
}

/** Every picture of the folder; captions for those that have one. */
async function plainFolder(folder: string, options: Options): Promise<PictureSet> {
  const paths = await listPictures(folder, { minimum: 0 });
  const captions = await readImageFolder(folder, {
    imageColumn: options.image_column,
    captionColumn: options.caption_column,
  }).catch((e) => {
    // a folder without captions is one of pictures alone; broken metadata is an error
    if (e instanceof InvalidArgumentError) return { items: [] };
    throw e;
  });
  const known = new Map(captions.items.map((item) => [item.path, item.captions[0] as string]));
  return { folder, paths, captions: paths.map((path) => known.get(path) ?? null) };
}

async function* dataset(
  place: string,
  options: Options,
  { unpacked, local, signal }: { unpacked: string; local: boolean; signal: AbortSignal | undefined },
): AsyncGenerator<EvaluateEvent, PictureSet> {
  const opening = openDataSource(
    { ...options, train_data_dir: local ? place : null, dataset_name: local ? null : place },
    { signal },
  );
  let next = await opening.next();
  for (; !next.done; next = await opening.next())
    if (next.value.type === "preparing" || next.value.type === "warning") yield next.value;
  const source: DataSource = next.value;
  const paths: string[] = [];
  const captions: (string | null)[] = [];
  for await (const picture of source.pictures()) {
    signal?.throwIfAborted();
    if ("reason" in picture) {
      yield { type: "warning", message: `${picture.fileName} is left out: ${picture.reason}` };
      continue;
    }
    paths.push(
      typeof picture.source === "string"
        ? resolve(picture.source)
        : await unpack(picture.bytes ?? (await picture.source()), { folder: unpacked, index: paths.length }),
    );
    captions.push(picture.captions[0] ?? null);
    yield { type: "preparing", stage: "read", done: paths.length, total: source.count };
  }
  return { folder: place, paths, captions };
}

async function unpack(bytes: Uint8Array, { folder, index }: { folder: string; index: number }): Promise<string> {
  const probe = await probePicture(bytes);
  const ending = probe.usable ? probe.header.format : "bin";
  const path = join(folder, `${String(index).padStart(6, "0")}.${ending}`);
  if (!existsSync(path) || (await stat(path)).size !== bytes.length) writeWhole(path, bytes);
  return resolve(path);
}
