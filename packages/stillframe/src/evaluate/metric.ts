/** What is measured. */
export const METRICS = [
  "fid",
  "fid_infinity",
  "kid",
  "fd_dinov2",
  "cmmd",
  "precision",
  "recall",
  "density",
  "coverage",
  "clip_score",
  "lpips_diversity",
  "classifier_fd",
  "classifier_kd",
  "style_recognised",
  "name_recognised",
  "attributes_recognised",
] as const;
export type Metric = (typeof METRICS)[number];

export interface MetricInfo {
  /** As tables show it. */
  readonly label: string;
  /** `none` where neither direction is better by itself. */
  readonly better: "lower" | "higher" | "none";
  readonly digits: number;
  /** The values that it can take; an interval is cut to it. */
  readonly range: readonly [low: number, high: number];
  /** One sentence for a reader who does not know it. */
  readonly meaning: string;
}

const ANY = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
const POSITIVE = [0, Number.POSITIVE_INFINITY] as const;
const SHARE = [0, 1] as const;

export const METRIC_INFO: Readonly<Record<Metric, MetricInfo>> = {
  fid: {
    label: "FID",
    better: "lower",
    digits: 2,
    range: POSITIVE,
    meaning: "Fréchet distance of Inception features; biased upwards at small N.",
  },
  fid_infinity: {
    label: "FID∞",
    better: "lower",
    digits: 2,
    range: ANY,
    meaning: "FID extrapolated to infinitely many generated pictures.",
  },
  kid: {
    label: "KID × 1000",
    better: "lower",
    digits: 2,
    range: ANY,
    meaning: "Kernel distance of Inception features, unbiased at any N.",
  },
  fd_dinov2: {
    label: "FD-DINOv2",
    better: "lower",
    digits: 1,
    range: POSITIVE,
    meaning: "Fréchet distance of DINOv2 features, which agrees better with people.",
  },
  cmmd: { label: "CMMD", better: "lower", digits: 3, range: ANY, meaning: "Kernel distance of CLIP image embeddings." },
  precision: {
    label: "precision",
    better: "higher",
    digits: 3,
    range: SHARE,
    meaning: "Share of generated pictures that look like some real picture.",
  },
  recall: {
    label: "recall",
    better: "higher",
    digits: 3,
    range: SHARE,
    meaning: "Share of real pictures that some generated picture looks like.",
  },
  density: {
    label: "density",
    better: "higher",
    digits: 3,
    range: POSITIVE,
    meaning: "Precision that outliers among the real pictures move less; may exceed 1.",
  },
  coverage: {
    label: "coverage",
    better: "higher",
    digits: 3,
    range: SHARE,
    meaning: "Share of real pictures with a generated one near.",
  },
  clip_score: {
    label: "CLIP score",
    better: "higher",
    digits: 2,
    range: [0, 100],
    meaning: "How well pictures fit their prompts.",
  },
  lpips_diversity: {
    label: "LPIPS diversity",
    better: "none",
    digits: 3,
    range: POSITIVE,
    meaning: "How much pictures of one prompt differ.",
  },
  classifier_fd: {
    label: "FD (classifier)",
    better: "lower",
    digits: 3,
    range: POSITIVE,
    meaning: "Fréchet distance of the classifier's features; no FID, which has a network of its own.",
  },
  classifier_kd: {
    label: "KD (classifier) × 1000",
    better: "lower",
    digits: 2,
    range: ANY,
    meaning: "Kernel distance of the classifier's features.",
  },
  style_recognised: {
    label: "style recognised, %",
    better: "higher",
    digits: 1,
    range: SHARE,
    meaning: "Share of pictures that the classifier takes for ones of the style.",
  },
  name_recognised: {
    label: "name recognised, %",
    better: "higher",
    digits: 1,
    range: SHARE,
    meaning: "Of prompts with a name, the share whose picture the classifier gives that name.",
  },
  attributes_recognised: {
    label: "attributes there, %",
    better: "higher",
    digits: 1,
    range: SHARE,
    meaning: "Of all that the prompts ask for but names, the share that the classifier finds.",
  },
};

/** KID and its kin are small: they are shown, and only shown, times 1000; shares of what is recognised in percent. */
const SHOWN_TIMES: Readonly<Partial<Record<Metric, number>>> = {
  kid: 1000,
  classifier_kd: 1000,
  style_recognised: 100,
  name_recognised: 100,
  attributes_recognised: 100,
};
const shownTimes = (metric: Metric): number => SHOWN_TIMES[metric] ?? 1;

/** A value as tables and plots show it. */
export function shownValue(metric: Metric, value: number): number {
  return value * shownTimes(metric);
}

/** `12.34`, in the metric's digits and unit. */
export function formatValue(metric: Metric, value: number): string {
  return shownValue(metric, value).toFixed(METRIC_INFO[metric].digits);
}
