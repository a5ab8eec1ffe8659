import { loadTextEncoders, loadVae } from "@stillframe/diffusion";
import { parseTrainOptions, type TrainEvent, type TrainOptions, type TrainOptionsInput } from "@stillframe/schema";
import { type Target, targetsOf } from "../buckets.js";
import { BatchSource, cropsOf, type EncoderModels } from "../prepare.js";
import { StepPlan } from "../step-plan.js";
import { readTrainingSet, type TrainingSet } from "../training-set.js";

/** A run's encoding stage, with what tests look at. */
export interface Encoding {
  options: TrainOptions;
  set: TrainingSet;
  plan: StepPlan;
  source: BatchSource;
  /** pictures that went through the VAE so far, and captions through the first text encoder */
  calls: { vae: number; captions: number };
  dispose(): void;
}

/** The models of a folder, loaded once for several encodings, with counted calls. */
export function loadEncoders(folder: string): { models: EncoderModels; calls: Encoding["calls"] } {
  const models = { vae: loadVae(folder).model, ...loadTextEncoders(folder) };
  const calls = { vae: 0, captions: 0 };
  const { vae } = models;
  const [first] = models.textEncoders;
  const [encode, forward] = [vae.encode.bind(vae), first.forward.bind(first)];
  vae.encode = (x) => {
    calls.vae += 1;
    return encode(x);
  };
  first.forward = (ids) => {
    calls.captions += 1;
    return forward(ids);
  };
  return { models, calls };
}

/** Everything that a run does before its first step, for `input`. */
export async function openEncoding(
  input: TrainOptionsInput,
  { models, calls }: ReturnType<typeof loadEncoders>,
  keys = { vaeKey: "vae", encodersKey: "text" },
): Promise<Encoding> {
  const options = parseTrainOptions(input);
  const seed = options.seed ?? 0;
  const set = await readTrainingSet(options, seed);
  const { targets, bucketOf } = targetsOf(set.pictures, options);
  const plan = new StepPlan(options, {
    seed,
    captionCounts: set.pictures.map((p) => p.captions.length),
    buckets: bucketOf,
    crops: cropsOf(options),
  });
  const cutting = {
    seed,
    centre: options.center_crop,
    targetOf: (i: number) => targets[bucketOf[i] as number] as Target,
  };
  const source = new BatchSource(models, set.pictures, { options, cutting, ...keys });
  calls.vae = 0;
  calls.captions = 0;
  return { options, set, plan, source, calls, dispose: () => source.dispose() };
}

/** All events of the encoding. */
export async function encodeAll({ source, plan }: Encoding): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const e of source.encode(plan.steps())) events.push(e);
  return events;
}
