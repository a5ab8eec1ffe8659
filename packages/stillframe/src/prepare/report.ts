import type { PrepareOptions, PrepareReport } from "@stillframe/schema";
import { coveringSize, type Target, targetsOf } from "../train/buckets.js";
import { median } from "../train/captions.js";
import { skippedByReason, type TrainingPicture, type TrainingSet } from "../train/training-set.js";
import { farBelow, histogramOf, rangeOf } from "./distribution.js";
import type { Examination } from "./examine.js";
import { nearDuplicates } from "./near-duplicates.js";
import { repeatedOpenings } from "./openings.js";

/** Entries of each list that is not told in full. */
const EXAMPLES = 10;
const CAPTION_BINS = 24;

/** How captions are measured. */
export interface CaptionMeasure {
  unit: "tokens" | "words";
  length: (caption: string) => number;
  /** the most that training keeps; null where that is not known */
  limit: number | null;
}

export const wordMeasure: CaptionMeasure = {
  unit: "words",
  length: (caption) => caption.split(/\s+/).filter((w) => w !== "").length,
  limit: null,
};

/** What was found of the pictures, before it is put in words. */
export interface Findings {
  set: TrainingSet;
  examined: ReadonlyMap<TrainingPicture, Examination>;
  measure: CaptionMeasure;
}

const byCount = <T extends { count: number }>(a: T, b: T): number => b.count - a.count;

function sizesOf(pictures: readonly TrainingPicture[]): PrepareReport["sizes"] {
  const frequent = new Map<string, { width: number; height: number; count: number }>();
  for (const { width, height } of pictures) {
    const key = `${width} ${height}`;
    const known = frequent.get(key) ?? { width, height, count: 0 };
    known.count += 1;
    frequent.set(key, known);
  }
  return {
    width: rangeOf(pictures.map((p) => p.width)),
    height: rangeOf(pictures.map((p) => p.height)),
    aspect_ratio: rangeOf(pictures.map((p) => p.width / p.height)),
    megapixels: rangeOf(pictures.map((p) => (p.width * p.height) / 1e6)),
    frequent: [...frequent.values()].sort(byCount).slice(0, EXAMPLES),
  };
}

/** How pictures are cut: the rectangles in use, and the pictures that are enlarged to fill theirs. */
function cutsOf(
  pictures: readonly TrainingPicture[],
  options: PrepareOptions,
): Pick<PrepareReport, "buckets" | "enlarged"> {
  const { targets, bucketOf } = targetsOf(pictures, options);
  const buckets = targets.map(([height, width]) => ({ width, height, pictures: 0, cut_away: 0 }));
  const factors = pictures.map((p, i) => {
    const at = bucketOf[i] as number;
    const target = targets[at] as Target;
    const [h, w] = coveringSize(p, target);
    const bucket = buckets[at] as (typeof buckets)[0];
    bucket.pictures += 1;
    bucket.cut_away += 1 - (target[0] * target[1]) / (h * w);
    return { file: p.name, factor: Math.max(h / p.height, w / p.width) };
  });
  const enlarged = factors.filter((f) => f.factor > 1).sort((a, b) => b.factor - a.factor);
  return {
    buckets: buckets
      .filter((b) => b.pictures > 0)
      .map((b) => ({ ...b, cut_away: Math.min(1, Math.max(0, b.cut_away / b.pictures)) })),
    enlarged: { pictures: enlarged.length, most: enlarged[0]?.factor ?? 1, files: enlarged.slice(0, EXAMPLES) },
  };
}

function captionsOf(
  pictures: readonly TrainingPicture[],
  { unit, length, limit }: CaptionMeasure,
): PrepareReport["captions"] {
  const all = pictures.flatMap((p) =>
    p.captions.map((caption) => ({ file: p.name, caption, length: length(caption) })),
  );
  const texts = all.map((c) => c.caption);
  const lengths = all.map((c) => c.length);
  const counts = new Map<string, number>();
  for (const text of texts) if (text !== "") counts.set(text, (counts.get(text) ?? 0) + 1);
  const repeated = [...counts].map(([caption, count]) => ({ caption, count })).filter((c) => c.count > 1);
  const tooLong = limit === null ? [] : all.filter((c) => c.length > limit);
  return {
    captions: all.length,
    different: new Set(texts).size,
    empty: texts.filter((t) => t === "").length,
    unit,
    length: rangeOf(lengths),
    histogram: histogramOf(lengths, CAPTION_BINS),
    limit,
    cut: tooLong.length,
    longest: tooLong
      .sort((a, b) => b.length - a.length)
      .slice(0, EXAMPLES)
      .map(({ file, length }) => ({ file, length })),
    repeated: repeated.sort(byCount).slice(0, EXAMPLES),
    openings: repeatedOpenings(texts).map((o) => ({ ...o, share: o.count / all.length })),
  };
}

function looksOf({ set: { pictures }, examined }: Findings): Pick<PrepareReport, "duplicates" | "blurred"> {
  const each = pictures.map((p) => examined.get(p) as Examination);
  const groups = nearDuplicates(each.map((e) => e.look)).map((group) => {
    const members = group.map((i) => pictures[i] as TrainingPicture);
    return { exact: new Set(members.map((p) => p.sha256)).size === 1, files: members.map((p) => p.name) };
  });
  const sharpness = each.map((e) => e.sharpness);
  const usual = median(sharpness);
  const low = farBelow(sharpness);
  const blurred = pictures.flatMap((p, i) =>
    low[i] ? [{ file: p.name, sharpness: usual === 0 ? 0 : (sharpness[i] as number) / usual }] : [],
  );
  return { duplicates: groups, blurred: blurred.sort((a, b) => a.sharpness - b.sharpness) };
}

/** What `stillframe prepare` tells, all but the encoding. */
export function reportOf(findings: Findings, options: PrepareOptions): Omit<PrepareReport, "encoded"> {
  const { set, measure } = findings;
  return {
    format: "stillframe-prepare",
    version: 1,
    data: {
      name_or_path: options.train_data_dir ?? (options.dataset_name as string),
      commit: set.commit,
      content_sha256: set.sha256,
    },
    pictures: set.pictures.length,
    skipped: skippedByReason(set.skipped),
    skipped_files: set.skipped.map(({ fileName, reason }) => ({ file: fileName, reason })),
    resolution: options.resolution,
    sizes: sizesOf(set.pictures),
    ...cutsOf(set.pictures, options),
    captions: captionsOf(set.pictures, measure),
    ...looksOf(findings),
  };
}
