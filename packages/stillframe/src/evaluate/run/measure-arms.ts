import { setImmediate } from "node:timers/promises";
import type { EvaluateEvent } from "@stillframe/schema";
import { scope, type Tensor, tensor } from "@stillframe/torch";
import type { FeatureSet } from "../inputs.js";
import { type ArmValue, type Difference, type Measurements, measureFeatures } from "../measure.js";
import type { Metric } from "../metric.js";
import type { Gaussian } from "../statistics.js";
import type { ArmPictures } from "./draw-arms.js";
import type { TakenFeatures } from "./take-features.js";

/** A value with the network that it was measured with; none for scores. */
export type Of<T> = T & { readonly network?: string };

/** All numbers of one view of the pictures. */
export interface Measured {
  readonly values: Of<ArmValue>[];
  readonly differences: Of<Difference>[];
  readonly floors: Of<Measurements["floors"][number]>[];
  readonly caveats: string[];
}

/** Which arms and rows are measured. */
export interface View {
  /** Indices of arms, the base first. */
  readonly arms: readonly number[];
  /** Rows of every arm; null for all. */
  readonly rows: readonly number[] | null;
  /** Rows of the real pictures; null for all. */
  readonly real: readonly number[] | null;
}

interface MeasureArmsOptions {
  readonly arms: readonly ArmPictures[];
  /** Those of the real pictures, where they were given in their place. */
  readonly statistics: Gaussian | null;
  readonly resamples: number;
  readonly seed: number;
  readonly signal: AbortSignal | undefined;
}

/** Rows of a list, or all of it. */
export function rowsOf<T>(items: readonly T[], rows: readonly number[] | null): T[] {
  return rows === null ? [...items] : rows.map((row) => items[row] as T);
}

/** Rows of features, in a tensor of their own. */
export function selectRows(features: Tensor, rows: readonly number[] | null): Tensor {
  const all = rows ?? Array.from({ length: features.size(0) }, (_, i) => i);
  return scope(() => features.indexSelect(0, tensor(all, { dtype: "int64" })));
}

/** Measures every network's features of the arms in the view against the real pictures in it. */
export async function* measureArms(
  taken: readonly TakenFeatures[],
  view: View,
  options: MeasureArmsOptions,
): AsyncGenerator<EvaluateEvent, Measured> {
  const measured: Measured = { values: [], differences: [], floors: [], caveats: [] };
  const clusters = clustersOf(options.arms[view.arms[0] as number] as ArmPictures, view.rows);
  for (const { network, real, arms } of taken) {
    if (real === null && (network.statistics !== true || options.statistics === null)) continue;
    const sets = view.arms.map((i) => ({
      name: (options.arms[i] as ArmPictures).arm.name,
      features: selectRows((arms[i] as FeatureSet).features, view.rows),
    }));
    const reference = real === null ? null : selectRows(real.features, view.real);
    try {
      const steps = measureFeatures({
        kind: network.kind,
        ...(network.metrics === undefined ? {} : { metrics: network.metrics }),
        real: reference ?? (options.statistics as Gaussian),
        arms: sets,
        ...(clusters === null ? {} : { clusters }),
        resamples: options.resamples,
        seed: options.seed,
      });
      const result = yield* paced(steps, options.signal);
      const name = network.extractor.name;
      measured.values.push(...result.values.map((v) => ({ ...v, network: name })));
      measured.differences.push(...result.differences.map((d) => ({ ...d, network: name })));
      measured.floors.push(...result.floors.map((f) => ({ ...f, network: name })));
      measured.caveats.push(...result.caveats.filter((c) => !measured.caveats.includes(c)));
    } finally {
      for (const { features } of sets) features.dispose();
      reference?.dispose();
    }
  }
  return measured;
}

/** Distances that say how far the LoRA moved what has nothing to do with the style. */
const DRIFT: readonly Metric[] = ["fid", "kid", "fd_dinov2", "cmmd", "classifier_fd"];

/**
 * The LoRA's pictures of generic prompts against the base's of the same prompts and seeds. For the intervals both sides of
 * a pair are drawn together.
 */
export async function* measureDrift(
  taken: readonly TakenFeatures[],
  { base, lora }: { base: number; lora: number },
  options: MeasureArmsOptions,
): AsyncGenerator<EvaluateEvent, Of<ArmValue>[]> {
  const values: Of<ArmValue>[] = [];
  const clusters = clustersOf(options.arms[lora] as ArmPictures, null);
  for (const { network, arms } of taken) {
    const name = (options.arms[lora] as ArmPictures).arm.name;
    const steps = measureFeatures({
      kind: network.kind,
      metrics: DRIFT.filter((metric) => network.metrics?.includes(metric) ?? true),
      real: (arms[base] as FeatureSet).features,
      paired: true,
      arms: [{ name, features: (arms[lora] as FeatureSet).features }],
      ...(clusters === null ? {} : { clusters }),
      resamples: options.resamples,
      seed: options.seed,
      floorDraws: 0,
    });
    const result = yield* paced(steps, options.signal);
    values.push(...result.values.map((v) => ({ ...v, network: driftName(network.extractor.name) })));
  }
  return values;
}

/** How a network is called where it measures drift. */
export const driftName = (network: string): string => `${network}, against the base's generic pictures`;

/** Prompts as clusters, where pictures share them; null where each picture is by itself. */
export function clustersOf({ asked }: ArmPictures, rows: readonly number[] | null): string[] | null {
  if (asked === null) return null;
  const prompts = rowsOf(asked, rows);
  const different = new Set(prompts).size;
  return different < 2 || different === prompts.length ? null : prompts;
}

/** Tells the progress, and gives way to signals and timers. */
async function* paced(
  steps: ReturnType<typeof measureFeatures>,
  signal: AbortSignal | undefined,
): AsyncGenerator<EvaluateEvent, Measurements> {
  let step = steps.next();
  for (; !step.done; step = steps.next()) {
    const { metric, arm, done, total } = step.value;
    yield { type: "measuring", metric, arm, done, total };
    await setImmediate();
    signal?.throwIfAborted();
  }
  return step.value;
}
