import { Generator, randperm, scope, type Tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import { frechetDistance } from "./frechet.js";
import { type Gaussian, gaussianOf } from "./statistics.js";

/** FID at one number of generated pictures. */
export interface FidAtSize {
  readonly pictures: number;
  readonly distance: number;
}

export interface FidInfinity {
  /** Where the line meets 1/N = 0. */
  readonly value: number;
  /** Of the line over 1/N: the bias at N pictures is about `slope / N`. */
  readonly slope: number;
  /** Share of the points' variance that the line explains. */
  readonly rSquared: number;
  readonly points: readonly FidAtSize[];
}

export interface FidInfinityOptions {
  /** Number of sizes; default 8, evenly spaced up to all pictures. */
  readonly sizes?: number;
  readonly seed?: number;
}

/**
 * Why FID cannot be extrapolated, in a sentence; null where it can. FID is linear in 1/N only where the covariance has
 * full rank at every size on the line, of which the smallest is half of N.
 */
export function infinityCaveat(pictures: number, dimension: number): string | null {
  const needed = 2 * (dimension + 1);
  if (pictures >= needed) return null;
  return `FID∞ is not given: extrapolating over 1/N needs at least ${needed} generated pictures for ${dimension} features, and there are ${pictures}.`;
}

/**
 * FID extrapolated to infinitely many generated pictures (Chong & Forsyth 2020): FID falls linearly in 1/N with a slope
 * that differs between generators, so that two of them cannot be compared fairly at one N; the intercept can.
 *
 * @param generated `[n, d]`
 * @throws InvalidArgumentError where `infinityCaveat` gives a reason
 */
export function fidInfinity(
  generated: Tensor,
  real: Gaussian,
  { sizes = 8, seed = 0 }: FidInfinityOptions = {},
): FidInfinity {
  const [n, d] = [generated.size(0), generated.size(1)];
  if (!Number.isInteger(sizes) || sizes < 3) throw invalid("sizes", "an integer of at least 3", sizes);
  if (infinityCaveat(n, d) !== null) throw invalid("generated", `features of at least ${2 * (d + 1)} pictures`, n);
  const generator = new Generator(seed);
  const points = Array.from({ length: sizes }, (_, i): FidAtSize => {
    const pictures = Math.round(n / 2 + ((n - n / 2) * i) / (sizes - 1));
    // A new draw for each size, so that the points' errors do not all come from the same few pictures.
    const distance = scope(() => {
      const rows = randperm(n, { generator }).narrow(0, 0, pictures);
      return frechetDistance(gaussianOf(generated.indexSelect(0, rows)), real);
    });
    return { pictures, distance };
  });
  return extrapolate(points);
}

/** The least-squares line through distances over 1/N. */
export function extrapolate(points: readonly FidAtSize[]): FidInfinity {
  if (new Set(points.map((p) => p.pictures)).size < 2)
    throw invalid("points", "distances at 2 sizes or more", points.length);
  const x = points.map((p) => 1 / p.pictures);
  const y = points.map((p) => p.distance);
  const mean = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const sum = (f: (i: number) => number) => x.reduce((a, _, i) => a + f(i), 0);
  const slope = sum((i) => (x[i]! - mx) * (y[i]! - my)) / sum((i) => (x[i]! - mx) ** 2);
  const value = my - slope * mx;
  const total = sum((i) => (y[i]! - my) ** 2);
  const rest = sum((i) => (y[i]! - value - slope * x[i]!) ** 2);
  return { value, slope, rSquared: total === 0 ? 1 : 1 - rest / total, points };
}
