import { z } from "zod";
import { SkippedSchema } from "./events.js";
import { sha256 } from "./sha256.js";

const count = z.int().min(0);
const text = z.string().min(1);
const share = z.number().min(0).max(1);

const range = z.strictObject({ least: z.number(), median: z.number(), most: z.number() });

/** Equal intervals and how many values lie in each; the last includes its end. */
const histogram = z.array(z.strictObject({ from: z.number(), to: z.number(), count }));

/** The pictures' own sizes, in pixels. */
const sizes = z.strictObject({
  width: range,
  height: range,
  /** Width over height. */
  aspect_ratio: range,
  /** Million pixels. */
  megapixels: range,
  /** The most frequent sizes. */
  frequent: z.array(z.strictObject({ width: count, height: count, count })),
});

/** One rectangle that pictures are cut to. */
const bucket = z.strictObject({
  width: count,
  height: count,
  pictures: count,
  /** Mean share of a picture's area that is cut away. */
  cut_away: share,
});

const enlarged = z.strictObject({
  pictures: count,
  /** By how much, for the most enlarged; 1 when none is. */
  most: z.number().min(1),
  files: z.array(z.strictObject({ file: text, factor: z.number().min(1) })),
});

const captions = z.strictObject({
  captions: count,
  /** Distinct texts. */
  different: count,
  empty: count,
  /** What lengths are counted in. */
  unit: z.enum(["tokens", "words"]),
  length: range,
  histogram,
  /** The most tokens that `max_token_length` leaves for a caption; `null` without a tokenizer. */
  limit: count.nullable(),
  /** Captions that are longer, and the longest of them. */
  cut: count,
  longest: z.array(z.strictObject({ file: text, length: count })),
  /** Texts that several captions are. */
  repeated: z.array(z.strictObject({ caption: z.string(), count })),
  /** Beginnings that many captions share. */
  openings: z.array(z.strictObject({ text, count, share })),
});

/** Pictures that are one another, or nearly. */
const duplicates = z.strictObject({
  /** The same bytes. */
  exact: z.boolean(),
  files: z.array(text).min(2),
});

const blurred = z.strictObject({
  file: text,
  /** Its sharpness as a share of the set's median. */
  sharpness: z.number().min(0),
});

const encoded = z.strictObject({
  model: text,
  cache: text,
  /** Cuts of pictures that the cache holds for these options, and how many were made now. */
  pictures: count,
  pictures_made: count,
  captions: count,
  captions_made: count,
});

/** The newest version of the report's layout. */
export const PREPARE_REPORT_VERSION = 1;

/** What `stillframe prepare` found: the content of `prepare.json`. */
export const PrepareReportSchema = z.strictObject({
  format: z.literal("stillframe-prepare"),
  version: z.literal(PREPARE_REPORT_VERSION),
  data: z.strictObject({ name_or_path: text, commit: text.nullable(), content_sha256: sha256 }),
  pictures: count,
  skipped: z.array(SkippedSchema),
  /** Every picture that was left out, with its reason. */
  skipped_files: z.array(z.strictObject({ file: z.string(), reason: text })),
  resolution: count,
  sizes,
  buckets: z.array(bucket),
  enlarged,
  captions,
  duplicates: z.array(duplicates),
  blurred: z.array(blurred),
  /** `null` when no model was given. */
  encoded: encoded.nullable(),
});
export type PrepareReport = z.output<typeof PrepareReportSchema>;
