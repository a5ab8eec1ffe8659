import { invalid, ShapeError } from "./errors.js";

type Axes<S extends string> = S extends `${infer A} ${infer B}` ? A | Axes<B> : S;

/** The named axes of a pattern: `Dims<"b t 2048">` is `{ b: number; t: number }`. */
export type Dims<S extends string> = { [K in Axes<S> as K extends `${number}` | "_" | "" ? never : K]: number };

interface Axis {
  name: string | null;
  length: number | null;
}
const patterns = new Map<string, Axis[]>();

function parse(pattern: string): Axis[] {
  let axes = patterns.get(pattern);
  if (axes !== undefined) return axes;
  axes = (pattern === "" ? [] : pattern.split(" ")).map((word) => {
    if (word === "_") return { name: null, length: null };
    if (/^\d+$/.test(word)) return { name: null, length: Number(word) };
    if (/^[A-Za-z]\w*$/.test(word)) return { name: word, length: null };
    throw invalid("dims", "axis names, integers and _ separated by single spaces", pattern);
  });
  patterns.set(pattern, axes);
  return axes;
}

/**
 * Matches a shape with a pattern of names, integers and `_`.
 *
 * @throws ShapeError when the rank, an integer or two equal names do not agree
 */
export function matchDims<S extends string>(shape: readonly number[], pattern: S): Dims<S> {
  const axes = parse(pattern);
  const named: Record<string, number> = {};
  let fits = axes.length === shape.length;
  for (let i = 0; fits && i < axes.length; i++) {
    const { name, length } = axes[i] as Axis;
    const n = shape[i] as number;
    if (length !== null) fits = n === length;
    else if (name !== null) {
      const known = Object.hasOwn(named, name) ? named[name] : undefined; // an axis may be called "constructor"
      if (known === undefined) named[name] = n;
      else fits = known === n;
    }
  }
  if (!fits)
    throw new ShapeError(`expected shape [${pattern.split(" ").join(", ")}] but received [${shape.join(", ")}]`);
  return named as Dims<S>;
}
