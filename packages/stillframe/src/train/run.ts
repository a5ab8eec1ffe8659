import { randomInt } from "node:crypto";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  checkModelFolder,
  diffusersTensors,
  loadScheduler,
  loadTextEncoders,
  loadUnet,
  loadVae,
  NoiseSchedule,
  type Sdxl,
  writeDiffusersLora,
  writeKohyaLora,
} from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { scope, setDeterministic, setTf32, tensor } from "@stillframe/torch";
import { targetsOf } from "./buckets.js";
import { captionStatistics } from "./captions.js";
import { restoreCheckpoint, writeCheckpoint } from "./checkpoint.js";
import { Ema } from "./ema.js";
import { HashMemory } from "./file-hash.js";
import { LossScale } from "./loss-scale.js";
import { type ManifestParts, modelEntry, writeManifest } from "./manifest.js";
import { makeOptimizer, rateSchedule } from "./optimizer.js";
import { type Precision, resolvePrecision, roundWeights } from "./precision.js";
import { BatchSource, cacheFolder, type Cutting, cropsOf } from "./prepare.js";
import { ADAPTER_FILE, KOHYA_FILE, RunFolder, resultOptions } from "./run-folder.js";
import { type PlannedStep, StepPlan } from "./step-plan.js";
import { type StepState, trainStep } from "./train-step.js";
import { makeTrainable } from "./trainable.js";
import { readTrainingSet, skippedByReason, type TrainingSet } from "./training-set.js";

/** How a run ended. */
export interface TrainResult {
  outputDir: string;
  steps: number;
  /** files of the result, relative to the folder; empty when the run was interrupted */
  files: string[];
  interrupted: boolean;
}

/** What is known before the first step. */
interface Prepared {
  set: TrainingSet;
  plan: StepPlan;
  source: BatchSource;
  cutting: Cutting;
  state: StepState;
  ema: Ema | null;
  manifest: ManifestParts;
}

/** A steady rate from the last steps, for the time that is left. */
class Pace {
  private average = 0;
  private count = 0;
  add(seconds: number): void {
    this.count += 1;
    const weight = Math.max(0.05, 1 / this.count);
    this.average += (seconds - this.average) * weight;
  }
  get secondsPerStep(): number {
    return this.average;
  }
}

/** One training run, from options to files. */
export class TrainingRun {
  private readonly options: TrainOptions;
  private readonly signal: AbortSignal | undefined;
  private readonly seed: number;
  private readonly precision: Precision;
  private readonly folder: RunFolder;
  private readonly resumed: ReturnType<typeof RunFolder.open>["resumed"];
  private readonly started = new Date();
  private readonly clock = performance.now();
  private step = 0;
  private lastCheckpoint: { step: number; path: string } | null = null;

  constructor(options: TrainOptions, signal: AbortSignal | undefined) {
    checkModelFolder(options.pretrained_model_name_or_path);
    this.options = options;
    this.signal = signal;
    this.precision = resolvePrecision(options);
    ({ folder: this.folder, resumed: this.resumed } = RunFolder.open(options));
    this.seed = this.resumed?.seed ?? options.seed ?? randomInt(2 ** 32);
    this.step = this.resumed?.step ?? 0;
    setTf32(options.allow_tf32);
    setDeterministic(true);
  }

  private get seconds(): number {
    return (performance.now() - this.clock) / 1000;
  }

  /** Runs to the end, or until the signal; every event is also written to the run's folder. */
  async *run(): AsyncGenerator<TrainEvent, TrainResult> {
    const events = this.phases();
    try {
      for (;;) {
        const { value, done } = await events.next();
        if (done) return value;
        if (value.type !== "preparing") this.folder.write(value);
        yield value;
      }
    } catch (e) {
      const message = e instanceof Error ? e.message : String(e);
      const failed: TrainEvent = { type: "run_failed", step: this.step, message, checkpoint: this.lastCheckpoint?.path ?? null };
      this.tryWrite(failed);
      yield failed;
      throw e;
    } finally {
      await events.return(undefined as never);
      this.folder.close();
    }
  }

  /** The disk may be what failed. */
  private tryWrite(event: TrainEvent): void {
    try {
      this.folder.write(event);
    } catch {
      // the error that ended the run is thrown to the caller, and says more than this one
    }
  }

  private async *phases(): AsyncGenerator<TrainEvent, TrainResult> {
    const prepared = yield* this.prepare();
    const { plan, state } = prepared;
    yield {
      type: "run_started",
      output_dir: this.folder.path,
      device: this.precision.device,
      dtype: this.precision.weights,
      seed: this.seed,
      total_steps: plan.totalSteps,
      total_epochs: plan.totalEpochs,
      first_step: this.step,
      trained_parameters: state.trainable.size,
    };
    const interrupted = yield* this.loop(prepared);
    if (interrupted) return { outputDir: this.folder.path, steps: this.step, files: [], interrupted };
    return yield* this.finish(prepared);
  }

  /** Reads pictures, encodes them and their captions, loads what is trained. */
  private async *prepare(): AsyncGenerator<TrainEvent, Prepared> {
    const { options, seed } = this;
    const model = options.pretrained_model_name_or_path;
    yield { type: "preparing", stage: "load", done: 0, total: 1 };
    const { device, compute, vae: vaeDtype } = this.precision;
    const variant = options.variant ?? undefined;
    const text = loadTextEncoders(model, { variant, dtype: compute, device });
    for (const t of text.textEncoders) roundWeights(t, this.precision);
    const vaeFolder = options.pretrained_vae_model_name_or_path;
    const vae = loadVae(vaeFolder ?? model, { variant: vaeFolder === null ? variant : undefined, dtype: vaeDtype, device });
    yield { type: "preparing", stage: "load", done: 1, total: 1 };

    const set = await readTrainingSet(options, seed);
    const captions = captionStatistics(text, set.pictures.flatMap((p) => p.captions), options.max_token_length);
    yield { type: "data_prepared", pictures: set.pictures.length, captions: captions.captions, held_out: set.heldOut.length, captions_cut: captions.cut, skipped: skippedByReason(set.skipped) };
    if (captions.cut > 0) yield { type: "warning", message: `${captions.cut} of ${captions.captions} captions are longer than ${options.max_token_length === 77 ? 75 : options.max_token_length} tokens and are cut; the longest has ${captions.tokens.most} (--max_token_length takes up to 225)` };

    const hashes = new HashMemory(cacheFolder(options));
    const baseEntry = (files: readonly string[], name: string) => modelEntry(name, files, { hashes, folder: name, commit: null });
    const vaeEntry = await baseEntry(vae.files, vaeFolder ?? model);
    const textEntry = await baseEntry(text.files, model);
    const arithmetic = [vaeDtype, compute, this.precision.weights, device.split(":")[0]].join();
    const { targets, bucketOf } = targetsOf(set.pictures, options);
    const cutting: Cutting = { seed, centre: options.center_crop, targetOf: (i) => targets[bucketOf[i] as number] as readonly [number, number] };
    const plan = new StepPlan(options, { seed, captionCounts: set.pictures.map((p) => p.captions.length), buckets: bucketOf, crops: cropsOf(options) });
    const keyOf = (entry: typeof vaeEntry) => `${entry.weights.map((w) => w.sha256).join()} ${arithmetic}`;
    const encoders = { vae: vae.model, textEncoders: text.textEncoders, tokenizers: text.tokenizers };
    const source = new BatchSource(encoders, set.pictures, { options, cutting, vaeKey: keyOf(vaeEntry), encodersKey: keyOf(textEntry) });
    yield* source.encode(plan.steps(this.step + 1));
    // what only encodes is not needed again: its memory goes to the steps
    if (options.cache_latents) vae.model.dispose();
    if (!options.train_text_encoder) for (const t of text.textEncoders) t.dispose();

    const unet = loadUnet(model, { variant, dtype: compute, device });
    roundWeights(unet.model, this.precision);
    const scheduler = loadScheduler(model);
    const sdxl: Sdxl = { source: model, ...encoders, unet: unet.model, scheduler, forceZerosForEmptyPrompt: true, files: [...text.files, ...unet.files, ...vae.files] };
    const trainable = makeTrainable(sdxl, options, { seed, device });
    const schedule = NoiseSchedule.fromConfig({ ...scheduler.config, ...(options.prediction_type === null ? {} : { prediction_type: options.prediction_type }) });
    const state: StepState = {
      model: sdxl,
      trainable,
      optimizer: makeOptimizer(options, trainable),
      lossScale: this.precision.scaleLoss ? new LossScale() : null,
      settings: {
        seed,
        schedule,
        snrGamma: options.snr_gamma ?? undefined,
        noiseOffset: options.noise_offset,
        maxGradNorm: options.max_grad_norm,
        gradientCheckpointing: options.gradient_checkpointing,
        precision: this.precision,
      },
    };
    const ema = options.use_ema ? new Ema(trainable, options.ema_decay) : null;
    if (this.resumed !== null) {
      restoreCheckpoint(this.resumed.path, this.resumed, state, ema);
      this.lastCheckpoint = { step: this.resumed.step, path: this.resumed.path };
    }
    const unetEntry = await baseEntry(unet.files, model);
    const manifest: ManifestParts = {
      options,
      seed,
      precision: this.precision,
      model: { ...unetEntry, weights: [...unetEntry.weights, ...textEntry.weights, ...(vaeFolder === null ? vaeEntry.weights : [])] },
      vae: vaeFolder === null ? null : vaeEntry,
      set,
      captions,
      trainable,
      adapterKeys: trainable.adapter === null ? trainable.groups.flatMap((g) => g.parameters.names) : scope(() => diffusersTensors(trainable.adapter ?? {}).map(([k]) => k)),
      rank: options.method === "lora" ? options.rank : null,
      alpha: options.method === "lora" ? (options.lora_alpha ?? options.rank) : null,
      started: this.started,
    };
    await writeManifest(this.folder.path, manifest, { steps: plan.totalSteps, epochs: plan.totalEpochs, results: null, seconds: this.seconds });
    return { set, plan, source, cutting, state, ema, manifest };
  }

  /** All steps; true when the signal ended it. */
  private async *loop(prepared: Prepared): AsyncGenerator<TrainEvent, boolean> {
    const { plan, state, ema } = prepared;
    const rates = rateSchedule(this.options, state.trainable, plan);
    const pace = new Pace();
    for (const planned of plan.steps(this.step + 1)) {
      if (this.signal?.aborted) return yield* this.interrupt(prepared);
      const began = performance.now();
      const event = await this.takeStep(prepared, planned, rates(planned.step));
      this.step = planned.step;
      ema?.update(planned.step);
      pace.add((performance.now() - began) / 1000);
      yield this.timed(event, pace, plan.totalSteps, planned);
      if (planned.step % this.options.checkpointing_steps === 0) yield this.checkpoint(prepared);
      await setImmediate();
    }
    return false;
  }

  private async takeStep({ source, state }: Prepared, planned: PlannedStep, lr: readonly number[]): Promise<{ loss: number; gradNorm: number | null; lr: readonly number[] }> {
    const { batches, dispose } = await source.batches(planned.batches);
    try {
      return { ...trainStep(state, batches, { step: planned.step, lr }), lr };
    } finally {
      dispose();
    }
  }

  private timed({ loss, gradNorm, lr }: { loss: number; gradNorm: number | null; lr: readonly number[] }, pace: Pace, total: number, planned: PlannedStep): TrainEvent {
    const pictures = planned.batches.reduce((n, b) => n + b.length, 0);
    return {
      type: "step",
      step: planned.step,
      epoch: planned.epoch,
      loss,
      lr: lr[0] as number,
      ...(lr.length > 1 && lr[1] !== lr[0] ? { text_encoder_lr: lr[1] as number } : {}),
      grad_norm: gradNorm,
      images_per_second: pictures / pace.secondsPerStep,
      steps_per_second: 1 / pace.secondsPerStep,
      memory_bytes: process.memoryUsage.rss(),
      eta_seconds: (total - planned.step) * pace.secondsPerStep,
    };
  }

  private checkpoint({ state, ema, set }: Prepared): TrainEvent {
    const path = this.folder.writeCheckpoint(this.step, (folder) =>
      writeCheckpoint(folder, state, { step: this.step, seed: this.seed, options: resultOptions(this.options), data: set.sha256, ema }),
    );
    this.folder.rotate(this.options.checkpoints_total_limit);
    this.lastCheckpoint = { step: this.step, path };
    return { type: "checkpoint", step: this.step, path };
  }

  private async *interrupt(prepared: Prepared): AsyncGenerator<TrainEvent, boolean> {
    if (this.step > 0 && this.lastCheckpoint?.step !== this.step) yield this.checkpoint(prepared);
    yield { type: "run_interrupted", step: this.step, checkpoint: this.lastCheckpoint?.path ?? null, seconds: this.seconds };
    return true;
  }

  /** Writes the results. */
  private async *finish(prepared: Prepared): AsyncGenerator<TrainEvent, TrainResult> {
    const { state, plan, ema, manifest } = prepared;
    const write = () => scope(() => this.writeWeights(state));
    await (ema === null ? write() : ema.during(write));
    const files = await writeManifest(this.folder.path, manifest, { steps: this.step, epochs: plan.totalEpochs, results: [ADAPTER_FILE, KOHYA_FILE], seconds: this.seconds });
    yield { type: "run_finished", step: this.step, epoch: plan.totalEpochs, output_dir: this.folder.path, files, seconds: this.seconds };
    return { outputDir: this.folder.path, steps: this.step, files: files.map((f) => f.path), interrupted: false };
  }

  private writeWeights({ trainable, model }: StepState): void {
    const at = (name: string) => join(this.folder.path, name);
    if (trainable.adapter === null) return;
    writeDiffusersLora(at(ADAPTER_FILE), trainable.adapter);
    writeKohyaLora(at(KOHYA_FILE), trainable.adapter, { unet: model.unet.config, alphaTensor: (alpha) => tensor(alpha) });
  }
}
