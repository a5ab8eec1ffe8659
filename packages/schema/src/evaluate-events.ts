import { z } from "zod";
import { preparing, warning } from "./events.js";

const count = z.int().min(0);
const name = z.string().min(1);

const evaluationStarted = z.strictObject({
  type: z.literal("evaluation_started"),
  output_dir: name,
  /** Real pictures; 0 where their statistics were given in their place. */
  real: count,
  arms: z.array(z.strictObject({ name, pictures: count })),
  /** Kinds of features that will be taken. */
  networks: z.array(name),
});

/** A denoising step of a picture. */
const drawing = z.strictObject({
  type: z.literal("drawing"),
  arm: name,
  /** Index over the pictures of all arms, from 0, and their number. */
  picture: count,
  pictures: count,
  step: z.int().min(1),
  steps: z.int().min(1),
});

const drawn = z.strictObject({
  type: z.literal("drawn"),
  arm: name,
  picture: count,
  pictures: count,
  /** Relative to `output_dir`. */
  path: name,
  seed: count,
  /** Whether it was there already, as it would have been drawn. */
  kept: z.boolean(),
});

const features = z.strictObject({
  type: z.literal("features"),
  /** An arm, or `real` or `training`. */
  set: name,
  network: name,
  done: count,
  total: count,
  pictures_per_second: z.number().min(0),
});

const measuring = z.strictObject({
  type: z.literal("measuring"),
  metric: name,
  arm: name,
  /** Of `total` pieces of work. */
  done: z.number().min(0),
  total: z.number().min(0),
});

/** Something that is not measured, and why. */
const leftOut = z.strictObject({ type: z.literal("left_out"), message: name });

const selected = z.strictObject({
  type: z.literal("selected"),
  arm: name,
  metric: name,
  /** On the validation half. */
  value: z.number(),
});

const evaluated = z.strictObject({
  type: z.literal("evaluated"),
  output_dir: name,
  /** The table as text. */
  table: z.string(),
  /** Paths of what was written, relative to `output_dir`. */
  files: z.array(name),
  seconds: z.number().min(0),
});

const evaluationInterrupted = z.strictObject({
  type: z.literal("evaluation_interrupted"),
  /** Pictures that are there and will not be drawn again. */
  pictures: count,
  seconds: z.number().min(0),
});

/** What an evaluation tells while it runs: the items of `evaluate(options)`. */
export const EvaluateEventSchema = z.discriminatedUnion("type", [
  evaluationStarted,
  preparing,
  warning,
  leftOut,
  drawing,
  drawn,
  features,
  measuring,
  selected,
  evaluated,
  evaluationInterrupted,
]);
export type EvaluateEvent = z.output<typeof EvaluateEventSchema>;

/** One kind of evaluation event: `EvaluateEventOf<"drawn">`. */
export type EvaluateEventOf<T extends EvaluateEvent["type"]> = Extract<EvaluateEvent, { type: T }>;
