import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { FileFormatError } from "@stillframe/torch/errors";
import { z } from "zod";
import { METRICS } from "./metric.js";

const count = z.int().min(0);
const name = z.string().min(1);
const metric = z.enum(METRICS);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const interval = z.strictObject({
  low: z.number(),
  high: z.number(),
  level: z.number().gt(0).lt(1),
  standard_error: z.number().min(0),
  resamples: z.int().min(2),
});

const size = z.strictObject({ width: z.int().min(1), height: z.int().min(1) });

/** A set of pictures: where they lie, how many, and a hash over the hashes of all, in their order. */
const pictureSet = z.strictObject({
  name,
  folder: name,
  pictures: z.int().min(1),
  sha256: sha256.optional(),
  /** Absent where sizes differ. */
  size: size.optional(),
});

/** What an arm shows: the untouched base, the base with style words in its prompts, an adapter, and variations of it. */
export const ARM_KINDS = [
  "base",
  "base_with_style",
  "base_in_own_words",
  "lora",
  "checkpoint",
  "strength",
  "prefix",
  "generic",
  "model",
  "other",
] as const;

const arm = z.strictObject({
  ...pictureSet.shape,
  kind: z.enum(ARM_KINDS),
  /** Training step of a checkpoint. */
  step: count.optional(),
  strength: z.number().optional(),
});

/** What all arms share when they were generated: prompts and seeds are paired one by one. */
const generation = z.strictObject({
  prompts: count,
  seeds_per_prompt: count,
  seed: count,
  sampler: name,
  steps: z.int().min(1),
  guidance_scale: z.number(),
  size,
  precision: name,
  vae: name.optional(),
  base: name,
  lora: name.optional(),
});

/** A network that features were taken with, or that scores; the latter has no dimension. */
const network = z.strictObject({
  name,
  dimension: z.int().min(1).optional(),
  weights: name.optional(),
  sha256: sha256.optional(),
});

const value = z.strictObject({
  arm: name,
  metric,
  /** Of `networks`; absent for scores that are not distances of features. */
  network: name.optional(),
  value: z.number(),
  /** KID's spread over its subsets. */
  std: z.number().min(0).optional(),
  interval: interval.optional(),
});

const difference = z.strictObject({
  metric,
  network: name.optional(),
  from: name,
  to: name,
  /** `to` less `from`. */
  value: z.number(),
  interval: interval.optional(),
  /** The same as a share of `from`, of Fréchet distances: -0.6 is a fall by 60 %. */
  relative: z.strictObject({ value: z.number(), interval: interval.optional() }).optional(),
});

/** Real pictures against other real pictures. */
const floor = z.strictObject({
  metric,
  network: name.optional(),
  mean: z.number(),
  std: z.number().min(0),
  size: z.int().min(2),
  reference: z.int().min(2),
});

/** One line of a plot: a metric over training steps, strength, or 1/N. */
const curve = z.strictObject({
  title: name,
  x: name,
  metric,
  series: z.array(
    z.strictObject({
      name,
      points: z
        .array(
          z.strictObject({ x: z.number(), value: z.number(), low: z.number().optional(), high: z.number().optional() }),
        )
        .min(1),
    }),
  ),
});

const pairedPicture = z.strictObject({ arm: name, file: name });
/** Pictures of one prompt and one seed, which is absent where pictures were found and not generated. */
const galleryRow = z.strictObject({
  prompt: z.string(),
  seed: count.optional(),
  pictures: z.array(pairedPicture).min(1),
});
const copyPair = z.strictObject({ picture: name, training: name, similarity: z.number().min(-1.001).max(1.001) });

const share = z.strictObject({ right: z.number().min(0), of: count });
const shares = z.record(name, share);

/** What a network recognises in the pictures, as counts, and how often it is right itself. */
const recognition = z.strictObject({
  network: name,
  style: z.strictObject({ question: name, answer: name }),
  accuracy: z.array(
    z.strictObject({ on: name, style: share, name: share, attributes: share, questions: shares.optional() }),
  ),
  arms: z.array(z.strictObject({ arm: name, style: share, name: share, attributes: share, questions: shares })),
});

/** What `evaluation.json` holds. */
export const EvaluationSchema = z.strictObject({
  format: z.literal("stillframe-evaluation-1"),
  created: z.iso.datetime(),
  title: name,
  /** No pictures, where their statistics were given in their place. */
  real: z.strictObject({ ...pictureSet.shape, pictures: count }),
  arms: z.array(arm).min(1),
  generation: generation.optional(),
  networks: z.array(network),
  values: z.array(value).min(1),
  differences: z.array(difference),
  floors: z.array(floor),
  /** One for each network that recognises things. */
  recognition: z.array(recognition).optional(),
  curves: z.array(curve),
  /** Unselected: the first pictures in order. */
  gallery: z.array(galleryRow),
  copies: z
    .strictObject({
      network: name,
      /** The arm whose pictures were looked at. */
      arm: name.optional(),
      mean: z.number(),
      held_out_most: z.number().nullable(),
      beyond_held_out: count.nullable(),
      /** From this similarity on, a picture counts as a copy; null without held-out pictures to say. */
      threshold: z.number().nullable().optional(),
      copies: count.nullable().optional(),
      top: z.array(copyPair),
    })
    .optional(),
  /** What a reader must know, in plain sentences. */
  caveats: z.array(name),
});
export type Evaluation = z.output<typeof EvaluationSchema>;
export type EvaluationInterval = z.output<typeof interval>;
export type EvaluationCurve = z.output<typeof curve>;

/** Writes `evaluation.json`, beside its place first and then in it. @throws FileFormatError for what is no evaluation */
export function writeEvaluation(path: string, evaluation: Evaluation): void {
  const text = `${JSON.stringify(checked(evaluation, path), null, 2)}\n`;
  writeWhole(path, text);
}

/** Reads `evaluation.json`. @throws FileFormatError */
export function readEvaluation(path: string): Evaluation {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (e) {
    throw new FileFormatError(path, `it cannot be read as JSON: ${(e as Error).message}`);
  }
  return checked(json, path);
}

function checked(json: unknown, path: string): Evaluation {
  const parsed = EvaluationSchema.safeParse(json);
  if (!parsed.success) throw new FileFormatError(path, `it is no evaluation: ${z.prettifyError(parsed.error)}`);
  const arms = new Set(parsed.data.arms.map((a) => a.name));
  const unknown = parsed.data.values.find((v) => !arms.has(v.arm));
  if (unknown !== undefined)
    throw new FileFormatError(
      path,
      `it is no evaluation: ${unknown.metric} is of arm ${unknown.arm}, which is not listed`,
    );
  return parsed.data;
}

/** A file that is there whole or not at all. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    writeFileSync(partial, content);
    renameSync(partial, path);
  } catch (e) {
    rmSync(partial, { force: true });
    throw e;
  }
}
