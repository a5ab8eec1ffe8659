import type { EvaluateEvent, EvaluateOptionsInput } from "@stillframe/schema";
import type { Workshop } from "../../testing/workshop.js";
import { type EvaluateResult, evaluate, type Network } from "../run/index.js";
import { meanColour } from "./mean-colour.js";

/** A stand-in for a network, as `evaluate` takes it. */
export const colour = (): Network[] => [{ kind: "classifier", extractor: meanColour() }];

/** Options of a small drawn evaluation in a workshop with `prompts.txt` and an adapter in `run`. */
export const drawnIn = (
  shop: Workshop,
  name: string,
  more: Partial<EvaluateOptionsInput> = {},
): EvaluateOptionsInput => ({
  real: shop.stills,
  pretrained_model_name_or_path: shop.base,
  lora: [shop.at("run")],
  prompts: shop.at("prompts.txt"),
  num_images: 2,
  steps: 2,
  seed: 3,
  width: 32,
  height: 32,
  resamples: 8,
  output_dir: shop.at(name),
  ...more,
});

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
