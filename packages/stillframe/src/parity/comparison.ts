/** How far a quantity may be from its reference. */
export type Tolerance =
  | { readonly kind: "exact" }
  /** the largest difference */
  | { readonly kind: "absolute"; readonly limit: number }
  /** every difference, as a part of its own reference element */
  | { readonly kind: "relative"; readonly limit: number }
  /** the largest difference, as a part of the reference's largest element */
  | { readonly kind: "scaled"; readonly limit: number }
  /** as `scaled`, for each row along the first axis alone: for states that grow or shrink from step to step */
  | { readonly kind: "scaledByRow"; readonly limit: number };

export const exact: Tolerance = { kind: "exact" };
export const absolute = (limit: number): Tolerance => ({ kind: "absolute", limit });
export const relative = (limit: number): Tolerance => ({ kind: "relative", limit });
export const scaled = (limit: number): Tolerance => ({ kind: "scaled", limit });
export const scaledByRow = (limit: number): Tolerance => ({ kind: "scaledByRow", limit });

const UNITS: Readonly<Record<Exclude<Tolerance["kind"], "exact">, string>> = {
  absolute: "abs",
  relative: "rel",
  scaled: "of max",
  scaledByRow: "of row max",
};

/** A tolerance as the table shows it: `1e-4 abs`. */
export function describeTolerance(tolerance: Tolerance): string {
  if (tolerance.kind === "exact") return "exact";
  const digits = tolerance.limit.toExponential().replace(/(\.\d\d)\d+/, "$1");
  return `${digits.replace("e+", "e")} ${UNITS[tolerance.kind]}`;
}

export interface Comparison {
  /** largest absolute difference; NaN when a number is NaN or only one of two is infinite */
  readonly absolute: number;
  /** largest relative difference, in the unit of the tolerance (`exact` and `absolute`: to the largest element) */
  readonly relative: number;
  readonly within: boolean;
}

/** Differences of two lists of equal length; equal infinities do not differ. */
export function compare(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { tolerance, rows = 1 }: { tolerance: Tolerance; rows?: number },
): Comparison {
  const length = expected.length;
  const perRow = tolerance.kind === "scaledByRow" ? Math.max(1, length / rows) : Math.max(1, length);
  let [largest, relative] = [0, 0];
  for (let start = 0; start < length; start += perRow) {
    const row = compareRange(actual, expected, { start, end: Math.min(length, start + perRow) });
    largest = worse(largest, row.absolute);
    relative = worse(relative, tolerance.kind === "relative" ? row.elementwise : part(row.absolute, row.scale));
  }
  return { absolute: largest, relative, within: isWithin(tolerance, { absolute: largest, relative }) };
}

/** The larger of two; NaN is the largest of all. */
const worse = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b));

/** `error / scale`, where no error of nothing is no error. */
const part = (error: number, scale: number): number => (error === 0 ? 0 : error / scale);

function compareRange(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { start, end }: { start: number; end: number },
): { absolute: number; elementwise: number; scale: number } {
  let [absolute, elementwise, scale] = [0, 0, 0];
  for (let i = start; i < end; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    const difference = a === e ? 0 : Math.abs(a - e);
    const own = Number.isFinite(difference) ? difference : Number.NaN;
    absolute = worse(absolute, own);
    elementwise = worse(elementwise, part(own, Math.abs(e)));
    scale = Math.max(scale, Math.abs(e));
  }
  return { absolute, elementwise, scale };
}

function isWithin(tolerance: Tolerance, { absolute, relative }: { absolute: number; relative: number }): boolean {
  // Comparisons with NaN are false, so that a NaN never passes.
  if (tolerance.kind === "exact") return absolute === 0;
  return tolerance.kind === "absolute" ? absolute <= tolerance.limit : relative <= tolerance.limit;
}
