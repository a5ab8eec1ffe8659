import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "@stillframe/schema";
import { noGrad, readSafetensors, scope, type Tensor } from "@stillframe/torch";
import { fileSha256 } from "../train/file-hash.js";

/** A file of the result, and whether the second run made the same bytes. */
export interface ResultCheck {
  readonly path: string;
  readonly expected: string;
  /** `missing` when the second run did not make it. */
  readonly found: string;
  readonly same: boolean;
}

/** How far two adapters are from each other. */
export interface WeightDifference {
  /** Tensors of the two, and how many of them differ. */
  readonly tensors: number;
  readonly changed: number;
  /** The largest difference of two numbers. */
  readonly largest: number;
  /** The length of the difference over the length of the first, all numbers together. */
  readonly relative: number;
}

/** Compares the results that two manifests name. */
export function compareResults(first: Manifest["results"], second: Manifest["results"]): ResultCheck[] {
  return first.map(({ path, sha256 }) => {
    const found = second.find((file) => file.path === path)?.sha256 ?? "missing";
    return { path, expected: sha256, found, same: found === sha256 };
  });
}

/**
 * The difference of the weights of two runs' files, where both are there and the first is the one that the manifest names;
 * `undefined` otherwise, and of files with other tensors.
 */
export async function compareWeights(
  { path, expected }: ResultCheck,
  { first, second }: { first: string; second: string },
): Promise<WeightDifference | undefined> {
  const [a, b] = [join(first, path), join(second, path)];
  if (!existsSync(a) || !existsSync(b) || (await fileSha256(a)) !== expected) return undefined;
  return noGrad(() => scope(() => difference(readSafetensors(a).tensors, readSafetensors(b).tensors)));
}

function difference(
  first: ReadonlyMap<string, Tensor>,
  second: ReadonlyMap<string, Tensor>,
): WeightDifference | undefined {
  let [changed, largest, squaredDifference, squaredLength] = [0, 0, 0, 0];
  if (first.size !== second.size) return undefined;
  for (const [name, tensor] of first) {
    const other = second.get(name);
    if (other === undefined || other.shape.join() !== tensor.shape.join()) return undefined;
    const [a, b] = [numbers(tensor), numbers(other)];
    let most = 0;
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i] as number, b[i] as number];
      most = Math.max(most, Math.abs(x - y));
      squaredDifference += (x - y) ** 2;
      squaredLength += x ** 2;
    }
    if (most > 0) changed++;
    largest = Math.max(largest, most);
  }
  const relative =
    squaredLength === 0 ? (squaredDifference === 0 ? 0 : 1) : Math.sqrt(squaredDifference / squaredLength);
  return { tensors: first.size, changed, largest, relative };
}

function numbers(tensor: Tensor): Float64Array {
  return tensor.to("float64").data() as Float64Array;
}
