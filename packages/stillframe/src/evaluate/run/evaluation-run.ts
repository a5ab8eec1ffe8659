import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { EvaluateEvent, EvaluateOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import { type ModelFolder, resolveModels } from "../../prepare/model-folder.js";
import type { Evaluation } from "../evaluation.js";
import type { FeatureExtractor } from "../extractor.js";
import type { FeatureSet } from "../inputs.js";
import { metricTable } from "../metric-table.js";
import { checkExpected, recognizes } from "../recognition.js";
import { type WrittenReport, writeReport } from "../report.js";
import type { Gaussian } from "../statistics.js";
import { planArms } from "./arms.js";
import { assemble } from "./assemble.js";
import { findCopies } from "./copies.js";
import { type ArmModels, type ArmPictures, drawArms, plannedPictures } from "./draw-arms.js";
import { openGenerated } from "./generated-folders.js";
import { findNetworks, leftOut, type Network, type NetworkFiles, type Networks, openNetworks } from "./networks.js";
import { type Numbers, NumbersOf } from "./numbers.js";
import { type Prompt, plainPrompt, readPrompts } from "./prompts.js";
import { isStatistics, openPictures, openStatistics, type PictureSet } from "./real-pictures.js";
import { writeSetStatistics } from "./set-statistics.js";
import { sizeOf, type TakenFeatures, takeFeatures } from "./take-features.js";

/** Density and coverage look at five neighbours and need six pictures; with `select`, each half does. */
const MINIMUM = 6;

/** What an evaluation leaves. */
export interface EvaluateResult {
  readonly evaluation: Evaluation;
  readonly files: WrittenReport;
}

export interface EvaluationContext {
  readonly signal: AbortSignal | undefined;
  /** Networks of the caller's own. */
  readonly extractors: readonly Network[];
}

interface Planned {
  readonly arms: readonly ArmPictures[];
  /** Prompts of the style; 0 where pictures were found and not generated. */
  readonly prompts: number;
  readonly models: ArmModels | null;
}

/** The real pictures, or their statistics and no pictures. */
interface Real extends PictureSet {
  readonly statistics: Gaussian | null;
}

/** One evaluation, from options to files. */
export class EvaluationRun {
  private readonly options: EvaluateOptions;
  private readonly context: EvaluationContext;
  private readonly began = performance.now();
  private drawn = 0;

  constructor(options: EvaluateOptions, context: EvaluationContext) {
    this.options = options;
    this.context = context;
  }

  private get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  private get minimum(): number {
    return this.options.select === null ? MINIMUM : 2 * MINIMUM;
  }

  /** Tells the events; the result, or null when the signal ended it. */
  async *run(): AsyncGenerator<EvaluateEvent, EvaluateResult | null> {
    const { signal } = this.context;
    const phases = this.phases();
    try {
      for (;;) {
        const { value, done } = await phases.next();
        if (done) return value;
        if (value.type === "drawn") this.drawn++;
        yield value;
        signal?.throwIfAborted();
      }
    } catch (e) {
      if (!signal?.aborted || e !== signal.reason) throw e;
      yield { type: "evaluation_interrupted", pictures: this.drawn, seconds: this.seconds };
      return null;
    } finally {
      await phases.return(null);
    }
  }

  private async *phases(): AsyncGenerator<EvaluateEvent, EvaluateResult | null> {
    const { options, context } = this;
    const { signal } = context;
    // All that can be wrong is found before the first picture is drawn: drawing takes hours.
    const files = yield* findNetworks(options, { signal });
    const extractors = await this.checkedNetworks(files);
    const real = yield* this.real();
    const training = options.training === null ? null : yield* this.pictures("training", options.training, 1);
    const planned = yield* this.plan(real);
    const { expected } = planned.arms[0] as ArmPictures;
    for (const extractor of extractors)
      if (recognizes(extractor) && expected !== null) checkExpected(extractor.recognition, expected);
    const missing = leftOut(options, { own: context.extractors.map((n) => n.kind), images: this.imagesOf(planned) });
    mkdirSync(options.output_dir, { recursive: true });
    yield {
      type: "evaluation_started",
      output_dir: options.output_dir,
      real: real.paths.length,
      arms: planned.arms.map(({ arm, paths }) => ({ name: arm.name, pictures: paths.length })),
      networks: extractors.map((e) => e.name),
    };
    for (const message of missing) yield { type: "left_out", message };
    if (planned.models !== null) yield* drawArms(planned.arms, { options, models: planned.models, signal });
    const opened = await openNetworks(options, files, context.extractors);
    try {
      return yield* this.measure({ real, training, planned, missing, opened });
    } finally {
      opened.dispose();
    }
  }

  /** Loads the networks and lets them go again, so that their memory is free while pictures are drawn. */
  private async checkedNetworks(files: NetworkFiles): Promise<FeatureExtractor[]> {
    const opened = await openNetworks(this.options, files, this.context.extractors);
    const found = opened.networks.map((n) => n.extractor);
    opened.dispose();
    if (found.length === 0) throw invalid("inception, dinov2, clip, classifier", "a network to measure with", "none");
    return found;
  }

  private async *real(): AsyncGenerator<EvaluateEvent, Real> {
    const { real } = this.options;
    if (!isStatistics(real)) return { ...(yield* this.pictures("real", real, this.minimum)), statistics: null };
    return { folder: real, paths: [], captions: [], statistics: openStatistics(real) };
  }

  private pictures(name: string, place: string, minimum: number): AsyncGenerator<EvaluateEvent, PictureSet> {
    const { options, context } = this;
    const unpacked = join(options.output_dir, "unpacked", name);
    return openPictures(place, options, { name, unpacked, minimum, signal: context.signal });
  }

  private async *plan(real: PictureSet): AsyncGenerator<EvaluateEvent, Planned> {
    const { options } = this;
    const captionColumn = options.caption_column;
    const read = (name: "prompts" | "generic_prompts", baseField: string | null) => {
      const path = options[name];
      return path === null ? null : readPrompts(path, { name, captionColumn, baseField });
    };
    const given = await read("prompts", options.base_prompt_field);
    if (options.generated.length > 0) {
      const arms = await openGenerated(options.generated, { prompts: given, captionColumn, minimum: this.minimum });
      return { arms, prompts: 0, models: null };
    }
    const all = given ?? real.captions.flatMap((caption) => (caption === null ? [] : [plainPrompt(caption)]));
    if (all.length === 0)
      throw invalid("prompts", "a file of prompts, or captions with the real pictures", `none in ${options.real}`);
    const prompts = all.slice(0, options.max_prompts ?? all.length);
    const generic = await read("generic_prompts", null);
    for (const [name, list, least] of [
      ["prompts", prompts, this.minimum],
      ["generic_prompts", generic, MINIMUM],
    ] as const)
      if (list !== null && list.length * options.num_images < least)
        throw invalid(
          name,
          `prompts for at least ${least} pictures in an arm`,
          `${list.length} × ${options.num_images} (num_images)`,
        );
    const arms = planArms(options, prompts, generic).map((arm) =>
      plannedPictures(arm, arm.generic ? (generic as Prompt[]) : prompts, options),
    );
    return { arms, prompts: prompts.length, models: yield* this.models(arms) };
  }

  private async *models(arms: readonly ArmPictures[]): AsyncGenerator<EvaluateEvent, ArmModels> {
    const { options, context } = this;
    const resolve = async function* (more: Partial<EvaluateOptions>) {
      const named = { ...options, pretrained_model_name_or_path: options.pretrained_model_name_or_path as string };
      const resolving = resolveModels({ ...named, ...more } as typeof named, { signal: context.signal });
      let next = await resolving.next();
      for (; !next.done; next = await resolving.next())
        if (next.value.type === "preparing" || next.value.type === "warning") yield next.value;
      return next.value;
    };
    const { model: base, vae } = yield* resolve({});
    const others = new Map<string, ModelFolder>();
    for (const { arm } of arms)
      if (arm.model !== null) {
        const own = { pretrained_model_name_or_path: arm.model, revision: null, variant: null };
        others.set(arm.model, (yield* resolve(own)).model);
      }
    return { base, vae, others };
  }

  /** Pictures of each prompt. */
  private imagesOf({ arms, models }: Planned): number {
    if (models !== null) return this.options.num_images;
    const asked = arms[0]?.asked ?? null;
    return asked === null ? 1 : asked.length / new Set(asked).size;
  }

  private async *measure(given: {
    real: Real;
    training: PictureSet | null;
    planned: Planned;
    missing: readonly string[];
    opened: Networks;
  }): AsyncGenerator<EvaluateEvent, EvaluateResult> {
    const { options, context } = this;
    const { real, training, planned, missing, opened } = given;
    const { signal } = context;
    const fit = options.real_fit === "crop";
    const { statistics } = real;
    const taken: TakenFeatures[] = [];
    try {
      for (const network of usedWith(statistics, opened.networks))
        taken.push(
          yield* takeFeatures(
            network,
            { real: statistics === null ? real.paths : null, arms: planned.arms },
            { fit, batchSize: options.batch_size, signal },
          ),
        );
      const { arms } = planned;
      const numbers: Numbers = yield* new NumbersOf({ options, arms, taken, statistics, opened, signal }).all();
      const exchanged = options.write_statistics ? writeSetStatistics(options.output_dir, { taken, arms }) : [];
      const copied =
        training === null
          ? null
          : yield* findCopies(taken, training.paths, {
              outputDir: options.output_dir,
              arm: numbers.main,
              name: (arms[numbers.main] as ArmPictures).arm.name,
              fit,
              batchSize: options.batch_size,
              signal,
            });
      const evaluation = assemble({
        ...numbers,
        options,
        real,
        arms: planned.arms,
        taken,
        scorers: opened.scorers,
        prompts: planned.prompts,
        copies: copied?.copies,
        caveats: [
          ...numbers.caveats,
          ...numbers.measured.caveats,
          ...trainedCaveat(copied?.trained ?? 0),
          ...(training === null ? [NO_TRAINING] : []),
          ...sizeCaveat(taken, fit),
          ...missing,
        ],
        created: new Date(),
      });
      return yield* this.write(evaluation, exchanged);
    } finally {
      for (const { real: set, arms } of taken) for (const own of [set, ...arms]) own?.features.dispose();
      statistics?.mean.dispose();
      statistics?.covariance.dispose();
    }
  }

  private async *write(
    evaluation: Evaluation,
    exchanged: readonly string[],
  ): AsyncGenerator<EvaluateEvent, EvaluateResult> {
    const { output_dir } = this.options;
    const files = await writeReport(output_dir, evaluation);
    const paths = [files.page, files.json, files.table, ...files.plots, ...exchanged].map((path) =>
      relative(output_dir, path),
    );
    yield { type: "evaluated", output_dir, table: metricTable(evaluation), files: paths, seconds: this.seconds };
    return { evaluation, files };
  }
}

/** Against statistics alone, the network of FID with the clean resize has nothing to measure. */
const usedWith = (statistics: Gaussian | null, networks: readonly Network[]): readonly Network[] =>
  statistics === null ? networks : networks.filter((n) => n.kind !== "inception" || n.statistics === true);

const NO_TRAINING =
  "Whether pictures copy training pictures was not looked at, and neither whether the real pictures were trained on: no training pictures were given (training).";

function trainedCaveat(trained: number): string[] {
  if (trained === 0) return [];
  return [
    `${trained} of the real pictures ${trained === 1 ? "is a training picture" : "are training pictures"}: the distances of a LoRA to what it was trained on come out too low. Measure with pictures that were held out.`,
  ];
}

/** What the sizes of real and generated pictures do to the numbers. */
function sizeCaveat(taken: readonly TakenFeatures[], fit: boolean): string[] {
  const { real, arms } = taken[0] as TakenFeatures;
  if (real === null) return [];
  const { width, height } = sizeOf(arms[0] as FeatureSet);
  if (!fit) {
    const others = real.pictures.filter((p) => p.width !== width || p.height !== height).length;
    return others === 0
      ? []
      : [
          `${others} real pictures have another size than the generated ones (${width} × ${height}) and were given to the networks as they are: a part of every distance is their shape and sharpness.`,
        ];
  }
  const small = real.pictures.filter((p) => Math.min(p.width / width, p.height / height) < 1).length;
  return small === 0
    ? []
    : [
        `${small} real pictures are smaller than the generated ones (${width} × ${height}) and were enlarged: a part of every distance is their softness.`,
      ];
}
