import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  type PrepareEvent,
  type PrepareOptions,
  type PrepareOptionsInput,
  type PrepareReport,
  PrepareReportSchema,
  parsePrepareOptions,
  type TrainEvent,
} from "@stillframe/schema";
import { json, writeWhole } from "../files/write-whole.js";
import { type Target, targetsOf } from "../train/buckets.js";
import { tokenLimit } from "../train/captions.js";
import { BatchSource, cacheFolder, cropsOf } from "../train/prepare.js";
import type { Showing } from "../train/step-plan.js";
import { readingTrainingSet, type TrainingPicture, type TrainingSet } from "../train/training-set.js";
import { type Encoders, hasModel, loadEncoders, type ModelPreparation } from "./encoders.js";
import { type Examination, examinePicture } from "./examine.js";
import { type CaptionMeasure, type Findings, reportOf, wordMeasure } from "./report.js";
import { drawReport } from "./report-picture.js";

/** The files of a report. */
export const REPORT_FILE = "prepare.json";
export const PICTURE_FILE = "prepare.png";

const tokenMeasure = ({ models }: Encoders, { max_token_length }: PrepareOptions): CaptionMeasure => ({
  unit: "tokens",
  length: (caption) => models.tokenizers[0].tokenize(caption).length,
  limit: tokenLimit(max_token_length),
});

/** Every way in which a run with these options can show a picture, and each of its captions. */
function* everyShowing({ pictures }: TrainingSet, options: PrepareOptions): IterableIterator<{ batches: Showing[][] }> {
  const crops = cropsOf({ center_crop: options.center_crop, cache_latents: true });
  const drops = options.caption_dropout > 0 || options.proportion_empty_prompts > 0;
  for (const [picture, { captions }] of pictures.entries()) {
    const plain: Showing = { picture, epoch: 0, caption: 0, flipped: false, crop: 0, dropCaption: false };
    const showings: Showing[] = captions.map((_, caption) => ({ ...plain, caption }));
    if (drops) showings.push({ ...plain, dropCaption: true });
    for (let crop = 0; crop < crops; crop++)
      for (const flipped of options.random_flip ? [false, true] : [false]) showings.push({ ...plain, crop, flipped });
    yield { batches: [showings] };
  }
}

/** Puts everything that such a run will look up into its caches. */
async function* encodeAll(
  set: TrainingSet,
  options: ModelPreparation,
  encoders: Encoders,
): AsyncGenerator<TrainEvent, NonNullable<PrepareReport["encoded"]>> {
  const { targets, bucketOf } = targetsOf(set.pictures, options);
  const source = new BatchSource(encoders.models, set.pictures, {
    options: { ...options, cache_latents: true },
    cutting: { seed: 0, centre: options.center_crop, targetOf: (i) => targets[bucketOf[i] as number] as Target },
    vaeKey: encoders.vaeKey,
    encodersKey: encoders.encodersKey,
  });
  const counts = { pictures: 0, pictures_made: 0, captions: 0, captions_made: 0 };
  try {
    for await (const event of source.encode(everyShowing(set, options))) {
      if (event.type === "preparing" && event.stage === "encode_pictures") {
        if (counts.pictures > 0) counts.pictures_made += 1;
        counts.pictures = event.total;
      }
      if (event.type === "preparing" && event.stage === "encode_captions") {
        if (counts.captions > 0) counts.captions_made += 1;
        counts.captions = event.total;
      }
      yield event;
    }
  } finally {
    source.dispose();
  }
  return { model: options.pretrained_model_name_or_path, cache: cacheFolder(options), ...counts };
}

/** One preparation, from options to files. */
class Preparation {
  private readonly options: PrepareOptions;
  private readonly signal: AbortSignal | undefined;
  private readonly began = performance.now();

  constructor(options: PrepareOptions, signal: AbortSignal | undefined) {
    this.options = options;
    this.signal = signal;
  }

  private get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  async *run(): AsyncGenerator<PrepareEvent, PrepareReport | null> {
    const phases = this.phases();
    try {
      for (;;) {
        const { value, done } = await phases.next();
        if (done) return value;
        yield value as PrepareEvent;
        this.signal?.throwIfAborted();
      }
    } catch (e) {
      if (!this.signal?.aborted || e !== this.signal.reason) throw e;
      yield { type: "prepare_interrupted", seconds: this.seconds };
      return null;
    } finally {
      await phases.return(null);
    }
  }

  private async *phases(): AsyncGenerator<PrepareEvent | TrainEvent, PrepareReport | null> {
    const { options, signal } = this;
    const encoders = hasModel(options) ? yield* loadEncoders(options, { signal }) : null;
    try {
      const findings = yield* this.look(encoders === null ? wordMeasure : tokenMeasure(encoders, options));
      const encoded = hasModel(options) && encoders !== null ? yield* encodeAll(findings.set, options, encoders) : null;
      return yield* this.tell({ ...reportOf(findings, options), encoded }, findings);
    } finally {
      encoders?.dispose();
    }
  }

  private async *look(measure: CaptionMeasure): AsyncGenerator<TrainEvent, Findings> {
    const examined = new Map<TrainingPicture, Examination>();
    const look = async (picture: TrainingPicture, pixels: Parameters<typeof examinePicture>[0]) => {
      examined.set(picture, await examinePicture(pixels));
    };
    const set = yield* readingTrainingSet({ ...this.options, validation_split: 0 }, this.options.seed, {
      signal: this.signal,
      look,
    });
    return { set, examined, measure };
  }

  private async *tell(report: PrepareReport, { set }: Findings): AsyncGenerator<PrepareEvent, PrepareReport> {
    const { output_dir } = this.options;
    PrepareReportSchema.parse(report);
    const files = [
      { path: REPORT_FILE, content: Buffer.from(json(report)) },
      { path: PICTURE_FILE, content: await drawReport(report, set.pictures) },
    ].map(({ path, content }) => {
      writeWhole(join(output_dir, path), content);
      return { path, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex") };
    });
    yield { type: "prepared", output_dir, report, files, seconds: this.seconds };
    return report;
  }
}

/**
 * Looks at captioned pictures as training will see them, and tells: sizes and buckets, caption lengths, repeated
 * openings, near-duplicates, blurred, broken and left-out pictures. With a model, everything that training will look up
 * is put into its caches. Writes `prepare.json` and `prepare.png`.
 *
 * @returns the report; null when `signal` ended it
 * @throws OptionsError, InvalidArgumentError, FileFormatError, HubError on what it was given
 */
export async function* prepare(
  options: PrepareOptionsInput,
  { signal }: { signal?: AbortSignal } = {},
): AsyncGenerator<PrepareEvent, PrepareReport | null> {
  return yield* new Preparation(parsePrepareOptions(options as Record<string, unknown>), signal).run();
}

export { reportTable } from "./report-table.js";
