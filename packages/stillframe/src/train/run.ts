import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { checkModelFolder, writeDiffusersLora, writeKohyaLora } from "@stillframe/diffusion";
import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { scope, setDeterministic, setTf32, tensor } from "@stillframe/torch";
import { pushToHub, writeCardAtEnd } from "../card/index.js";
import { ADAPTER_FILE, KOHYA_FILE } from "../files/result-files.js";
import { readHistory } from "../watch/history.js";
import { explainedFailure } from "../watch/run-failure.js";
import { type RunReport, writeRunReport } from "../watch/run-report.js";
import { TensorBoardLog } from "../watch/tensorboard/tensorboard-log.js";
import { removeSamplesAfter } from "../watch/validation/sample-files.js";
import { type CheckpointState, writeCheckpoint } from "./checkpoint.js";
import { writeFullModel } from "./full-model.js";
import { writeManifest } from "./manifest.js";
import { NotFiniteError } from "./not-finite-error.js";
import { whereNotFinite } from "./not-finite-layer.js";
import { rateSchedule } from "./optimizer.js";
import { type Precision, resolvePrecision } from "./precision.js";
import { type PreparedRun, prepareRun } from "./preparation.js";
import { EVENTS_FILE, RunFolder, resultOptions } from "./run-folder.js";
import type { PlannedStep } from "./step-plan.js";
import { type StepResult, type StepState, trainStep } from "./train-step.js";

/** How a run ended. */
export interface TrainResult {
  outputDir: string;
  steps: number;
  /** files of the result, relative to the folder; empty when the run was interrupted */
  files: string[];
  interrupted: boolean;
}

/** A steady rate from the last steps, for the time that is left. */
class Pace {
  private average = 0;
  private count = 0;
  private seconds = 0;
  private pictures = 0;
  add(seconds: number, pictures: number): void {
    this.count += 1;
    const weight = Math.max(0.05, 1 / this.count);
    this.average += (seconds - this.average) * weight;
    this.seconds += seconds;
    this.pictures += pictures;
  }
  get secondsPerStep(): number {
    return this.average;
  }
  /** Over all steps. */
  get imagesPerSecond(): number | null {
    return this.seconds === 0 ? null : this.pictures / this.seconds;
  }
}

const picturesOf = ({ batches }: PlannedStep): number => batches.reduce((n, b) => n + b.length, 0);

/** One training run, from options to files. */
export class TrainingRun {
  private readonly options: TrainOptions;
  private readonly signal: AbortSignal | undefined;
  private readonly seed: number;
  private readonly precision: Precision;
  private readonly folder: RunFolder;
  private readonly resumed: (CheckpointState & { path: string }) | null;
  private readonly log: TensorBoardLog | null;
  private readonly started = new Date();
  private readonly clock = performance.now();
  private readonly pace = new Pace();
  private prepared: PreparedRun | null = null;
  private step = 0;
  private lastCheckpoint: { step: number; path: string } | null = null;

  constructor(options: TrainOptions, signal: AbortSignal | undefined) {
    // before a folder is made for it; a model of the Hub is looked up when the run begins
    if (existsSync(options.pretrained_model_name_or_path)) checkModelFolder(options.pretrained_model_name_or_path);
    this.options = options;
    this.signal = signal;
    this.precision = resolvePrecision(options);
    try {
      ({ folder: this.folder, resumed: this.resumed } = RunFolder.open(options));
    } catch (e) {
      throw explainedFailure(e, { outputDir: options.output_dir, options });
    }
    this.seed = this.resumed?.seed ?? options.seed ?? randomInt(2 ** 32);
    this.step = this.resumed?.step ?? 0;
    if (this.resumed !== null) this.lastCheckpoint = { step: this.resumed.step, path: this.resumed.path };
    this.log =
      options.report_to === "none" ? null : new TensorBoardLog(this.folder.path, { folder: options.logging_dir });
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
        this.record(value);
        yield value;
      }
    } catch (e) {
      const error = explainedFailure(e, { outputDir: this.folder.path, options: this.options });
      const failed: TrainEvent = {
        type: "run_failed",
        step: this.step,
        message: error.message,
        checkpoint: this.lastCheckpoint?.path ?? null,
      };
      this.tryRecord(failed);
      yield failed;
      throw error;
    } finally {
      await events.return(undefined as never);
      this.prepared?.dispose();
      this.log?.close();
      this.folder.close();
    }
  }

  /** Progress is for whoever looks on; the rest is kept. */
  private record(event: TrainEvent): void {
    if (event.type === "preparing" || event.type === "validating") return;
    this.folder.write(event);
    this.log?.record(event);
  }

  /** The disk may be what failed. */
  private tryRecord(event: TrainEvent): void {
    try {
      this.record(event);
    } catch {
      // the error that ended the run is thrown to the caller, and says more than this one
    }
  }

  private async *phases(): AsyncGenerator<TrainEvent, TrainResult> {
    const { seed, precision, folder } = this;
    this.removeOldSamples();
    const prepared = yield* this.prepare();
    if (prepared === null) return yield* this.interrupt(null);
    this.prepared = prepared;
    const { plan, state, manifest } = prepared;
    await writeManifest(folder.path, manifest, {
      steps: plan.totalSteps,
      epochs: plan.totalEpochs,
      results: null,
      seconds: this.seconds,
    });
    yield {
      type: "run_started",
      output_dir: folder.path,
      device: precision.device,
      dtype: precision.weights,
      seed,
      total_steps: plan.totalSteps,
      total_epochs: plan.totalEpochs,
      first_step: this.step,
      trained_parameters: state.trainable.size,
    };
    const whole = (yield* this.firstLook(prepared)) && (yield* this.loop(prepared));
    return whole ? yield* this.finish(prepared) : yield* this.interrupt(prepared);
  }

  /** Pictures that are about to be drawn again, and those of a prompt that is no longer asked for. */
  private removeOldSamples(): void {
    const { path } = this.folder;
    const { prompt } = readHistory(join(path, EVENTS_FILE));
    const asked = this.options.validation_prompt;
    removeSamplesAfter(path, prompt === null || asked === null || asked === prompt ? this.step : -1);
  }

  /** Null when the signal ended it; what was encoded by then is in the caches. */
  private async *prepare(): AsyncGenerator<TrainEvent, PreparedRun | null> {
    const { options, seed, precision, resumed, started, signal, folder } = this;
    const preparing = prepareRun({ options, seed, precision, runFolder: folder.path, resumed, started, signal });
    try {
      for (;;) {
        const { value, done } = await preparing.next();
        if (done) return value;
        yield value;
        await setImmediate();
        if (signal?.aborted) return null;
      }
    } catch (e) {
      // a download or a reader that the signal stopped
      if (signal?.aborted) return null;
      throw e;
    } finally {
      await preparing.return(undefined as never);
    }
  }

  private async *firstLook({ validation }: PreparedRun): AsyncGenerator<TrainEvent, boolean> {
    const { signal, step } = this;
    const measured = readHistory(join(this.folder.path, EVENTS_FILE)).validations.some((v) => v.step === step);
    return yield* validation.before(step, { signal, measured });
  }

  /** All steps; false when the signal ended it. */
  private async *loop(prepared: PreparedRun): AsyncGenerator<TrainEvent, boolean> {
    const { plan, state, ema, validation } = prepared;
    const { signal } = this;
    const rates = rateSchedule(this.options, state.trainable, plan);
    for (const planned of plan.steps(this.step + 1)) {
      if (signal?.aborted) return false;
      const began = performance.now();
      const lr = rates(planned.step);
      const result = await this.takeStep(prepared, { planned, lr });
      this.step = planned.step;
      ema?.update(planned.step);
      this.pace.add((performance.now() - began) / 1000, picturesOf(planned));
      yield this.told(result, { planned, lr, totalSteps: plan.totalSteps });
      if (result.pictures.length > 0) yield { type: "picture_losses", step: planned.step, losses: result.pictures };
      if (planned.step % this.options.checkpointing_steps === 0) yield this.checkpoint(prepared);
      if (validation.isDue(planned.step) && !(yield* validation.at(planned.step, { signal }))) return false;
      await setImmediate();
    }
    return true;
  }

  private async takeStep(
    { source, state, plan }: PreparedRun,
    { planned, lr }: { planned: PlannedStep; lr: readonly number[] },
  ): Promise<StepResult> {
    const { batches, dispose } = await source.batches(planned.batches, plan.at(planned.step + 1)?.batches);
    try {
      return trainStep(state, batches, { step: planned.step, lr });
    } catch (e) {
      if (e instanceof NotFiniteError) e.message += whereNotFinite(state, batches, { step: planned.step });
      throw e;
    } finally {
      dispose();
    }
  }

  private told(
    { loss, gradNorm }: StepResult,
    { planned, lr, totalSteps }: { planned: PlannedStep; lr: readonly number[]; totalSteps: number },
  ): TrainEvent {
    const { secondsPerStep } = this.pace;
    return {
      type: "step",
      step: planned.step,
      epoch: planned.epoch,
      loss,
      lr: lr[0] as number,
      ...(lr.length > 1 && lr[1] !== lr[0] ? { text_encoder_lr: lr[1] as number } : {}),
      grad_norm: gradNorm,
      images_per_second: picturesOf(planned) / secondsPerStep,
      steps_per_second: 1 / secondsPerStep,
      memory_bytes: process.memoryUsage.rss(),
      eta_seconds: (totalSteps - planned.step) * secondsPerStep,
    };
  }

  private checkpoint({ state, ema, set }: PreparedRun): TrainEvent {
    const path = this.folder.writeCheckpoint(this.step, (folder) =>
      writeCheckpoint(folder, state, {
        step: this.step,
        seed: this.seed,
        options: resultOptions(this.options),
        data: set.sha256,
        ema,
      }),
    );
    this.folder.rotate(this.options.checkpoints_total_limit);
    this.lastCheckpoint = { step: this.step, path };
    return { type: "checkpoint", step: this.step, path };
  }

  /** @param prepared null when it was stopped before it could begin */
  private async *interrupt(prepared: PreparedRun | null): AsyncGenerator<TrainEvent, TrainResult> {
    if (prepared !== null && this.step > 0 && this.lastCheckpoint?.step !== this.step) yield this.checkpoint(prepared);
    await this.report();
    yield {
      type: "run_interrupted",
      step: this.step,
      checkpoint: this.lastCheckpoint?.path ?? null,
      seconds: this.seconds,
    };
    return { outputDir: this.folder.path, steps: this.step, files: [], interrupted: true };
  }

  private report(): Promise<RunReport> {
    return writeRunReport(this.folder.path, { eventsFile: EVENTS_FILE });
  }

  /** Writes the results. */
  private async *finish({ state, plan, ema, manifest }: PreparedRun): AsyncGenerator<TrainEvent, TrainResult> {
    const write = () => scope(() => this.writeWeights(state));
    const results = await (ema === null ? write() : ema.during(write));
    const report = await this.report();
    const files = await writeManifest(this.folder.path, manifest, {
      steps: this.step,
      epochs: plan.totalEpochs,
      results,
      seconds: this.seconds,
    });
    yield* this.tellOthers();
    const { imagesPerSecond } = this.pace;
    yield {
      type: "run_finished",
      step: this.step,
      epoch: plan.totalEpochs,
      output_dir: this.folder.path,
      files,
      ...report,
      ...(imagesPerSecond === null ? {} : { images_per_second: imagesPerSecond }),
      seconds: this.seconds,
    };
    return { outputDir: this.folder.path, steps: this.step, files: files.map((f) => f.path), interrupted: false };
  }

  /** Writes the model card, and publishes if asked; neither can lose the finished run. */
  private async *tellOthers(): AsyncGenerator<TrainEvent> {
    const { options, signal, folder } = this;
    const warning = writeCardAtEnd(folder.path);
    if (warning !== undefined) yield warning;
    if (!options.push_to_hub) return;
    const pushed = await pushToHub(folder.path, options, signal === undefined ? {} : { signal });
    yield pushed.warning ?? { type: "published", url: pushed.url };
  }

  /** Names of the files with what was trained. */
  private writeWeights({ trainable, model }: StepState): string[] {
    const at = (name: string) => join(this.folder.path, name);
    const { variant, pretrained_vae_model_name_or_path: vae } = this.options;
    if (trainable.adapter === null)
      return writeFullModel(model, this.folder.path, {
        source: model.source,
        variant: variant ?? undefined,
        vae: vae ?? undefined,
      });
    writeDiffusersLora(at(ADAPTER_FILE), trainable.adapter);
    writeKohyaLora(at(KOHYA_FILE), trainable.adapter, {
      unet: model.unet.config,
      alphaTensor: (alpha) => tensor(alpha),
    });
    return [ADAPTER_FILE, KOHYA_FILE];
  }
}
