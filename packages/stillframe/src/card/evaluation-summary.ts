import { existsSync, readFileSync } from "node:fs";
import { FileFormatError } from "@stillframe/torch/errors";
import { z } from "zod";
import type { HubFrontMatter } from "./hub-rules.js";
import type { RunRecord } from "./run-record.js";

const interval = z.object({ low: z.number(), high: z.number(), level: z.number() });

/** The parts of `evaluation.json` that a card shows. */
const EvaluationSummarySchema = z.object({
  prompts: z.array(z.string()).default([]),
  values: z.array(
    z.object({
      arm: z.string(),
      metric: z.string(),
      value: z.number(),
      std: z.number().optional(),
      interval: interval.optional(),
    }),
  ),
  caveats: z.array(z.string()).default([]),
});
export type EvaluationSummary = z.output<typeof EvaluationSummarySchema>;

export function readEvaluation(path: string): EvaluationSummary | undefined {
  if (!existsSync(path)) return undefined;
  const result = EvaluationSummarySchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!result.success) throw new FileFormatError(path, "x");
  return result.data;
}

export function modelIndex(_record: RunRecord): HubFrontMatter["model-index"] {
  return undefined;
}
