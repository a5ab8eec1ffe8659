import { invalid, scope, type Tensor } from "@stillframe/torch";

/**
 * Features as every statistic here takes them: `[n, d]`, floating point, all finite; returned in float64.
 *
 * @param name what messages call them
 * @throws InvalidArgumentError for another rank or type, fewer than `minimum` rows, or a value that is not finite: a
 * distance of features with NaN in them would be a number that means nothing
 */
export function checkedFeatures(features: Tensor, { name, minimum = 1 }: { name: string; minimum?: number }): Tensor {
  const { shape, dtype } = features;
  if (shape.length !== 2 || !dtype.startsWith("float"))
    throw invalid(name, "features [n, d] of a floating-point type", `${dtype}[${shape.join(", ")}]`);
  if (shape[0]! < minimum) throw invalid(name, `features of at least ${minimum} pictures`, shape[0]);
  const bad = nonFiniteRows(features);
  if (bad.length > 0)
    throw invalid(
      name,
      "finite features",
      `NaN or infinite values in ${bad.length} of ${shape[0]} rows, the first is row ${bad[0]}`,
    );
  return features.to("float64");
}

/** Two sets of features of one kind, in float64. */
export function checkedPair(
  generated: Tensor,
  real: Tensor,
  { minimum = 1 }: { minimum?: number } = {},
): [generated: Tensor, real: Tensor] {
  const x = checkedFeatures(generated, { name: "generated", minimum });
  const y = checkedFeatures(real, { name: "real", minimum });
  if (x.size(1) !== y.size(1))
    throw invalid("generated", `features of the same network as real (${y.size(1)} numbers a picture)`, x.size(1));
  return [x, y];
}

/** Rows of `features [n, d]` that hold NaN or an infinity. */
export function nonFiniteRows(features: Tensor): number[] {
  const flags = scope(() => features.isfinite().to("uint8").amin(1).data() as Uint8Array);
  return Array.from(flags).flatMap((ok, row) => (ok === 0 ? [row] : []));
}
