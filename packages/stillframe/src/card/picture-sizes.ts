import type { Manifest } from "@stillframe/schema";

type Sizes = NonNullable<Manifest["data"]["picture_sizes"]>;

/** Least, median and most of the widths and heights of pictures, in pixels; `undefined` of no pictures. */
export function pictureSizes(
  pictures: readonly { readonly width: number; readonly height: number }[],
): Sizes | undefined {
  if (pictures.length === 0) return undefined;
  return { width: spread(pictures.map(({ width }) => width)), height: spread(pictures.map(({ height }) => height)) };
}

function spread(values: readonly number[]): Sizes["width"] {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [below, above] = [sorted[Math.floor(middle)] as number, sorted[Math.ceil(middle)] as number];
  return { least: sorted[0] as number, median: (below + above) / 2, most: sorted.at(-1) as number };
}
