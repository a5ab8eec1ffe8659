/**
 * `count` evenly spaced numbers from `first` to `last`, both included, in float64 and in numpy.linspace's order of
 * operations: a timestep that lies on a half is rounded the same way only if the last bit is the same.
 */
export function linspace(first: number, last: number, count: number): number[] {
  if (count === 1) return [first];
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : i * step + first));
}

/** `count` numbers that fall from `first` by `step`, in numpy.arange's order of operations. */
export function descending(first: number, step: number, count: number): number[] {
  const second = first - step;
  const delta = second - first;
  return Array.from({ length: count }, (_, i) => (i === 1 ? second : first + i * delta));
}

/** The nearest integer; a half goes to the even neighbour, as in numpy.round. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
