import { invalid } from "@stillframe/torch/errors";
import { uniform } from "./bootstrap.js";
import { METRIC_INFO, type Metric } from "./metric.js";

export interface Halves {
  /** Rows to choose by. */
  readonly validation: readonly number[];
  /** Rows to report on. */
  readonly test: readonly number[];
}

/**
 * Splits pictures into two halves for choosing among checkpoints: the best of many is best partly by luck, and the number
 * that it was chosen by says too much. Pictures of one cluster (a prompt, near-duplicates) stay on one side.
 */
export function halves(
  size: number,
  { seed, clusters }: { seed: number; clusters?: readonly (string | number)[] },
): Halves {
  if (!Number.isInteger(size) || size < 2) throw invalid("size", "an integer of at least 2", size);
  if (clusters !== undefined && clusters.length !== size)
    throw invalid("clusters", `one for each of ${size} pictures`, clusters.length);
  const groups = new Map<string | number, number[]>();
  for (let i = 0; i < size; i++) {
    const key = clusters?.[i] ?? i;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  if (groups.size < 2) throw invalid("clusters", "at least 2 different ones", groups.size);
  const validation: number[] = [];
  const test: number[] = [];
  // Large clusters first, each to the side that has fewer, so that the halves come out even.
  const order = shuffled([...groups.values()], uniform(seed)).sort((a, b) => b.length - a.length);
  for (const group of order) (validation.length <= test.length ? validation : test).push(...group);
  const sorted = (rows: number[]) => rows.sort((a, b) => a - b);
  return { validation: sorted(validation), test: sorted(test) };
}

/** Fisher and Yates. */
function shuffled<T>(items: T[], random: () => number): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}

/** The best of several by a metric on the validation half; of equals the first. */
export function selectBest<T extends { readonly value: number }>(candidates: readonly T[], metric: Metric): T {
  const { better, label } = METRIC_INFO[metric];
  if (better === "none") throw invalid("metric", "a metric of which one direction is better", label);
  if (candidates.length === 0) throw invalid("candidates", "at least one", "none");
  if (!candidates.every((c) => Number.isFinite(c.value)))
    throw invalid("candidates", "finite values", "NaN or infinite values");
  const sign = better === "lower" ? 1 : -1;
  return candidates.reduce((best, candidate) => (sign * candidate.value < sign * best.value ? candidate : best));
}
