import { type EvaluateEvent, type EvaluateOptionsInput, parseEvaluateOptions } from "@stillframe/schema";
import { type EvaluateResult, EvaluationRun } from "./evaluation-run.js";
import type { Network } from "./networks.js";

export type { EvaluateResult } from "./evaluation-run.js";
export type { Network } from "./networks.js";

/**
 * Measures how near generated pictures come to real ones: draws every arm with the same prompts and seeds, or takes
 * folders of pictures, and writes `evaluation.json`, a table, plots and `evaluation.html`. Pictures that are there as they
 * would be drawn are kept, so that an evaluation that was stopped goes on where it was.
 *
 * @param options.extractors networks of the caller's own, besides those that the options name
 * @returns the evaluation and its files; null when `signal` ended it
 * @throws OptionsError, InvalidArgumentError, FileFormatError, WeightsError, HubError on what it was given: too few
 * pictures, arms of unequal size or number, a picture that is there twice, features that are not finite
 * @throws NotFiniteError when a drawn picture is NaN
 */
export async function* evaluate(
  options: EvaluateOptionsInput,
  { signal, extractors = [] }: { signal?: AbortSignal; extractors?: readonly Network[] } = {},
): AsyncGenerator<EvaluateEvent, EvaluateResult | null> {
  const parsed = parseEvaluateOptions(options as Record<string, unknown>);
  return yield* new EvaluationRun(parsed, { signal, extractors }).run();
}
