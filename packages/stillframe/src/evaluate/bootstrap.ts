import { invalid } from "@stillframe/torch/errors";

/** How often each unit counts in each resample: `resamples` rows of `n` numbers that add up to `n` (or near it, see clusters). */
export interface Resamples {
  readonly count: number;
  readonly size: number;
  /** One row, `[size]`. */
  readonly row: (index: number) => Float64Array;
  /** All rows, `[count, size]`. */
  readonly all: Float64Array;
}

export interface ResampleOptions {
  /** Number of resamples. */
  readonly resamples: number;
  readonly seed: number;
  /**
   * What each picture belongs to, for instance its prompt: pictures of one prompt are drawn together, because they are
   * not independent. Each picture by itself unless given.
   */
  readonly clusters?: readonly (string | number)[];
}

/**
 * Draws with replacement (Efron 1979): how often each of `size` pictures is in each resample. Two arms that share prompts
 * and seeds share one draw, and the interval of their difference is then a paired one.
 */
export function drawResamples(size: number, { resamples, seed, clusters }: ResampleOptions): Resamples {
  if (!Number.isInteger(size) || size < 2) throw invalid("size", "an integer of at least 2", size);
  if (!Number.isInteger(resamples) || resamples < 1) throw invalid("resamples", "a positive integer", resamples);
  if (clusters !== undefined && clusters.length !== size)
    throw invalid("clusters", `one for each of ${size} pictures`, clusters.length);
  const groups = membersOf(clusters ?? Array.from({ length: size }, (_, i) => i));
  if (groups.length < 2) throw invalid("clusters", "at least 2 different ones", groups.length);
  const random = uniform(seed);
  const all = new Float64Array(resamples * size);
  for (let r = 0; r < resamples; r++)
    for (let draw = 0; draw < groups.length; draw++)
      for (const member of groups[Math.floor(random() * groups.length)]!) all[r * size + member]! += 1;
  return { count: resamples, size, all, row: (index) => all.subarray(index * size, (index + 1) * size) };
}

function membersOf(clusters: readonly (string | number)[]): number[][] {
  const groups = new Map<string | number, number[]>();
  for (const [i, cluster] of clusters.entries()) {
    const group = groups.get(cluster);
    if (group === undefined) groups.set(cluster, [i]);
    else group.push(i);
  }
  return [...groups.values()];
}

/** Uniform numbers in [0, 1) from a seed, by `sfc32` (Doty-Humphrey 2010), mixed before the first is used. */
export function uniform(seed: number): () => number {
  if (!Number.isSafeInteger(seed) || seed < 0) throw invalid("seed", "an integer from 0 to 2^53 - 1", seed);
  let [a, b, c, counter] = [seed | 0, (seed / 2 ** 32) | 0, 0x9e3779b9 | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** Share of resamples within, for instance 0.95. */
  readonly level: number;
  /** Standard deviation over the resamples. */
  readonly standardError: number;
  readonly resamples: number;
}

/**
 * The interval around an estimate from its values over resamples: their quantiles, moved so that the resamples' mean lies
 * on the estimate. The move matters for distances that depend on the number of different pictures: a resample repeats
 * pictures, has fewer different ones, and FID is higher on all of them.
 *
 * @param options.range the values that the quantity can take; the move may lead out of it, and the interval is cut there
 */
export function bootstrapInterval(
  estimate: number,
  values: ArrayLike<number>,
  {
    level = 0.95,
    range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  }: { level?: number; range?: readonly [number, number] } = {},
): Interval {
  if (!(level > 0 && level < 1)) throw invalid("level", "a number between 0 and 1", level);
  const sorted = Float64Array.from(values).sort();
  if (sorted.length < 2) throw invalid("values", "at least 2 resamples", sorted.length);
  if (!Number.isFinite(estimate) || !sorted.every(Number.isFinite))
    throw invalid("values", "finite values", "NaN or infinite values");
  const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
  const variance = sorted.reduce((a, v) => a + (v - mean) ** 2, 0) / (sorted.length - 1);
  const at = (share: number) => Math.min(Math.max(estimate + quantile(sorted, share) - mean, range[0]), range[1]);
  const tail = (1 - level) / 2;
  return { low: at(tail), high: at(1 - tail), level, standardError: Math.sqrt(variance), resamples: sorted.length };
}

/** Linear between the sorted values on both sides, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

/** Means of `values [n]` over each resample, with `weights [n]` if given: for scores that are a mean over pictures. */
export function resampledMeans(values: Float64Array, resamples: Resamples, weights?: Float64Array): Float64Array {
  for (const [name, given] of Object.entries({ values, ...(weights === undefined ? {} : { weights }) }))
    if (given.length !== resamples.size)
      throw invalid(name, `one for each of ${resamples.size} pictures`, given.length);
  return Float64Array.from({ length: resamples.count }, (_, r) => {
    const counts = resamples.row(r);
    let sum = 0;
    let total = 0;
    for (let i = 0; i < counts.length; i++) {
      const weight = counts[i]! * (weights?.[i] ?? 1);
      sum += weight * values[i]!;
      total += weight;
    }
    return sum / total;
  });
}

/** The second less the first, resample by resample: the values for the interval of a paired difference. */
export function pairedDifferences(first: Float64Array, second: Float64Array): Float64Array {
  if (first.length !== second.length)
    throw invalid("second", `${first.length} resamples, those of the first arm,`, second.length);
  return second.map((value, r) => value - first[r]!);
}
