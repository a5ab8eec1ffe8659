import { z } from "zod";
import { ResultFileSchema, SkippedSchema } from "./events.js";
import { sha256 } from "./sha256.js";

const count = z.int().min(0);
const text = z.string().min(1);

const engine = z.strictObject({
  /** libtorch's version. */
  version: text,
  /** How it was found: by LIBTORCH, as a package of the system, in an installed Python torch. */
  source: text,
  device: text,
  dtype: text,
  threads: z.int().min(1),
});

const weightFile = z.strictObject({ path: text, bytes: count, sha256 });

/** A model as it was read: where from, and the hash of each weight file that was. */
const model = z.strictObject({
  name_or_path: text,
  /** The commit, when it came from the Hub. */
  commit: text.nullable(),
  weights: z.array(weightFile).min(1),
});

const captionStatistics = z.strictObject({
  captions: count,
  empty: count,
  /** Captions that were cut at the longest allowed. */
  cut: count,
  tokens: z.strictObject({ least: count, median: z.number().min(0), most: count }),
  /** Beginnings that several captions share, the commonest first: what a prompt needs to begin with. */
  openings: z.array(z.strictObject({ text, captions: count })).optional(),
});

const pixels = z.strictObject({ least: count, median: z.number().min(0), most: count });

/** The machine, as far as it tells of itself. */
const hardware = z.strictObject({
  processor: text,
  cores: z.int().min(1),
  memory_bytes: count,
  /** The GPU's name; `null` when the processor computed. */
  accelerator: text.nullable(),
});

const data = z.strictObject({
  name_or_path: text,
  /** The commit, when it came from the Hub. */
  commit: text.nullable().optional(),
  pictures: count,
  held_out: count,
  skipped: z.array(SkippedSchema),
  /** One hash over the pictures' bytes and their captions, in the order of the data. */
  content_sha256: sha256,
  captions: captionStatistics,
  /** Sizes of the pictures as they were found, upright. */
  picture_sizes: z.strictObject({ width: pixels, height: pixels }).optional(),
});

const adapter = z.strictObject({
  method: z.enum(["lora", "full"]),
  /** `null` for full training. */
  rank: z.int().min(1).nullable(),
  alpha: z.number().nullable(),
  /** How many numbers are trained. */
  parameters: count,
  /** Names of the trained tensors, as in the result file. */
  keys: z.array(text),
});

const timing = z.strictObject({
  started: z.iso.datetime(),
  finished: z.iso.datetime().nullable(),
  seconds: z.number().min(0),
});

/** The newest version of the manifest's layout. */
export const MANIFEST_VERSION = 1;

/**
 * What a training run used and made. Only `timing` and `hardware` differ between two runs with the same options, data
 * and seed on the same engine. Paths of results are relative to the run's folder; secrets are never in it.
 */
export const ManifestSchema = z.strictObject({
  format: z.literal("stillframe-manifest"),
  version: z.literal(MANIFEST_VERSION),
  stillframe: text,
  node: text,
  platform: text,
  engine,
  hardware: hardware.optional(),
  model,
  vae: model.nullable(),
  data,
  adapter,
  seed: z.int().min(0),
  /** Every option in full, `hub_token` left out. */
  options: z.record(text, z.json()),
  steps: count,
  epochs: count,
  results: z.array(ResultFileSchema),
  timing,
});
export type Manifest = z.output<typeof ManifestSchema>;

/**
 * Checks a manifest that was read from a file.
 *
 * @param source what the message calls the file.
 * @throws TypeError that names the file and each field that is not as it should be.
 */
export function parseManifest(value: unknown, source = "manifest"): Manifest {
  const { format, version } = Object(value) as { format?: unknown; version?: unknown };
  if (format !== "stillframe-manifest")
    throw new TypeError(`${source}: expected "stillframe-manifest" for format but received ${JSON.stringify(format)}`);
  if (version !== MANIFEST_VERSION)
    throw new TypeError(`${source}: expected version ${MANIFEST_VERSION} but received ${JSON.stringify(version)}`);
  const result = ManifestSchema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${source}: ${issue.path.join(".")}: ${issue.message}`);
  throw new TypeError(lines.join("\n"));
}
