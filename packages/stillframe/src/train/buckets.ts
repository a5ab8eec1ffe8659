import type { TrainOptions } from "@stillframe/schema";

/** Height and width in pixels. */
export type Target = readonly [height: number, width: number];

/** The rectangles that pictures are sorted into: the squares' area or a little less, sides in steps. */
export function bucketTargets({ resolution, bucket_step: step, bucket_min, bucket_max }: Pick<TrainOptions, "resolution" | "bucket_step" | "bucket_min" | "bucket_max">): Target[] {
  const [least, most] = [bucket_min ?? resolution / 2, bucket_max ?? resolution * 2];
  const area = resolution * resolution;
  const targets: Target[] = [];
  for (let width = Math.ceil(least / step) * step; width <= most; width += step) {
    const height = Math.min(Math.floor(area / width / step) * step, Math.floor(most / step) * step);
    if (height >= least) targets.push([height, width]);
  }
  const square = Math.floor(resolution / step) * step;
  if (!targets.some(([h, w]) => h === square && w === square)) targets.push([square, square]);
  return targets;
}

/** The rectangle whose shape is nearest to a picture's, by the ratio of their ratios; the first of equals. */
export function nearestTarget({ width, height }: { width: number; height: number }, targets: readonly Target[]): number {
  const ratio = Math.log(width / height);
  let best = 0;
  for (const [i, [h, w]] of targets.entries()) {
    const [bh, bw] = targets[best] as Target;
    if (Math.abs(Math.log(w / h) - ratio) < Math.abs(Math.log(bw / bh) - ratio)) best = i;
  }
  return best;
}

/** The size that each picture is cut to: its bucket's, or the square. */
export function targetsOf(pictures: readonly { width: number; height: number }[], options: TrainOptions): { targets: Target[]; bucketOf: number[] } {
  if (!options.aspect_ratio_buckets) return { targets: [[options.resolution, options.resolution]], bucketOf: pictures.map(() => 0) };
  const targets = bucketTargets(options);
  return { targets, bucketOf: pictures.map((p) => nearestTarget(p, targets)) };
}
