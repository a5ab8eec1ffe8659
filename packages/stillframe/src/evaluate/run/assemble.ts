import { createHash } from "node:crypto";
import { basename, relative } from "node:path";
import type { EvaluateOptions } from "@stillframe/schema";
import { resolvePrecision } from "../../train/precision.js";
import type { Interval } from "../bootstrap.js";
import type { Evaluation, EvaluationCurve, EvaluationInterval } from "../evaluation.js";
import type { FeatureSet, MeasuredPicture } from "../inputs.js";
import type { ArmValue } from "../measure.js";
import { METRIC_INFO, type Metric } from "../metric.js";
import type { ArmPictures } from "./draw-arms.js";
import { type Measured, type Of, rowsOf, type View } from "./measure-arms.js";
import type { Networks } from "./networks.js";
import type { PictureSet } from "./real-pictures.js";
import { sizeOf, type TakenFeatures } from "./take-features.js";

/** All that an evaluation is put together from. */
export interface Findings {
  readonly options: EvaluateOptions;
  readonly real: PictureSet;
  readonly arms: readonly ArmPictures[];
  readonly taken: readonly TakenFeatures[];
  /** What is reported. */
  readonly view: View;
  /** Arms of generic prompts, which are reported whole. */
  readonly generic: readonly number[];
  readonly measured: Measured;
  readonly curves: readonly EvaluationCurve[];
  readonly recognition: NonNullable<Evaluation["recognition"]>;
  readonly scorers: Networks["scorers"];
  readonly copies: Evaluation["copies"];
  readonly prompts: number;
  readonly caveats: readonly string[];
  readonly created: Date;
}

/** The evaluation as it is written. */
export function assemble(found: Findings): Evaluation {
  const { options, real, arms, taken, view, measured, caveats } = found;
  const first = taken[0] as TakenFeatures;
  const inOutput = (path: string) => relative(options.output_dir, path) || ".";
  const armOf = (i: number, rows: readonly number[] | null) => {
    const { arm, folder, seeds } = arms[i] as ArmPictures;
    return {
      name: arm.name,
      kind: arm.kind,
      folder: seeds === null ? inOutput(folder) : folder,
      ...setFacts(first.arms[i] as FeatureSet, rows),
      ...(arm.step === undefined ? {} : { step: arm.step }),
      ...(arm.step === undefined && arm.strength !== 0 ? { strength: arm.strength } : {}),
    };
  };
  return {
    format: "stillframe-evaluation-1",
    created: found.created.toISOString(),
    title: options.title ?? titleOf(found),
    real: {
      name: "real",
      folder: real.folder,
      ...(first.real === null ? { pictures: 0 } : setFacts(first.real, view.real)),
    },
    arms: [...view.arms.map((i) => armOf(i, view.rows)), ...found.generic.map((i) => armOf(i, null))],
    ...(options.pretrained_model_name_or_path === null ? {} : { generation: generationOf(found) }),
    networks: [
      ...taken.map(({ network }) => ({
        name: network.extractor.name,
        dimension: network.extractor.dimension,
        ...(network.weights === undefined ? {} : { weights: network.weights }),
        ...(network.sha256 === undefined ? {} : { sha256: network.sha256 }),
      })),
      ...found.scorers,
    ],
    values: measured.values.map((v) => ({ ...v, interval: intervalOf(v.interval) })),
    differences: measured.differences.map(({ relative, ...d }) => ({
      ...d,
      interval: intervalOf(d.interval),
      ...(relative && { relative: { value: relative.value, interval: intervalOf(relative.interval) } }),
    })),
    floors: measured.floors.map(({ metric, network, mean, std, size, reference }) => ({
      metric,
      network,
      mean,
      std,
      size,
      reference,
    })),
    ...(found.recognition.length === 0 ? {} : { recognition: [...found.recognition] }),
    curves: [...found.curves],
    gallery: galleryOf(found),
    copies: found.copies,
    caveats: [...new Set(caveats)],
  };
}

function intervalOf(interval: Interval | undefined): EvaluationInterval | undefined {
  if (interval === undefined) return undefined;
  const { standardError, ...rest } = interval;
  return { ...rest, standard_error: standardError };
}

/** How many pictures, a hash over their hashes in order, and their size where they have one. */
function setFacts(set: FeatureSet, rows: readonly number[] | null) {
  const pictures = rowsOf(set.pictures, rows);
  const hash = createHash("sha256");
  for (const { sha256 } of pictures) hash.update(sha256);
  const [{ width, height }] = pictures as [MeasuredPicture];
  const one = pictures.every((p) => p.width === width && p.height === height);
  return { pictures: pictures.length, sha256: hash.digest("hex"), ...(one ? { size: { width, height } } : {}) };
}

function generationOf({ options: o, taken, prompts }: Findings): NonNullable<Evaluation["generation"]> {
  return {
    prompts,
    seeds_per_prompt: o.num_images,
    seed: o.seed,
    sampler: o.scheduler,
    steps: o.steps,
    guidance_scale: o.guidance_scale,
    size: sizeOf((taken[0] as TakenFeatures).arms[0] as FeatureSet),
    precision: resolvePrecision(o).weights,
    ...(o.pretrained_vae_model_name_or_path === null ? {} : { vae: o.pretrained_vae_model_name_or_path }),
    base: o.pretrained_model_name_or_path as string,
    ...(o.lora.length === 0 ? {} : { lora: o.lora.join(", ") }),
  };
}

function titleOf({ options: o, arms }: Findings): string {
  if (o.pretrained_model_name_or_path === null) return arms.map(({ arm }) => arm.name).join(" against ");
  const base = basename(o.pretrained_model_name_or_path);
  return o.lora.length === 0 ? base : `${o.lora.map((path) => basename(path)).join(", ")} against ${base}`;
}

/** The first pictures of every arm in order, nothing chosen. */
function galleryOf({ options, arms, view }: Findings): Evaluation["gallery"] {
  const first = arms[view.arms[0] as number] as ArmPictures;
  const rows = (view.rows ?? first.paths.map((_, row) => row)).slice(0, options.gallery);
  return rows.map((row) => ({
    prompt: first.asked?.[row] ?? basename(first.paths[row] as string),
    ...(first.seeds === null ? {} : { seed: first.seeds[row] as number }),
    pictures: view.arms.map((i) => {
      const { arm, paths } = arms[i] as ArmPictures;
      return { arm: arm.name, file: relative(options.output_dir, paths[row] as string) };
    }),
  }));
}

/** What is drawn over training steps or strengths. */
const CURVED: readonly Metric[] = [
  "fid",
  "kid",
  "fd_dinov2",
  "cmmd",
  "classifier_fd",
  "style_recognised",
  "clip_score",
];

/**
 * Curves over the training steps of checkpoints, or over the strengths of a LoRA, where there are two points or more;
 * the base is the point at 0.
 */
export function curvesOf(
  values: readonly Of<ArmValue>[],
  arms: readonly ArmPictures[],
  { note }: { note: string },
): EvaluationCurve[] {
  const steps = arms.flatMap(({ arm }) => (arm.step === undefined ? [] : [{ name: arm.name, x: arm.step }]));
  const strengths = arms.flatMap(({ arm }) =>
    (arm.kind === "lora" || arm.kind === "strength") && arm.step === undefined
      ? [{ name: arm.name, x: arm.strength }]
      : [],
  );
  const distinct = new Set(strengths.map(({ x }) => x)).size === strengths.length ? strengths : [];
  const base = arms.find(({ arm }) => arm.kind === "base");
  const start = base === undefined ? [] : [{ name: base.arm.name, x: 0 }];
  return [
    ...(steps.length < 2 ? [] : lines(values, [...start, ...steps], { x: "training step", note })),
    ...(distinct.length < 2 ? [] : lines(values, [...start, ...distinct], { x: "strength of the LoRA", note })),
  ];
}

function lines(
  values: readonly Of<ArmValue>[],
  places: readonly { readonly name: string; readonly x: number }[],
  { x, note }: { x: string; note: string },
): EvaluationCurve[] {
  return CURVED.flatMap((metric) => {
    const shown = values.filter((v) => v.metric === metric && places.some(({ name }) => name === v.arm));
    const networks = [...new Set(shown.map((v) => v.network))];
    return networks.map((network) => {
      const points = places.flatMap((place) => {
        const value = shown.find((v) => v.network === network && v.arm === place.name);
        if (value === undefined) return [];
        const { interval } = value;
        return [{ x: place.x, value: value.value, ...(interval && { low: interval.low, high: interval.high }) }];
      });
      const { label } = METRIC_INFO[metric];
      const title = `${label} by ${x}${networks.length > 1 ? `, ${network}` : ""}${note}`;
      return { title, x, metric, series: [{ name: network ?? label, points }] };
    });
  });
}
