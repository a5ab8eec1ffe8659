import { noGrad, scope, type Tensor, tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import {
  bootstrapInterval,
  drawResamples,
  type Interval,
  pairedDifferences,
  type Resamples,
  resampledMeans,
} from "./bootstrap.js";
import { clipMmd, cmmdOfSamples } from "./cmmd.js";
import { checkedFeatures } from "./features.js";
import { fidInfinity, infinityCaveat } from "./fid-infinity.js";
import { type RealFloor, realFloor } from "./floor.js";
import { frechetOfFeatures } from "./frechet.js";
import { kernelInceptionDistance, kidOfSamples } from "./kid.js";
import { METRIC_INFO, type Metric } from "./metric.js";
import { densityCoverage, precisionRecall } from "./prdc.js";
import { gaussianOf } from "./statistics.js";

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
  /** `[m, d]` */
  readonly real: Tensor;
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
  const { kind, real, arms, resamples = 200, level = 0.95, seed = 0, floorDraws = 5 } = options;
  const { n, d } = scope(() => checkArms(options));
  const metrics = MEASURED[kind]
    .filter((metric) => metric !== "fid_infinity" || infinityCaveat(n, d) === null)
    .filter((metric) => options.metrics?.includes(metric) ?? true);
  const draws =
    resamples === 0
      ? null
      : { generated: draw(n, options), real: draw(real.size(0), { ...options, seed: seed + 1, clusters: undefined }) };
  const total = metrics.length * arms.length + (floorDraws > 0 ? 1 : 0);
  const values: ArmValue[] = [];
  const differences: Difference[] = [];
  let done = 0;
  for (const metric of metrics) {
    let first: { value: number; samples: Float64Array | null } | null = null;
    for (const { name, features } of arms) {
      const steps = MEASURES[metric]!({ generated: features, real, draws, seed });
      let step = steps.next();
      for (; !step.done; step = steps.next())
        yield { type: "measure", metric, arm: name, done: done + step.value, total };
      const result = step.value;
      done++;
      const interval = intervalOf(result.value, result.samples, { level, range: METRIC_INFO[metric].range });
      values.push({
        arm: name,
        metric,
        value: result.value,
        ...(result.std === undefined ? {} : { std: result.std }),
        ...interval,
      });
      if (first === null) {
        first = result;
        continue;
      }
      const value = result.value - first.value;
      const samples =
        first.samples === null || result.samples === null ? null : pairedDifferences(first.samples, result.samples);
      differences.push({ metric, from: arms[0]!.name, to: name, value, ...intervalOf(value, samples, { level }) });
    }
  }
  const floors = [];
  if (floorDraws > 0) {
    yield { type: "measure", metric: metrics[0]!, arm: "real", done, total };
    floors.push(...floorsOf(metrics, { real, size: n, draws: floorDraws, seed }));
  }
  return { values, differences, floors, caveats: caveatsOf({ kind, n, m: real.size(0), d, floors }) };
}

function checkArms({ arms, real }: MeasureOptions): { n: number; d: number } {
  if (arms.length === 0) throw invalid("arms", "at least one arm", "none");
  const [first] = arms as [Arm];
  const [n, d] = [first.features.size(0), first.features.size(1)];
  const reference = checkedFeatures(real, { name: "real", minimum: 4 });
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
    if (features.size(1) !== reference.size(1))
      throw invalid(name, `${reference.size(1)} features a picture, as real has,`, features.size(1));
  }
  return { n, d };
}

interface Draws {
  readonly generated: Resamples;
  readonly real: Resamples;
}

function draw(
  size: number,
  {
    resamples = 200,
    seed = 0,
    clusters,
  }: { resamples?: number; seed?: number; clusters?: MeasureOptions["clusters"] | undefined },
): Resamples {
  return drawResamples(size, { resamples, seed, ...(clusters === undefined ? {} : { clusters }) });
}

const intervalOf = (
  value: number,
  samples: Float64Array | null,
  options: { level: number; range?: readonly [number, number] },
): { interval?: Interval } => (samples === null ? {} : { interval: bootstrapInterval(value, samples, options) });

interface Input {
  generated: Tensor;
  real: Tensor;
  draws: Draws | null;
  seed: number;
}
interface Result {
  value: number;
  std?: number;
  /** The value over each resample. */
  samples: Float64Array | null;
}

const counts = ({ generated, real }: Draws) => ({
  generated: tensor(generated.all, { shape: [generated.count, generated.size] }),
  real: tensor(real.all, { shape: [real.count, real.size] }),
});

/** Yields how much of it is done, from 0 to 1. */
type Measure = (input: Input) => Generator<number, Result>;

function* frechet({ generated, real, draws }: Input): Generator<number, Result> {
  yield 0;
  const value = frechetOfFeatures(generated, real);
  if (draws === null) return { value, samples: null };
  const samples = new Float64Array(draws.generated.count);
  for (let r = 0; r < samples.length; r++) {
    yield r / samples.length;
    samples[r] = scope(() => {
      const row = { generated: tensor(draws.generated.row(r)), real: tensor(draws.real.row(r)) };
      return frechetOfFeatures(generated, real, { counts: row });
    });
  }
  return { value, samples };
}

const atOnce = (measure: (input: Input) => Result): Measure =>
  function* (input) {
    yield 0;
    return scope(() => noGrad(() => measure(input)));
  };

const kernel = atOnce(({ generated, real, draws, seed }) => {
  const { mean, std } = kernelInceptionDistance(generated, real, { seed });
  return { value: mean, std, samples: draws === null ? null : kidOfSamples(generated, real, counts(draws)) };
});

const cmmd = atOnce(({ generated, real, draws }) => ({
  value: clipMmd(generated, real),
  samples: draws === null ? null : cmmdOfSamples(generated, real, { counts: counts(draws) }),
}));

const infinity = atOnce(({ generated, real, seed }) => ({
  value: fidInfinity(generated, gaussianOf(real), { seed }).value,
  samples: null,
}));

/** A mean over the generated, or over the real pictures. What it is held against stays as it is in all resamples. */
const share = (
  side: "generated" | "real",
  of: (generated: Tensor, real: Tensor) => { values: Float64Array; mean: number },
): Measure =>
  atOnce(({ generated, real, draws }) => {
    const { values, mean } = of(generated, real);
    return { value: mean, samples: draws === null ? null : resampledMeans(values, draws[side]) };
  });

const MEASURES: Readonly<Partial<Record<Metric, Measure>>> = {
  fid: frechet,
  fd_dinov2: frechet,
  classifier_fd: frechet,
  kid: kernel,
  classifier_kd: kernel,
  fid_infinity: infinity,
  cmmd,
  precision: share("generated", (x, y) => {
    const { precision, perGenerated } = precisionRecall(x, y);
    return { mean: precision, values: perGenerated };
  }),
  recall: share("real", (x, y) => {
    const { recall, perReal } = precisionRecall(x, y);
    return { mean: recall, values: perReal };
  }),
  density: share("generated", (x, y) => {
    const { density, perGenerated } = densityCoverage(x, y);
    return { mean: density, values: perGenerated };
  }),
  coverage: share("real", (x, y) => {
    const { coverage, perReal } = densityCoverage(x, y);
    return { mean: coverage, values: perReal };
  }),
};

/** What a measure gives, without its progress. */
function resultOf(steps: Generator<number, Result>): Result {
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
  m: number;
  d: number;
  floors: readonly RealFloor[];
}): string[] {
  const caveats: string[] = [];
  const small = kind === "clip" ? null : smallSampleCaveat(Math.min(n, m), d);
  if (small !== null) caveats.push(small);
  if (n < FEW)
    caveats.push(
      `With ${n} pictures in an arm the intervals are themselves uncertain, and too narrow more often than their level says.`,
    );
  const infinity = kind === "inception" ? infinityCaveat(n, d) : null;
  if (infinity !== null) caveats.push(infinity);
  const floor = floors[0];
  if (floor !== undefined && floor.size < n)
    caveats.push(
      `The floor is measured with ${floor.size} real pictures against ${floor.reference} others, because there are ${m}: at fewer pictures than the arms' ${n} it lies higher than it would at theirs.`,
    );
  return caveats;
}
