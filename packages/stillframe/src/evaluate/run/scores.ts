import { noGrad, scope, stack, type Tensor, tensor } from "@stillframe/torch";
import { decodePicture } from "../../data/index.js";
import { bootstrapInterval, drawResamples, pairedDifferences, resampledMeans } from "../bootstrap.js";
import { type Clip, clipScore, clipTextEmbeddings } from "../clip-score.js";
import { type Lpips, lpipsDiversity } from "../lpips.js";
import type { ArmValue, Difference } from "../measure.js";
import { METRIC_INFO, type Metric } from "../metric.js";
import { pixels } from "../resize.js";

/** A score of each picture, or of each prompt, of an arm. */
export interface ArmScores {
  readonly arm: string;
  readonly values: Float64Array;
  /** How much each counts, above 0; the same for all arms. Once each unless given. */
  readonly weights?: Float64Array;
}

/**
 * Means of scores with intervals, and paired differences to the first arm: the resamples are the same for all.
 *
 * @param clusters what each score belongs to, for instance its prompt
 */
export function meanScores(
  metric: Metric,
  arms: readonly ArmScores[],
  { clusters, resamples, seed }: { clusters: readonly string[] | null; resamples: number; seed: number },
): { values: ArmValue[]; differences: Difference[] } {
  const [first] = arms;
  if (first === undefined) return { values: [], differences: [] };
  const size = first.values.length;
  const grouped = clusters !== null && new Set(clusters).size > 1 ? { clusters } : {};
  const draws = resamples === 0 || size < 2 ? null : drawResamples(size, { resamples, seed, ...grouped });
  const { range } = METRIC_INFO[metric];
  const measured = arms.map(({ arm, values, weights }) => ({
    arm,
    mean: weightedMean(values, weights),
    samples: draws === null ? null : resampledMeans(values, draws, weights),
  }));
  const base = measured[0] as (typeof measured)[number];
  return {
    values: measured.map(({ arm, mean, samples }) => ({
      arm,
      metric,
      value: mean,
      ...(samples === null ? {} : { interval: bootstrapInterval(mean, samples, { range }) }),
    })),
    differences: measured.slice(1).map(({ arm, mean, samples }) => {
      const value = mean - base.mean;
      const paired = samples === null || base.samples === null ? null : pairedDifferences(base.samples, samples);
      const interval = paired === null ? {} : { interval: bootstrapInterval(value, paired) };
      return { metric, from: base.arm, to: arm, value, ...interval };
    }),
  };
}

function weightedMean(values: Float64Array, weights: Float64Array | undefined): number {
  const weight = (i: number) => weights?.[i] ?? 1;
  const total = values.reduce((sum, _, i) => sum + weight(i), 0);
  return values.reduce((sum, v, i) => sum + weight(i) * v, 0) / total;
}

/**
 * CLIP score of each picture with the text of its row, `[n]`.
 *
 * @returns also how many different texts are longer than CLIP reads
 */
export function clipScores(
  clip: Clip,
  images: Tensor,
  texts: readonly string[],
): { values: Float64Array; cut: number; different: number } {
  const different = [...new Set(texts)];
  const { embeddings, cut } = clipTextEmbeddings(clip, different);
  const place = new Map(different.map((text, i) => [text, i]));
  return scope(() => {
    const rows = tensor(
      texts.map((text) => place.get(text) as number),
      { dtype: "int64" },
    );
    const { values } = clipScore(images, embeddings.indexSelect(0, rows));
    embeddings.dispose();
    return { values, cut, different: different.length };
  });
}

/** LPIPS diversity of each group of pictures, of one size within a group. */
export async function* diversityOf(lpips: Lpips, groups: readonly (readonly string[])[]): AsyncGenerator<number, void> {
  const { dtype, device } = lpips.lin0.model[1].weight;
  for (const paths of groups) {
    const pictures = await Promise.all(paths.map((path) => decodePicture(path)));
    yield scope(() =>
      noGrad(() => {
        const group = stack(pictures.map((p) => pixels(p).div(127.5).sub(1)));
        return lpipsDiversity(lpips, [group.to({ dtype, device })]).mean;
      }),
    );
  }
}
