import { scope, Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { bootstrapInterval, drawResamples, type Interval, pairedDifferences } from "./bootstrap.js";
import { checkedFeatures } from "./features.js";
import { infinityCaveat } from "./fid-infinity.js";
import { type RealFloor, realFloor } from "./floor.js";
import { METRIC_INFO, type Metric } from "./metric.js";
import { type Draws, MEASURES, type MeasureResult, OF_STATISTICS } from "./metric-measures.js";
import type { Gaussian } from "./statistics.js";

/** What kind of network the features come from: it decides what is measured with them. */
export const FEATURE_KINDS = ["inception", "dinov2", "clip", "classifier"] as const;
export type FeatureKind = (typeof FEATURE_KINDS)[number];

const MEASURED: Readonly<Record<FeatureKind, readonly Metric[]>> = {
  inception: ["fid", "fid_infinity", "kid", "precision", "recall", "density", "coverage"],
  dinov2: ["fd_dinov2", "precision", "recall", "density", "coverage"],
  clip: ["cmmd"],
  classifier: ["classifier_fd", "classifier_kd", "precision", "recall", "density", "coverage"],
};

/** One set of generated pictures. */
export interface Arm {
  readonly name: string;
  /** `[n, d]` */
  readonly features: Tensor;
}

export interface MeasureOptions {
  readonly kind: FeatureKind;
  /** What to measure of that which this kind of features allows; default all. */
  readonly metrics?: readonly Metric[];
  /** `[m, d]`; or mean and covariance of such features, with which Fréchet distances alone are measured. */
  readonly real: Tensor | Gaussian;
  /**
   * Whether row i of the real features is of the same prompt and seed as row i of every arm: both are then drawn together
   * in a resample. Default false.
   */
  readonly paired?: boolean;
  /** All of the same prompts and seeds in the same order. The first is what the others are compared with. */
  readonly arms: readonly Arm[];
  /** What each row of the arms belongs to, for instance its prompt; see `drawResamples`. */
  readonly clusters?: readonly (string | number)[];
  /** Resamples of the bootstrap; default 200, 0 for no intervals. */
  readonly resamples?: number;
  readonly level?: number;
  readonly seed?: number;
  /** Draws for the floor of real against real; default 5, 0 for none. */
  readonly floorDraws?: number;
}

export interface ArmValue {
  readonly arm: string;
  readonly metric: Metric;
  readonly value: number;
  /** KID's spread over its subsets. */
  readonly std?: number;
  readonly interval?: Interval;
}

export interface Difference {
  readonly metric: Metric;
  readonly from: string;
  readonly to: string;
  /** The second arm's value less the first's. */
  readonly value: number;
  readonly interval?: Interval;
  /** The same as a share of the first arm's value, -0.6 for a fall by 60 %; of Fréchet distances, which begin at 0. */
  readonly relative?: { readonly value: number; readonly interval?: Interval };
}

export interface Measurements {
  readonly values: readonly ArmValue[];
  readonly differences: readonly Difference[];
  readonly floors: readonly (RealFloor & { readonly metric: Metric })[];
  /** What a reader must know about these numbers, in plain sentences. */
  readonly caveats: readonly string[];
}

export interface MeasureEvent {
  readonly type: "measure";
  readonly metric: Metric;
  readonly arm: string;
  /** Of `total` pieces of work; a part of one piece while it is under way. */
  readonly done: number;
  readonly total: number;
}

/**
 * Measures every arm against the real pictures with features of one kind: values, bootstrap intervals, paired differences
 * to the first arm, and the floor of real against real. Yields as the work goes on.
 *
 * @throws InvalidArgumentError when arms differ in their number of pictures: distances at different N cannot be compared
 */
export function* measureFeatures(options: MeasureOptions): Generator<MeasureEvent, Measurements> {
  const { kind, real, arms, level = 0.95, seed = 0 } = options;
  const features = real instanceof Tensor ? real : null;
  const floorDraws = features === null ? 0 : (options.floorDraws ?? 5);
  const { n, d } = scope(() => checkArms(options));
  const metrics = MEASURED[kind]
    .filter((metric) => metric !== "fid_infinity" || infinityCaveat(n, d) === null)
    .filter((metric) => features !== null || OF_STATISTICS.includes(metric))
    .filter((metric) => options.metrics?.includes(metric) ?? true);
  const draws = drawsOf(n, options);
  const total = metrics.length * arms.length + (floorDraws > 0 ? 1 : 0);
  const values: ArmValue[] = [];
  const differences: Difference[] = [];
  let done = 0;
  for (const metric of metrics) {
    let first: MeasureResult | null = null;
    for (const { name, features: generated } of arms) {
      const steps = MEASURES[metric]!({ generated, real, draws, seed });
      let step = steps.next();
      for (; !step.done; step = steps.next())
        yield { type: "measure", metric, arm: name, done: done + step.value, total };
      const result = step.value;
      done++;
      const { value, std, samples } = result;
      const interval = intervalOf(value, samples, { level, range: METRIC_INFO[metric].range });
      values.push({ arm: name, metric, value, ...(std === undefined ? {} : { std }), ...interval });
      if (first === null) first = result;
      else differences.push({ metric, from: arms[0]!.name, to: name, ...difference(metric, first, result, level) });
    }
  }
  const floors = [];
  if (features !== null && floorDraws > 0) {
    yield { type: "measure", metric: metrics[0]!, arm: "real", done, total };
    floors.push(...floorsOf(metrics, { real: features, size: n, draws: floorDraws, seed }));
  }
  const m = features?.size(0) ?? null;
  return { values, differences, floors, caveats: caveatsOf({ kind, n, m, d, floors }) };
}

function difference(
  metric: Metric,
  first: MeasureResult,
  second: MeasureResult,
  level: number,
): Pick<Difference, "value" | "interval" | "relative"> {
  const value = second.value - first.value;
  const samples =
    first.samples === null || second.samples === null ? null : { from: first.samples, to: second.samples };
  const paired = samples === null ? null : pairedDifferences(samples.from, samples.to);
  const absolute = { value, ...intervalOf(value, paired, { level }) };
  const shares = samples === null ? null : samples.to.map((v, r) => v / samples.from[r]! - 1);
  if (!OF_STATISTICS.includes(metric) || metric === "fid_infinity" || first.value === 0) return absolute;
  if (shares?.every(Number.isFinite) === false) return absolute;
  const relative = second.value / first.value - 1;
  return { ...absolute, relative: { value: relative, ...intervalOf(relative, shares, { level }) } };
}

function checkArms({ arms, real, paired = false }: MeasureOptions): { n: number; d: number } {
  if (arms.length === 0) throw invalid("arms", "at least one arm", "none");
  const [first] = arms as [Arm];
  const [n, d] = [first.features.size(0), first.features.size(1)];
  if (real instanceof Tensor) checkedFeatures(real, { name: "real", minimum: 4 });
  const numbers = real instanceof Tensor ? real.size(1) : real.mean.size(0);
  if (paired && !(real instanceof Tensor && real.size(0) === n))
    throw invalid("real", `features of ${n} pictures, the pairs of those of every arm,`, sizeOfReal(real));
  if (new Set(arms.map((arm) => arm.name)).size < arms.length)
    throw invalid(
      "arms",
      "different names",
      arms.map((arm) => arm.name),
    );
  for (const { name, features } of arms) {
    checkedFeatures(features, { name, minimum: 4 });
    if (features.size(0) !== n)
      throw invalid(
        name,
        `${n} pictures, as many as ${first.name} has, because distances at different N cannot be compared,`,
        features.size(0),
      );
    if (features.size(1) !== numbers)
      throw invalid(name, `${numbers} features a picture, as real has,`, features.size(1));
  }
  return { n, d };
}

const sizeOfReal = (real: MeasureOptions["real"]) => (real instanceof Tensor ? real.size(0) : "statistics");

/** Which pictures are in each resample; null without resamples. */
function drawsOf(
  n: number,
  { real, paired = false, clusters, resamples = 200, seed = 0 }: MeasureOptions,
): Draws | null {
  if (resamples === 0) return null;
  const generated = drawResamples(n, { resamples, seed, ...(clusters === undefined ? {} : { clusters }) });
  if (!(real instanceof Tensor)) return { generated, real: null };
  return { generated, real: paired ? generated : drawResamples(real.size(0), { resamples, seed: seed + 1 }) };
}

const intervalOf = (
  value: number,
  samples: Float64Array | null,
  options: { level: number; range?: readonly [number, number] },
): { interval?: Interval } => (samples === null ? {} : { interval: bootstrapInterval(value, samples, options) });

/** What a measure gives, without its progress. */
function resultOf(steps: Generator<number, MeasureResult>): MeasureResult {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Floors of the distances; the shares of precision and its kin have a ceiling of 1 instead. */
function floorsOf(
  metrics: readonly Metric[],
  { real, ...options }: { real: Tensor; size: number; draws: number; seed: number },
): (RealFloor & { metric: Metric })[] {
  const distances = metrics.filter((m) =>
    ["fid", "kid", "fd_dinov2", "cmmd", "classifier_fd", "classifier_kd"].includes(m),
  );
  return distances.map((metric) => {
    const measure = (x: Tensor, y: Tensor) =>
      resultOf(MEASURES[metric]!({ generated: x, real: y, draws: null, seed: options.seed })).value;
    return { metric, ...realFloor(real, measure, options) };
  });
}

const STATISTICS =
  "The real pictures were given as statistics (mean and covariance): FID alone is measured against them, KID, precision, recall, density, coverage and the floor are left out, and intervals hold the real side fixed. The number means something only if the statistics were taken with these Inception weights and this resize.";

/** Below this many pictures a bootstrap has too little to draw from. */
const FEW = 50;

/** The sentence that belongs beside every FID of few pictures; null at 2048 and more. */
export function smallSampleCaveat(pictures: number, dimension = 2048): string | null {
  if (pictures >= dimension) return null;
  return `With ${pictures} pictures a covariance of ${dimension} features has no full rank, and a Fréchet distance comes out too high: only the difference between arms at the same number of pictures means something, not the number itself.`;
}

function caveatsOf({
  kind,
  n,
  m,
  d,
  floors,
}: {
  kind: FeatureKind;
  n: number;
  /** Real pictures; null where they are known by their statistics alone. */
  m: number | null;
  d: number;
  floors: readonly RealFloor[];
}): string[] {
  const caveats: string[] = [];
  const small = kind === "clip" ? null : smallSampleCaveat(Math.min(n, m ?? n), d);
  if (small !== null) caveats.push(small);
  if (n < FEW)
    caveats.push(
      `With ${n} pictures in an arm the intervals are themselves uncertain, and too narrow more often than their level says.`,
    );
  const infinity = kind === "inception" ? infinityCaveat(n, d) : null;
  if (infinity !== null) caveats.push(infinity);
  if (m === null && kind === "inception") caveats.push(STATISTICS);
  const floor = floors[0];
  if (floor !== undefined && floor.size < n)
    caveats.push(
      `The floor is measured with ${floor.size} real pictures against ${floor.reference} others, because there are ${m}: at fewer pictures than the arms' ${n} it lies higher than it would at theirs.`,
    );
  return caveats;
}
