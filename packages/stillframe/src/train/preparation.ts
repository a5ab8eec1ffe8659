import { join } from "node:path";
import {
  checkModelFolder,
  diffusersTensors,
  loadScheduler,
  loadTextEncoders,
  loadUnet,
  loadVae,
  NoiseSchedule,
  type Sdxl,
} from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { invalid, scope, type Tensor } from "@stillframe/torch";
import { type ModelConfigs, preflight, preflightWarning, readModelConfigs, storedBytes } from "../preflight/index.js";
import { type ModelFolder, resolveModels } from "../prepare/model-folder.js";
import { HeldOutLoss } from "../watch/validation/held-out-loss.js";
import { encodeSampleText, makeSampleDrawer, promptWarning } from "../watch/validation/prepare-validation.js";
import type { LentVae, SampleText } from "../watch/validation/sample-drawer.js";
import { Validation } from "../watch/validation/validation.js";
import { targetsOf } from "./buckets.js";
import { encodingKey } from "./cache-keys.js";
import { type CaptionStatistics, captionStatistics } from "./captions.js";
import { type CheckpointState, restoreCheckpoint } from "./checkpoint.js";
import { Ema } from "./ema.js";
import { HashMemory } from "./file-hash.js";
import { LossScale } from "./loss-scale.js";
import { type ManifestParts, modelEntry } from "./manifest.js";
import { makeOptimizer } from "./optimizer.js";
import { type Precision, roundWeights } from "./precision.js";
import { BatchSource, type Cutting, cacheFolder, cropsOf } from "./prepare.js";
import { StepPlan } from "./step-plan.js";
import type { StepState } from "./train-step.js";
import { makeTrainable } from "./trainable.js";
import { readingTrainingSet, skippedByReason, type TrainingPicture, type TrainingSet } from "./training-set.js";

/** What a run is before anything is loaded. */
export interface RunStart {
  options: TrainOptions;
  seed: number;
  precision: Precision;
  /** where the run writes */
  runFolder: string;
  resumed: (CheckpointState & { path: string }) | null;
  started: Date;
  signal: AbortSignal | undefined;
}

/** Where the models of a run are, and what they are called. */
interface Models {
  base: ModelFolder & { name: string };
  /** null where the base's own is taken */
  vae: (ModelFolder & { name: string }) | null;
}

async function* findModels({ options, signal }: RunStart): AsyncGenerator<TrainEvent, Models> {
  const { pretrained_model_name_or_path: base, pretrained_vae_model_name_or_path: vae } = options;
  const found = yield* resolveModels(options, { signal });
  return {
    base: { ...found.model, name: base },
    vae: found.vae === null || vae === null ? null : { ...found.vae, name: vae },
  };
}

/** What is known and loaded before the first step. */
export interface PreparedRun {
  set: TrainingSet;
  plan: StepPlan;
  source: BatchSource;
  state: StepState;
  ema: Ema | null;
  validation: Validation;
  manifest: ManifestParts;
  /** Frees models and caches. */
  dispose(): void;
}

/** What encodes pictures and captions, and the hashes of what it is made of. */
interface Encoders {
  vae: Sdxl["vae"];
  text: Pick<Sdxl, "tokenizers" | "textEncoders">;
  files: string[];
  lendVae: () => LentVae;
  vaeEntry: ManifestParts["model"];
  textEntry: ManifestParts["model"];
}

type HashFiles = (files: readonly string[], from: Models["base"]) => Promise<ManifestParts["model"]>;

async function loadEncoders(
  { options, precision }: RunStart,
  { models: { base, vae: otherVae }, hash }: { models: Models; hash: HashFiles },
): Promise<Encoders> {
  const variant = options.variant ?? undefined;
  const { device, compute, vae: vaeDtype } = precision;
  const text = loadTextEncoders(base.path, { variant, dtype: compute, device, frozen: options.method === "lora" });
  for (const t of text.textEncoders) roundWeights(t, precision);
  const vaeHome = otherVae ?? base;
  const load = () =>
    loadVae(vaeHome.path, { variant: otherVae === null ? variant : undefined, dtype: vaeDtype, device });
  const vae = load();
  // what only encodes is freed once all is encoded, and comes back (a mapped file) for as long as it is needed again
  const lendVae = (): LentVae => {
    if (!options.cache_latents) return { vae: vae.model, giveBack: () => {} };
    const { model: again } = load();
    return { vae: again, giveBack: () => again.dispose() };
  };
  return {
    vae: vae.model,
    text,
    files: [...text.files, ...vae.files],
    lendVae,
    vaeEntry: await hash(vae.files, vaeHome),
    textEntry: await hash(text.files, base),
  };
}

/** Reads the pictures; a run that goes on must find those that it began with. */
async function* readData(
  { options, seed, resumed, signal }: RunStart,
  { text }: Encoders,
): AsyncGenerator<TrainEvent, { set: TrainingSet; captions: CaptionStatistics }> {
  const set = yield* readingTrainingSet(options, seed, { signal });
  if (resumed !== null && resumed.data !== set.sha256)
    throw invalid(
      "train_data_dir",
      `the pictures and captions that ${resumed.path} was made with`,
      "others (some were added, changed or removed)",
    );
  const captions = captionStatistics(
    text,
    set.pictures.flatMap((p) => p.captions),
    options.max_token_length,
  );
  yield {
    type: "data_prepared",
    pictures: set.pictures.length,
    captions: captions.captions,
    held_out: set.heldOut.length,
    captions_cut: captions.cut,
    ...(options.regions_column === null
      ? {}
      : { with_regions: set.pictures.filter((p) => p.regions.length > 0).length }),
    skipped: skippedByReason(set.skipped),
  };
  if (captions.cut > 0)
    yield {
      type: "warning",
      message: `${captions.cut} of ${captions.captions} captions are longer than ${options.max_token_length === 77 ? 75 : options.max_token_length} tokens and are cut; the longest has ${captions.tokens.most} (--max_token_length takes up to 225)`,
    };
  yield* promptWarning(text, options);
  return { set, captions };
}

/** Micro-batches of some pictures: how each is cut, and the caches that they come from. */
function sourceOf(
  pictures: readonly TrainingPicture[],
  encoders: Encoders,
  { start, centre, judged = false }: { start: RunStart; centre: boolean; judged?: boolean },
): { source: BatchSource; bucketOf: number[] } {
  const { options, seed, precision } = start;
  const { targets, bucketOf } = targetsOf(pictures, options);
  const cutting: Cutting = {
    seed,
    centre,
    targetOf: (i) => targets[bucketOf[i] as number] as readonly [number, number],
  };
  const models = { vae: encoders.vae, ...encoders.text };
  return {
    source: new BatchSource(models, pictures, {
      options,
      cutting,
      vaeKey: encodingKey(encoders.vaeEntry.weights, precision),
      encodersKey: encodingKey(encoders.textEntry.weights, precision),
      // what is held out is judged as a whole, so that runs with and without regions can be compared
      regionWeight: judged ? null : options.region_weight,
    }),
    bucketOf,
  };
}

/** Everything encoded that the run will show, with what is not needed again freed. */
interface Encoded {
  plan: StepPlan;
  source: BatchSource;
  heldOut: BatchSource;
  sampleText: SampleText | null;
}

async function* encodeAll(
  start: RunStart,
  encoders: Encoders,
  {
    set,
    forceZeros,
    configs,
    folder,
  }: { set: TrainingSet; forceZeros: boolean; configs: ModelConfigs; folder: string },
): AsyncGenerator<TrainEvent, Encoded> {
  const { options, seed, resumed } = start;
  const { source, bucketOf } = sourceOf(set.pictures, encoders, { start, centre: options.center_crop });
  const plan = new StepPlan(options, {
    seed,
    captionCounts: set.pictures.map((p) => p.captions.length),
    buckets: bucketOf,
    crops: cropsOf(options),
  });
  yield* estimate(start, configs, { set, folder, steps: plan.totalSteps - (resumed?.step ?? 0) });
  yield* source.encode(plan.steps((resumed?.step ?? 0) + 1));
  const { source: heldOut } = sourceOf(set.heldOut, encoders, { start, centre: true, judged: true });
  if (set.heldOut.length > 0) yield* heldOut.encode(HeldOutLoss.plan(set.heldOut.length));
  const frozen = !options.train_text_encoder;
  const sampleText =
    frozen && options.validation_prompt !== null
      ? encodeSampleText({ ...encoders.text, forceZerosForEmptyPrompt: forceZeros }, options)
      : null;
  if (options.cache_latents) encoders.vae.dispose();
  if (frozen) for (const t of encoders.text.textEncoders) t.dispose();
  return { plan, source, heldOut, sampleText };
}

/** What the run will take, before anything large is done. */
async function* estimate(
  { options, precision }: RunStart,
  configs: ModelConfigs,
  { set, steps, folder }: { set: TrainingSet; steps: number; folder: string },
): AsyncGenerator<TrainEvent> {
  const captions = new Set(set.pictures.flatMap((p) => p.captions)).size;
  const variant = options.variant ?? undefined;
  const stored = {
    unet: storedBytes(join(folder, "unet"), { stem: "diffusion_pytorch_model", variant }),
    textEncoders: storedBytes(join(folder, "text_encoder_2"), { stem: "model", variant }),
  };
  const pictures = set.pictures.length;
  const check = await preflight(options, configs, { pictures, captions, steps, precision, stored });
  yield {
    type: "estimated",
    memory_bytes: Math.round(check.memoryBytes),
    available_bytes: check.availableBytes,
    seconds: check.totalSeconds,
    advice: check.advice,
  };
  const warning = preflightWarning(check);
  if (warning !== null) yield { type: "warning", message: warning };
}

/** The model with its adapter, the optimizer, and the averages; as the checkpoint has them when the run goes on. */
function makeState(
  { options, seed, precision, resumed }: RunStart,
  model: Sdxl,
): { state: StepState; ema: Ema | null } {
  const { device } = precision;
  const trainable = makeTrainable(model, options, { seed, device });
  const prediction = options.prediction_type === null ? {} : { prediction_type: options.prediction_type };
  const state: StepState = {
    model,
    trainable,
    optimizer: makeOptimizer(options, trainable),
    lossScale: precision.scaleLoss ? new LossScale() : null,
    settings: {
      seed,
      schedule: NoiseSchedule.fromConfig({ ...model.scheduler.config, ...prediction }),
      snrGamma: options.snr_gamma ?? undefined,
      noiseOffset: options.noise_offset,
      maxGradNorm: options.max_grad_norm,
      gradientCheckpointing: options.gradient_checkpointing,
      precision,
      recordPictures: options.debug_loss,
    },
  };
  const ema = options.use_ema ? new Ema(trainable, options.ema_decay) : null;
  if (resumed !== null) restoreCheckpoint(resumed.path, resumed, state, ema);
  return { state, ema };
}

function makeValidation(
  { options, seed, runFolder }: RunStart,
  encoders: Encoders,
  { encoded, state, ema, heldOut }: { encoded: Encoded; state: StepState; ema: Ema | null; heldOut: number },
): Validation {
  const { model, trainable, settings } = state;
  const { plan, heldOut: source, sampleText } = encoded;
  return new Validation({
    options,
    plan,
    model,
    trainable,
    ema,
    drawer: makeSampleDrawer(model, options, { seed, text: sampleText, lendVae: encoders.lendVae, runFolder }),
    heldOut:
      heldOut === 0 ? null : new HeldOutLoss(source, { pictures: heldOut, settings, rows: options.train_batch_size }),
  });
}

/** Reads pictures, encodes them and their captions, loads what is trained. */
export async function* prepareRun(start: RunStart): AsyncGenerator<TrainEvent, PreparedRun> {
  const { options, precision } = start;
  const models = yield* findModels(start);
  const forceZeros = checkModelFolder(models.base.path)["force_zeros_for_empty_prompt"] !== false;
  const hashes = new HashMemory(cacheFolder(options));
  const hash: HashFiles = (files, { name, path, commit }) => modelEntry(name, files, { hashes, folder: path, commit });
  yield { type: "preparing", stage: "load", done: 0, total: 1 };
  const encoders = await loadEncoders(start, { models, hash });
  yield { type: "preparing", stage: "load", done: 1, total: 1 };
  const data = yield* readData(start, encoders);
  const configs = readModelConfigs(models.base.path, models.vae?.path ?? null);
  const encoded = yield* encodeAll(start, encoders, {
    set: data.set,
    forceZeros,
    configs,
    folder: models.base.path,
  });

  const { device, compute } = precision;
  const source = models.base.path;
  const unet = loadUnet(source, {
    variant: options.variant ?? undefined,
    dtype: compute,
    device,
    frozen: options.method === "lora",
  });
  roundWeights(unet.model, precision);
  const files = [...encoders.files, ...unet.files];
  const parts = { ...encoders.text, vae: encoders.vae, unet: unet.model };
  const model: Sdxl = {
    source,
    ...parts,
    scheduler: loadScheduler(source),
    forceZerosForEmptyPrompt: forceZeros,
    files,
  };
  const { state, ema } = makeState(start, model);
  const unetEntry = await hash(unet.files, models.base);
  const dispose = () => {
    const models = [model.unet, model.vae, ...model.textEncoders];
    const learning = [
      state.optimizer,
      ...state.trainable.groups.map((g) => g.parameters),
      ...(ema === null ? [] : [ema]),
    ];
    const text = encoded.sampleText === null ? [] : textTensors(encoded.sampleText);
    for (const owner of [encoded.source, encoded.heldOut, ...models, ...learning, ...text]) owner.dispose();
  };
  return {
    set: data.set,
    plan: encoded.plan,
    source: encoded.source,
    state,
    ema,
    validation: makeValidation(start, encoders, { encoded, state, ema, heldOut: data.set.heldOut.length }),
    manifest: manifestParts(start, encoders, { ...data, trainable: state.trainable, unetEntry }),
    dispose,
  };
}

const textTensors = ({ positive, negative }: SampleText): Tensor[] =>
  [positive, ...(negative === null ? [] : [negative])].flatMap((e) => [e.promptEmbeds, e.textEmbeds]);

/** What the manifest says of the run. */
function manifestParts(
  { options, seed, precision, started }: RunStart,
  { vaeEntry, textEntry }: Encoders,
  {
    set,
    captions,
    trainable,
    unetEntry,
  }: Pick<ManifestParts, "set" | "captions" | "trainable"> & { unetEntry: ManifestParts["model"] },
): ManifestParts {
  const ownVae = options.pretrained_vae_model_name_or_path === null;
  const { adapter, groups } = trainable;
  const lora = options.method === "lora";
  return {
    options,
    seed,
    precision,
    model: { ...unetEntry, weights: [...unetEntry.weights, ...textEntry.weights, ...(ownVae ? vaeEntry.weights : [])] },
    vae: ownVae ? null : vaeEntry,
    set,
    captions,
    trainable,
    adapterKeys:
      adapter === null
        ? groups.flatMap((g) => g.parameters.names)
        : scope(() => diffusersTensors(adapter).map(([k]) => k)),
    rank: lora ? options.rank : null,
    alpha: lora ? (options.lora_alpha ?? options.rank) : null,
    started,
  };
}
