import type { EvaluateEvent, EvaluateOptionsInput } from "@stillframe/schema";
import { type EvaluateResult, evaluate, type Network } from "../run/index.js";
import { meanColour } from "./mean-colour.js";

/** A stand-in for a network, as `evaluate` takes it. */
export const colour = (): Network[] => [{ kind: "classifier", extractor: meanColour() }];

/** Runs an evaluation to its end: its events and its result. */
export async function runEvaluation(
  options: EvaluateOptionsInput,
  {
    signal,
    extractors = colour(),
    on,
  }: { signal?: AbortSignal; extractors?: Network[]; on?: (e: EvaluateEvent) => void } = {},
): Promise<{ events: EvaluateEvent[]; result: EvaluateResult | null }> {
  const events: EvaluateEvent[] = [];
  const work = evaluate(options, { extractors, ...(signal === undefined ? {} : { signal }) });
  for (;;) {
    const next = await work.next();
    if (next.done) return { events, result: next.value };
    events.push(next.value);
    on?.(next.value);
  }
}
