import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type DType, type Tensor, tensor } from "./index.js";

/** A tensor in `reference.json`; what JSON has no number for is a string. */
export interface Stored {
  shape: number[];
  dtype: DType;
  values: (number | string)[];
}
interface AdamwCase {
  options: { betas: [number, number]; eps: number; weight_decay: number };
  initial: Stored[];
  steps: { lr: number; grads: (Stored | null)[]; parameters: Stored[] }[];
}
interface Reference {
  libtorch: string;
  operators: Record<string, { inputs: Stored[]; output: Stored; gradOutput: Stored; grads: Stored[] }>;
  adamw: AdamwCase[];
  clip: { maxNorm: number; before: Stored[]; norm: Stored; after: Stored[] }[];
  draws: ({ seed: number } & Record<string, Stored>)[];
  casts: { float32: Stored; float16: number[]; bfloat16: number[] };
}

/** What Python's torch computes; `fixtures/make-reference.py` writes it. */
export const reference = JSON.parse(
  readFileSync(fileURLToPath(new URL("../fixtures/reference.json", import.meta.url)), "utf8"),
) as Reference;

export const valuesOf = (s: Stored): number[] => s.values.map(Number);
export const tensorOf = (s: Stored): Tensor => tensor(valuesOf(s), { shape: s.shape, dtype: s.dtype });

/** Equal shapes, and each element within `tolerance · max(1, |expected|)`. */
export function near(actual: Tensor, expected: Stored | readonly number[], tolerance = 1e-5): void {
  const values = "shape" in expected ? valuesOf(expected) : expected;
  if ("shape" in expected) assert.deepEqual(actual.shape, expected.shape);
  const got = actual.toArray();
  assert.equal(got.length, values.length);
  for (const [i, want] of values.entries()) {
    const have = got[i] as number;
    const fits = Object.is(have, want) || Math.abs(have - want) <= tolerance * Math.max(1, Math.abs(want));
    if (!fits) assert.fail(`element ${i}: expected ${want} within ${tolerance} but received ${have}`);
  }
}

/** Equal shapes, element types and bits. */
export function same(actual: Tensor, expected: Stored): void {
  assert.deepEqual({ shape: actual.shape, dtype: actual.dtype }, { shape: expected.shape, dtype: expected.dtype });
  const want = tensorOf(expected);
  assert.deepEqual(actual.data(), want.data());
  want.dispose();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  describe("near", () => {
    it("rejects what is further away, another shape, another length, and NaN", () => {
      const x = tensor([1, 2]);
      near(x, [1, 2.000001]);
      assert.throws(() => near(x, [1, 2.1]), /element 1: expected 2.1 within 0.00001 but received 2/);
      assert.throws(() => near(x, [1]), /Expected values to be strictly equal/);
      assert.throws(() => near(x, { shape: [2, 1], dtype: "float32", values: [1, 2] }));
      assert.throws(() => near(tensor([Number.NaN]), [1]), /received NaN/);
    });

    it("same rejects a difference in the last bit", () => {
      const x = tensor([1]);
      same(x, { shape: [1], dtype: "float32", values: [1] });
      assert.throws(() => same(x, { shape: [1], dtype: "float32", values: [1 + 2 ** -23] }));
    });

    it("the reference holds what the tests ask for", () => {
      assert.ok(Object.keys(reference.operators).length > 30);
      assert.deepEqual([reference.adamw.length, reference.clip.length, reference.draws.length], [2, 2, 2]);
    });
  });
