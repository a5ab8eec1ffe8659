/** A point of a curve: step and value. */
export type Point = readonly [x: number, y: number];

/** Steps that a smoothed curve looks back on: a fiftieth of the run, at least ten. */
export const smoothingSteps = (count: number): number => Math.max(10, Math.round(count / 50));

/**
 * Exponential moving average over about `steps` points, each weighted 2 / (steps + 1), without the pull of a start at 0
 * (the sum of the weights divides it, as in Kingma & Ba 2015, §3).
 */
export function smoothed(points: readonly Point[], steps: number): Point[] {
  const newest = 2 / (steps + 1);
  let [sum, weight] = [0, 0];
  return points.map(([x, y]) => {
    sum = (1 - newest) * sum + newest * y;
    weight = (1 - newest) * weight + newest;
    return [x, sum / weight];
  });
}

/**
 * At most about `2 · columns` points that look like all of them: the lowest and the highest of each column, in their
 * order.
 */
export function condensed(points: readonly Point[], columns: number): Point[] {
  if (points.length <= 2 * columns) return [...points];
  const per = points.length / columns;
  return Array.from({ length: columns }, (_, c) =>
    points.slice(Math.floor(c * per), Math.floor((c + 1) * per)),
  ).flatMap((column) => {
    const byValue = [...column].sort((a, b) => a[1] - b[1]);
    const [low, high] = [byValue[0] as Point, byValue.at(-1) as Point];
    return low[0] <= high[0] ? [low, high] : [high, low];
  });
}

/** The value below which a share of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}
