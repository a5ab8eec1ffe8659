import { noGrad, scope, Tensor, tensor } from "@stillframe/torch";
import { type Resamples, resampledMeans } from "./bootstrap.js";
import { clipMmd, cmmdOfSamples } from "./cmmd.js";
import { fidInfinity } from "./fid-infinity.js";
import { frechetOfFeatures, frechetToGaussian } from "./frechet.js";
import { kernelInceptionDistance, kidOfSamples } from "./kid.js";
import type { Metric } from "./metric.js";
import { densityCoverage, precisionRecall } from "./prdc.js";
import { type Gaussian, gaussianOf } from "./statistics.js";

/** Which pictures are in each resample. */
export interface Draws {
  readonly generated: Resamples;
  /** Null where the real pictures are known by their statistics alone, which stay as they are. */
  readonly real: Resamples | null;
}

export interface MeasureInput {
  /** `[n, d]` */
  readonly generated: Tensor;
  /** `[m, d]`, or mean and covariance of such features. */
  readonly real: Tensor | Gaussian;
  readonly draws: Draws | null;
  readonly seed: number;
}

export interface MeasureResult {
  readonly value: number;
  readonly std?: number;
  /** The value over each resample. */
  readonly samples: Float64Array | null;
}

/** Yields how much of it is done, from 0 to 1. */
export type Measure = (input: MeasureInput) => Generator<number, MeasureResult>;

/** The metrics that need no more of the real pictures than their mean and covariance. */
export const OF_STATISTICS: readonly Metric[] = ["fid", "fid_infinity", "fd_dinov2", "classifier_fd"];

interface Features {
  readonly generated: Tensor;
  readonly real: Tensor;
  readonly draws: { readonly generated: Resamples; readonly real: Resamples } | null;
  readonly seed: number;
}

/** With the features of the real pictures, which a measure cannot do without. */
function features({ generated, real, draws, seed }: MeasureInput): Features {
  if (!(real instanceof Tensor) || (draws !== null && draws.real === null))
    throw new Error("expected features of the real pictures but received their statistics");
  return { generated, real, draws: draws as Features["draws"], seed };
}

const counts = ({ generated, real }: NonNullable<Features["draws"]>) => ({
  generated: tensor(generated.all, { shape: [generated.count, generated.size] }),
  real: tensor(real.all, { shape: [real.count, real.size] }),
});

function* frechet({ generated, real, draws }: MeasureInput): Generator<number, MeasureResult> {
  yield 0;
  const distance = (row: number | null) =>
    scope(() => {
      const drawn = (from: Resamples) => tensor(from.row(row as number));
      if (!(real instanceof Tensor))
        return frechetToGaussian(
          generated,
          real,
          draws === null || row === null ? {} : { counts: drawn(draws.generated) },
        );
      const both =
        draws === null || row === null
          ? {}
          : { counts: { generated: drawn(draws.generated), real: drawn(draws.real as Resamples) } };
      return frechetOfFeatures(generated, real, both);
    });
  const value = distance(null);
  if (draws === null) return { value, samples: null };
  const samples = new Float64Array(draws.generated.count);
  for (let r = 0; r < samples.length; r++) {
    yield r / samples.length;
    samples[r] = distance(r);
  }
  return { value, samples };
}

const atOnce = (measure: (input: MeasureInput) => MeasureResult): Measure =>
  function* (input) {
    yield 0;
    return scope(() => noGrad(() => measure(input)));
  };

const kernel = atOnce((input) => {
  const { generated, real, draws, seed } = features(input);
  const { mean, std } = kernelInceptionDistance(generated, real, { seed });
  return { value: mean, std, samples: draws === null ? null : kidOfSamples(generated, real, counts(draws)) };
});

const cmmd = atOnce((input) => {
  const { generated, real, draws } = features(input);
  const samples = draws === null ? null : cmmdOfSamples(generated, real, { counts: counts(draws) });
  return { value: clipMmd(generated, real), samples };
});

const infinity = atOnce(({ generated, real, seed }) => ({
  value: fidInfinity(generated, real instanceof Tensor ? gaussianOf(real) : real, { seed }).value,
  samples: null,
}));

/** A mean over the generated, or over the real pictures. What it is held against stays as it is in all resamples. */
const share = (
  side: "generated" | "real",
  of: (generated: Tensor, real: Tensor) => { values: Float64Array; mean: number },
): Measure =>
  atOnce((input) => {
    const { generated, real, draws } = features(input);
    const { values, mean } = of(generated, real);
    return { value: mean, samples: draws === null ? null : resampledMeans(values, draws[side]) };
  });

/** How each metric of features is measured. */
export const MEASURES: Readonly<Partial<Record<Metric, Measure>>> = {
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
