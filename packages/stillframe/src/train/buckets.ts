import type { TrainOptions } from "@stillframe/schema";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";

/** Height and width in pixels. */
export type Target = readonly [height: number, width: number];

type BucketOptions = Pick<TrainOptions, "resolution" | "bucket_step" | "bucket_min" | "bucket_max">;
type SizeOptions = BucketOptions & Pick<TrainOptions, "aspect_ratio_buckets">;

/**
 * The rectangles that pictures are sorted into, from the tallest to the widest: sides are multiples of `bucket_step`
 * from `bucket_min` to `bucket_max`, no area is above the square's (`resolution²`), and each side length has the longest
 * other side that fits. With every rectangle its transpose is there too.
 *
 * @throws InvalidArgumentError when no such rectangle exists
 */
export function bucketTargets({ resolution, bucket_step: step, bucket_min, bucket_max }: BucketOptions): Target[] {
  const least = Math.ceil((bucket_min ?? resolution / 2) / step) * step;
  const most = Math.floor((bucket_max ?? resolution * 2) / step) * step;
  const area = resolution * resolution;
  const targets = new Map<string, Target>();
  const add = (height: number, width: number) => targets.set(`${height} ${width}`, [height, width]);
  for (let side = least; side <= most; side += step) {
    const other = Math.min(Math.floor(area / side / step) * step, most);
    if (other < least) break; // longer sides leave even less for the other
    add(side, other);
    add(other, side);
  }
  const square = Math.floor(resolution / step) * step;
  if (square >= least && square <= most) add(square, square);
  if (targets.size === 0)
    throw new InvalidArgumentError(
      `expected bucket_min, bucket_max and bucket_step to leave a rectangle of at most ${resolution} × ${resolution} ` +
        `pixels but received sides from ${least} to ${most} in steps of ${step}`,
    );
  return [...targets.values()].sort(([h1, w1], [h2, w2]) => w1 / h1 - w2 / h2 || h2 * w2 - h1 * w1);
}

/** The rectangle whose shape is nearest to a picture's, by the ratio of their ratios; the first of equals. */
export function nearestTarget(
  { width, height }: { width: number; height: number },
  targets: readonly Target[],
): number {
  const ratio = Math.log(width / height);
  let best = 0;
  for (const [i, [h, w]] of targets.entries()) {
    const [bh, bw] = targets[best] as Target;
    if (Math.abs(Math.log(w / h) - ratio) < Math.abs(Math.log(bw / bh) - ratio)) best = i;
  }
  return best;
}

/**
 * The size that each picture is cut to: its bucket's, or the square. A picture smaller than that is enlarged, as in the
 * reference script; `stillframe prepare` tells how many are, and by how much.
 */
export function targetsOf(
  pictures: readonly { width: number; height: number }[],
  options: SizeOptions,
): { targets: Target[]; bucketOf: number[] } {
  const { resolution } = options;
  if (!options.aspect_ratio_buckets) return { targets: [[resolution, resolution]], bucketOf: pictures.map(() => 0) };
  const targets = bucketTargets(options);
  return { targets, bucketOf: pictures.map((p) => nearestTarget(p, targets)) };
}

/**
 * Checks that latents cover the targets exactly: a VAE takes squares of `factor` pixels to one latent, and what is left
 * over would be cut off without a word.
 *
 * @throws InvalidArgumentError naming the option and the nearest values that fit
 */
export function checkTargetSides(
  { aspect_ratio_buckets, resolution, bucket_step }: Omit<SizeOptions, "bucket_min" | "bucket_max">,
  factor: number,
): void {
  const [name, value] = aspect_ratio_buckets ? ["bucket_step", bucket_step] : ["resolution", resolution];
  if ((value as number) % factor === 0) return;
  const below = Math.floor((value as number) / factor) * factor;
  const near = below === 0 ? `${factor}` : `${below} or ${below + factor}`;
  throw invalid(name as string, `a multiple of ${factor}, this VAE's factor (such as ${near}),`, value);
}

/** Size after resizing so that the target is covered; the long side is cut to an integer as torchvision does. */
export function coveringSize({ width, height }: { width: number; height: number }, [h, w]: Target): [number, number] {
  const byHeight = h * width >= w * height;
  return byHeight
    ? [h, Math.max(w, Math.trunc((h * width) / height))]
    : [Math.max(h, Math.trunc((w * height) / width)), w];
}
