import { readdir, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname, join, relative, resolve, sep } from "node:path";
import { noGrad, scope, stack, type Tensor, tensor } from "@stillframe/torch";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { contentHash, decodePicture, mapConcurrently, readPictureFile } from "../data/index.js";
import type { FeatureExtractor } from "./extractor.js";
import { nonFiniteRows } from "./features.js";
import { FeatureStatistics } from "./statistics.js";

/** A picture whose features were taken. */
export interface MeasuredPicture {
  readonly path: string;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
}

/** Features of some pictures, and how far the work has come with them. */
export interface FeatureBatch {
  /** `[b, d]` float32, in the order of `pictures`; belongs to the receiver. */
  readonly features: Tensor;
  readonly pictures: readonly MeasuredPicture[];
  readonly done: number;
  readonly total: number;
  /** Since the first picture was opened. */
  readonly picturesPerSecond: number;
}

export interface InputOptions {
  /** Pictures that go through the network at once; default 32. It changes features by rounding alone. */
  readonly batchSize?: number;
  /** Pictures being decoded ahead; default a batch, so that decoding and the network overlap. */
  readonly concurrency?: number;
  /** Whether pictures may differ in size; default `any`. Pictures of one generator should not: `equal`. */
  readonly sizes?: "any" | "equal";
  /** Whether a picture may be there twice; default `refuse`: each counts as one more, and narrows the distribution. */
  readonly duplicates?: "refuse" | "allow";
  readonly signal?: AbortSignal;
}

const EXTENSIONS = new Set(
  ".png .jpg .jpeg .jpe .jfif .webp .gif .tif .tiff .avif .heic .heif .bmp .jxl .ppm".split(" "),
);

/**
 * The pictures in a folder and the folders below it, by absolute path, in the order of their paths; hidden ones are left
 * out.
 *
 * @throws InvalidArgumentError if there is no folder, or fewer pictures than `minimum`
 */
export async function listPictures(folder: string, { minimum = 2 }: { minimum?: number } = {}): Promise<string[]> {
  const root = resolve(folder);
  if (!(await stat(root).catch(() => undefined))?.isDirectory()) throw invalid("pictures", "a folder", folder);
  const found: string[] = [];
  const visit = async (inside: string): Promise<void> => {
    for (const entry of await readdir(inside, { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const path = join(inside, entry.name);
      if (entry.isDirectory()) await visit(path);
      else if (EXTENSIONS.has(extname(entry.name).toLowerCase())) found.push(path);
    }
  };
  await visit(root);
  if (found.length < minimum) throw invalid("pictures", `at least ${minimum} pictures in ${folder}`, found.length);
  const key = (path: string) => relative(root, path).split(sep).join("/");
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/**
 * Takes the features of pictures, batch by batch and in order, decoding ahead while the network works.
 *
 * @throws UnusablePictureError for a picture that cannot be decoded
 * @throws InvalidArgumentError for a picture that is there twice, sizes that differ where they may not, and features that
 * are not finite; the message names the picture
 */
export async function* featureBatches(
  paths: readonly string[],
  extractor: FeatureExtractor,
  options: InputOptions = {},
): AsyncGenerator<FeatureBatch, void> {
  const { batchSize = 32, sizes = "any", duplicates = "refuse", signal } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw invalid("batchSize", "a positive integer", batchSize);
  if (paths.length === 0) throw invalid("paths", "at least one picture", "none");
  const concurrency = options.concurrency ?? Math.max(batchSize, availableParallelism());
  const started = performance.now();
  const checks = [...(sizes === "equal" ? [sameSize()] : []), ...(duplicates === "refuse" ? [noTwins()] : [])];
  const opened = mapConcurrently(paths, (path) => open(path, extractor), {
    concurrency,
    ...(signal ? { signal } : {}),
  });
  let waiting: OpenedPicture[] = [];
  let done = 0;
  for await (const picture of opened) {
    for (const check of checks) check(picture.picture);
    waiting.push(picture);
    if (waiting.length < batchSize && done + waiting.length < paths.length) continue;
    const features = featuresOf(waiting, extractor);
    done += waiting.length;
    const pictures = waiting.map((w) => w.picture);
    waiting = [];
    yield {
      features,
      pictures,
      done,
      total: paths.length,
      picturesPerSecond: (done * 1000) / (performance.now() - started),
    };
  }
}

interface OpenedPicture {
  readonly picture: MeasuredPicture;
  /** `[3, h, w]` */
  readonly input: Tensor;
}

async function open(path: string, extractor: FeatureExtractor): Promise<OpenedPicture> {
  const bytes = await readPictureFile(path);
  const decoded = await decodePicture(bytes, { name: path });
  const picture = { path, sha256: contentHash(bytes), width: decoded.width, height: decoded.height };
  return { picture, input: extractor.prepare(decoded) };
}

function featuresOf(opened: readonly OpenedPicture[], extractor: FeatureExtractor): Tensor {
  const features = scope(() =>
    noGrad(() => extractor.features(stack(opened.map((o) => o.input))).to({ dtype: "float32", device: "cpu" })),
  );
  for (const { input } of opened) input.dispose();
  const bad = nonFiniteRows(features)[0];
  if (bad !== undefined)
    throw new InvalidArgumentError(
      `expected finite features of ${opened[bad]!.picture.path} but received NaN or infinite values from ${extractor.name}`,
    );
  return features;
}

type PictureCheck = (picture: MeasuredPicture) => void;

function sameSize(): PictureCheck {
  let first: MeasuredPicture | undefined;
  return (picture) => {
    first ??= picture;
    if (picture.width !== first.width || picture.height !== first.height)
      throw new InvalidArgumentError(
        `expected pictures of one size but received ${first.width} × ${first.height} (${first.path}) and ${picture.width} × ${picture.height} (${picture.path})`,
      );
  };
}

function noTwins(): PictureCheck {
  const seen = new Map<string, string>();
  return ({ sha256, path }) => {
    const twin = seen.get(sha256);
    if (twin !== undefined)
      throw new InvalidArgumentError(`expected different pictures but received one twice: ${twin} and ${path}`);
    seen.set(sha256, path);
  };
}

/** Features of a set of pictures. */
export interface FeatureSet {
  /** `[n, d]` float32 */
  readonly features: Tensor;
  readonly pictures: readonly MeasuredPicture[];
}

type Progress = (progress: Pick<FeatureBatch, "done" | "total" | "picturesPerSecond">) => void;

/** All features of some pictures in one tensor: 15 MB for 1,800 pictures and 2048 features. */
export async function collectFeatures(
  paths: readonly string[],
  extractor: FeatureExtractor,
  { onProgress, ...options }: InputOptions & { readonly onProgress?: Progress } = {},
): Promise<FeatureSet> {
  const pictures: MeasuredPicture[] = [];
  const data = new Float32Array(paths.length * extractor.dimension);
  for await (const batch of featureBatches(paths, extractor, options)) {
    data.set(batch.features.floats(), pictures.length * extractor.dimension);
    pictures.push(...batch.pictures);
    batch.features.dispose();
    onProgress?.(batch);
  }
  return { features: tensor(data, { shape: [paths.length, extractor.dimension] }), pictures };
}

/** Mean and covariance of the features of any number of pictures, in memory that does not grow with them. */
export async function collectStatistics(
  paths: readonly string[],
  extractor: FeatureExtractor,
  { onProgress, ...options }: InputOptions & { readonly onProgress?: Progress } = {},
): Promise<FeatureStatistics> {
  const statistics = new FeatureStatistics(extractor.dimension);
  for await (const batch of featureBatches(paths, extractor, options)) {
    statistics.add(batch.features);
    batch.features.dispose();
    onProgress?.(batch);
  }
  return statistics;
}

/**
 * Pictures that are in both sets, by content: pairs of paths. Generated pictures measured against themselves would look
 * perfect.
 */
export function sharedPictures(
  first: readonly MeasuredPicture[],
  second: readonly MeasuredPicture[],
): [string, string][] {
  const known = new Map(first.map((p) => [p.sha256, p.path]));
  return second.flatMap((p): [string, string][] => {
    const twin = known.get(p.sha256);
    return twin === undefined ? [] : [[twin, p.path]];
  });
}
