import { setImmediate } from "node:timers/promises";
import type { EvaluateEvent, EvaluateOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import type { Evaluation, EvaluationCurve } from "../evaluation.js";
import type { FeatureSet } from "../inputs.js";
import { METRIC_INFO, type Metric } from "../metric.js";
import { recognizes } from "../recognition.js";
import { halves, selectBest } from "../selection.js";
import type { Gaussian } from "../statistics.js";
import { curvesOf } from "./assemble.js";
import type { ArmPictures } from "./draw-arms.js";
import { clustersOf, type Measured, measureArms, measureDrift, rowsOf, selectRows, type View } from "./measure-arms.js";
import type { Networks } from "./networks.js";
import { recognisedIn } from "./recognised.js";
import { type ArmScores, clipScores, diversityOf, meanScores } from "./scores.js";
import { sizeOf, type TakenFeatures, takeSet } from "./take-features.js";

/** What was measured of all arms. */
export interface Numbers {
  readonly view: View;
  readonly generic: readonly number[];
  readonly measured: Measured;
  readonly curves: readonly EvaluationCurve[];
  readonly recognition: NonNullable<Evaluation["recognition"]>;
  readonly caveats: readonly string[];
  /** The arm that stands for the training: the checkpoint chosen, the last LoRA at full strength, another model; else the base. */
  readonly main: number;
}

interface NumbersInput {
  readonly options: EvaluateOptions;
  readonly arms: readonly ArmPictures[];
  readonly taken: readonly TakenFeatures[];
  /** Those of the real pictures, where they were given in their place. */
  readonly statistics: Gaussian | null;
  readonly opened: Networks;
  readonly signal: AbortSignal | undefined;
}

/** By which of these the best checkpoint is chosen unless said: unbiased ones and those that agree with people first. */
const CHOICES: readonly Metric[] = ["fd_dinov2", "kid", "cmmd", "classifier_fd"];

/** Measures all arms: the distances, the scores, the choice among checkpoints. */
export class NumbersOf {
  private readonly input: NumbersInput;
  private readonly styled: readonly number[];
  private readonly generic: readonly number[];

  constructor(input: NumbersInput) {
    this.input = input;
    const indices = input.arms.map((_, i) => i);
    this.styled = indices.filter((i) => !this.arm(i).generic);
    this.generic = indices.filter((i) => this.arm(i).generic);
  }

  private arm(i: number) {
    return (this.input.arms[i] as ArmPictures).arm;
  }

  async *all(): AsyncGenerator<EvaluateEvent, Numbers> {
    const { select } = this.input.options;
    const chosen = select === null ? null : yield* this.choose();
    const view: View = chosen?.view ?? { arms: this.styled, rows: null, real: null };
    const measured = yield* this.measureView(view);
    const shown = view.arms.map((i) => this.input.arms[i] as ArmPictures);
    const scored = yield* this.scores(view);
    const recognised = this.recognised(view);
    const whole = {
      ...measured,
      values: [...measured.values, ...recognised.values, ...scored.values, ...(yield* this.drift())],
      differences: [...measured.differences, ...recognised.differences, ...scored.differences],
    };
    return {
      view,
      generic: this.generic,
      measured: whole,
      recognition: recognised.recognition,
      curves: chosen?.curves ?? curvesOf(whole.values, shown, { note: "" }),
      caveats: [
        ...(chosen === null ? [] : [chosen.caveat]),
        ...recognised.caveats,
        ...scored.caveats,
        ...this.genericCaveat(),
      ],
      main: chosen?.best ?? this.main(view),
    };
  }

  private main({ arms }: View): number {
    const of = (...kinds: string[]) => arms.filter((i) => kinds.includes(this.arm(i).kind));
    const lora = of("lora", "checkpoint", "strength", "other");
    const full = lora.filter((i) => this.arm(i).strength === 1);
    return full.at(-1) ?? lora.at(-1) ?? of("model").at(-1) ?? (arms[0] as number);
  }

  private measureView(view: View): AsyncGenerator<EvaluateEvent, Measured> {
    const { taken, arms, statistics, options, signal } = this.input;
    return measureArms(taken, view, { arms, statistics, resamples: options.resamples, seed: options.seed, signal });
  }

  /** Measures all checkpoints on one half of prompts and real pictures; the best one, and the other half to report on. */
  private async *choose(): AsyncGenerator<
    EvaluateEvent,
    { view: View; best: number; curves: EvaluationCurve[]; caveat: string }
  > {
    const { options, arms, taken } = this.input;
    const [first] = taken as [TakenFeatures];
    const pictures = arms[0] as ArmPictures;
    const clusters = pictures.asked;
    if (clusters !== null && new Set(clusters).size < 2)
      throw invalid("prompts", "at least 2 different prompts, to choose by one half and report on the other,", 1);
    const rows = halves(pictures.paths.length, { seed: options.seed, ...(clusters === null ? {} : { clusters }) });
    const real = halves((first.real as FeatureSet).pictures.length, { seed: options.seed });
    const checkpoints = this.styled.filter((i) => this.arm(i).kind === "checkpoint");
    const validation = { arms: [0, ...checkpoints], rows: rows.validation, real: real.validation };
    const { values } = yield* this.measureView(validation);
    const metric = this.metricOf(values.map((v) => v.metric));
    const network = values.find((v) => v.metric === metric)?.network;
    const candidates = checkpoints.map((i) => ({
      i,
      value: values.find((v) => v.metric === metric && v.network === network && v.arm === this.arm(i).name)
        ?.value as number,
    }));
    const best = selectBest(candidates, metric);
    yield { type: "selected", arm: this.arm(best.i).name, metric, value: best.value };
    const others = checkpoints.filter((i) => i !== best.i);
    return {
      best: best.i,
      view: { arms: this.styled.filter((i) => !others.includes(i)), rows: rows.test, real: real.test },
      curves: curvesOf(values, rowsOf(arms, validation.arms), { note: ", validation half" }),
      caveat: `${this.arm(best.i).name} was chosen among ${checkpoints.length} checkpoints by ${METRIC_INFO[metric].label} on one half of the prompts and real pictures; every number in the table is measured on the other half, which took no part in the choice.`,
    };
  }

  private metricOf(measured: readonly Metric[]): Metric {
    const { select_metric: asked } = this.input.options;
    if (asked !== null && !measured.includes(asked))
      throw invalid("select_metric", `a metric that is measured (${[...new Set(measured)].join(", ")})`, asked);
    const metric = asked ?? CHOICES.find((m) => measured.includes(m));
    if (metric === undefined) throw invalid("select_metric", "a metric that one can choose by", "none measured");
    return metric;
  }

  /** How far the LoRA moved pictures that have nothing to do with the style. */
  private async *drift(): AsyncGenerator<EvaluateEvent, Measured["values"]> {
    const [base, lora] = this.generic;
    if (base === undefined || lora === undefined) return [];
    const { taken, arms, options, signal } = this.input;
    const { resamples, seed } = options;
    return yield* measureDrift(taken, { base, lora }, { arms, statistics: null, resamples, seed, signal });
  }

  /** What networks that can say so see in the pictures: in the view's arms, and in those of generic prompts. */
  private recognised(view: View): Found & Pick<Numbers, "recognition"> {
    const { taken, arms, options } = this.input;
    const found: Found = { values: [], differences: [], caveats: [] };
    const groups = [view, { arms: this.generic, rows: null, real: null }].filter((group) => group.arms.length > 0);
    const recognition = taken.flatMap((set) => {
      const { extractor } = set.network;
      if (!recognizes(extractor)) return [];
      const seen = groups.flatMap((group) => recognisedIn(set, group, { ...options, arms }) ?? []);
      for (const group of seen) add(found, { ...group, caveats: [] });
      const { style, accuracy } = extractor.recognition;
      return [{ network: extractor.name, style, accuracy: [...accuracy], arms: seen.flatMap((group) => group.arms) }];
    });
    if (recognition.length > 0 && (arms[view.arms[0] as number] as ArmPictures).expected === null)
      found.caveats.push(
        "Of what is recognised the style alone is given: no prompt says in a field asked what its picture should show.",
      );
    return { ...found, recognition };
  }

  private genericCaveat(): string[] {
    if (this.generic.length < 2) return [];
    return [
      "Arms of generic prompts are not compared with the real pictures: their distances are those of the LoRA's pictures from the base's, 0 for a LoRA that changes nothing, and their scores differ from the base's of the same prompts.",
    ];
  }

  /** CLIP score and LPIPS diversity: of the view's arms with each other, and of the generic arms with each other. */
  private async *scores(view: View): AsyncGenerator<EvaluateEvent, Found> {
    const { opened } = this.input;
    const found: Found = { values: [], differences: [], caveats: [] };
    for (const group of [view, { arms: this.generic, rows: null, real: null }]) {
      if (group.arms.length === 0) continue;
      if (opened.clip !== null) add(found, yield* this.clipScores(group, opened.clip));
      if (opened.lpips !== null) add(found, yield* this.diversity(group, opened.lpips));
    }
    return found;
  }

  private async *clipScores(
    view: View,
    clip: NonNullable<Networks["clip"]>,
  ): AsyncGenerator<EvaluateEvent, ReturnType<typeof meanScores> & { caveats: string[] }> {
    const { arms, options, taken, signal } = this.input;
    const first = arms[view.arms[0] as number] as ArmPictures;
    if (first.asked === null)
      return {
        values: [],
        differences: [],
        caveats: ["CLIP score is left out: what the pictures show is not known (prompts)."],
      };
    const texts = rowsOf(first.asked, view.rows);
    const squared = taken.find(
      (t) => t.network.kind === "clip" && t.network.extractor.dimension === clip.extractor.dimension,
    );
    const scores: ArmScores[] = [];
    let cut = 0;
    let different = 0;
    for (const i of view.arms) {
      const set = squared?.arms[i];
      const { width, height } = set === undefined ? { width: 0, height: 1 } : sizeOf(set);
      const { arm, paths } = arms[i] as ArmPictures;
      // Of square pictures the two ways to make a square are one.
      const own =
        set !== undefined && width === height
          ? null
          : yield* takeSet(arm.name, paths, clip.extractor, { batchSize: options.batch_size, signal });
      const features = selectRows((own ?? (set as FeatureSet)).features, view.rows);
      const found = clipScores(clip.model, features, texts);
      features.dispose();
      own?.features.dispose();
      scores.push({ arm: arm.name, values: found.values });
      ({ cut, different } = found);
    }
    const { resamples, seed } = options;
    return {
      ...meanScores("clip_score", scores, { clusters: clustersOf(first, view.rows), resamples, seed }),
      caveats: [
        "CLIP score compares pictures with the prompts without prefix and style words, the same for every arm; it grows with literal words and saturates.",
        ...(cut === 0
          ? []
          : [
              `${cut} of ${different} prompts are longer than CLIP reads: what they say at their end does not count for CLIP score.`,
            ]),
      ],
    };
  }

  private async *diversity(
    view: View,
    lpips: NonNullable<Networks["lpips"]>,
  ): AsyncGenerator<EvaluateEvent, ReturnType<typeof meanScores> & { caveats: string[] }> {
    const { arms, options, signal } = this.input;
    const scores: ArmScores[] = [];
    for (const i of view.arms) {
      const { arm, paths, asked } = arms[i] as ArmPictures;
      const groups = groupsOf(rowsOf(paths, view.rows), asked === null ? null : rowsOf(asked, view.rows));
      if (groups.length === 0) return { values: [], differences: [], caveats: [] };
      const values: number[] = [];
      for await (const value of diversityOf(lpips, groups)) {
        values.push(value);
        yield {
          type: "measuring",
          metric: "lpips_diversity",
          arm: arm.name,
          done: values.length,
          total: groups.length,
        };
        await setImmediate();
        signal?.throwIfAborted();
      }
      scores.push({ arm: arm.name, values: Float64Array.from(values) });
    }
    const { resamples, seed } = options;
    return { ...meanScores("lpips_diversity", scores, { clusters: null, resamples, seed }), caveats: [] };
  }
}

type Found = Pick<Measured, "values" | "differences" | "caveats">;

function add(found: Found, more: Found): void {
  found.values.push(...more.values);
  found.differences.push(...more.differences);
  found.caveats.push(...more.caveats.filter((c) => !found.caveats.includes(c)));
}

/** Pictures of one prompt, for each prompt with 2 or more. */
function groupsOf(paths: readonly string[], asked: readonly string[] | null): string[][] {
  const groups = new Map<string, string[]>();
  for (const [i, path] of paths.entries()) {
    const prompt = asked?.[i];
    if (prompt !== undefined) groups.set(prompt, [...(groups.get(prompt) ?? []), path]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}
