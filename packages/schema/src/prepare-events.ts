import { z } from "zod";
import { preparing, ResultFileSchema, warning } from "./events.js";
import { PrepareReportSchema } from "./prepare-report.js";

const prepared = z.strictObject({
  type: z.literal("prepared"),
  output_dir: z.string().min(1),
  report: PrepareReportSchema,
  /** The report's files, relative to `output_dir`. */
  files: z.array(ResultFileSchema),
  seconds: z.number().min(0),
});

const prepareInterrupted = z.strictObject({ type: z.literal("prepare_interrupted"), seconds: z.number().min(0) });

/** What a preparation tells while it runs: the items of `prepare(options)`. */
export const PrepareEventSchema = z.discriminatedUnion("type", [preparing, warning, prepared, prepareInterrupted]);
export type PrepareEvent = z.output<typeof PrepareEventSchema>;

/** One kind of preparation event: `PrepareEventOf<"prepared">`. */
export type PrepareEventOf<T extends PrepareEvent["type"]> = Extract<PrepareEvent, { type: T }>;
