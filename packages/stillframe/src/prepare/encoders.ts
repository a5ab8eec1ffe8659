import { checkModelFolder, loadTextEncoders, loadVae } from "@stillframe/diffusion";
import type { PrepareOptions, TrainEvent } from "@stillframe/schema";
import { encodingKey } from "../train/cache-keys.js";
import { HashMemory } from "../train/file-hash.js";
import { modelEntry } from "../train/manifest.js";
import { resolvePrecision, roundWeights } from "../train/precision.js";
import { cacheFolder, type EncoderModels } from "../train/prepare.js";
import { resolveModels } from "./model-folder.js";

/** What encodes pictures and captions, and the keys of what it makes. */
export interface Encoders {
  models: EncoderModels;
  vaeKey: string;
  encodersKey: string;
  dispose(): void;
}

/** The options of a preparation with a model. */
export type ModelPreparation = PrepareOptions & { pretrained_model_name_or_path: string };

/** Whether a model is given, with which pictures and captions are encoded. */
export const hasModel = (options: PrepareOptions): options is ModelPreparation =>
  options.pretrained_model_name_or_path !== null;

/** Finds or downloads the model, and loads what encodes. The keys are those that training has for it. */
export async function* loadEncoders(
  options: ModelPreparation,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainEvent, Encoders> {
  const { model, vae: otherVae } = yield* resolveModels(options, { signal });
  checkModelFolder(model.path);
  const precision = resolvePrecision(options);
  const { device, compute } = precision;
  const variant = options.variant ?? undefined;
  yield { type: "preparing", stage: "load", done: 0, total: 1 };
  const text = loadTextEncoders(model.path, { variant, dtype: compute, device, frozen: true });
  for (const encoder of text.textEncoders) roundWeights(encoder, precision);
  const ownVariant = otherVae === null ? variant : undefined;
  const vae = loadVae((otherVae ?? model).path, { variant: ownVariant, dtype: precision.vae, device });
  const hashes = new HashMemory(cacheFolder(options));
  const keyOf = async (files: readonly string[], folder: string) =>
    encodingKey((await modelEntry(folder, files, { hashes, folder, commit: null })).weights, precision);
  const keys = {
    vaeKey: await keyOf(vae.files, (otherVae ?? model).path),
    encodersKey: await keyOf(text.files, model.path),
  };
  yield { type: "preparing", stage: "load", done: 1, total: 1 };
  const models = { vae: vae.model, textEncoders: text.textEncoders, tokenizers: text.tokenizers };
  const dispose = () => {
    for (const part of [vae.model, ...text.textEncoders]) part.dispose();
  };
  return { models, ...keys, dispose };
}
