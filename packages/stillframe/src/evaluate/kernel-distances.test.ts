import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { cat, Generator, randn, readSafetensors, type Tensor, tensor } from "@stillframe/torch";
import { clipMmd, cmmdOfSamples } from "./cmmd.js";
import { kernelInceptionDistance, kidOfSamples, type SubsetRows } from "./kid.js";
import { densityCoverage, precisionRecall } from "./prdc.js";
import { fixture } from "./testing/fixture.js";

const near = (actual: number, expected: number, limit = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= limit, `${actual} is not ${expected}`);
const { tensors } = readSafetensors(fixture("distances/distances.safetensors"));
const [generated, real] = [tensors.get("generated")!, tensors.get("real")!];
type Prdc = Record<"precision" | "recall" | "density" | "coverage", number>;
const numbers = JSON.parse(readFileSync(fixture("distances/distances.json"), "utf8")) as {
  "prdc.k3": Prdc;
  "prdc.k5": Prdc;
  cmmd: number;
};

describe("kernelInceptionDistance", () => {
  const stored = readSafetensors(fixture("fid/kid_prc.safetensors")).tensors;
  const { kid_prc } = JSON.parse(readFileSync(fixture("fid/fid.json"), "utf8")) as {
    kid_prc: Record<string, { kid_mean_float64: number; kid_std_float64: number; mmd2_per_subset_float64: number[] }>;
  };

  for (const [name, expected] of Object.entries(kid_prc))
    it(`gives the reference's value on its subsets (${name})`, () => {
      const index = (side: 1 | 2) => stored.get(`${name}.subset_index_${side}`)!;
      const rows = Array.from(
        { length: index(1).size(0) },
        (_, r): SubsetRows => ({ generated: index(1).select(0, r).toArray(), real: index(2).select(0, r).toArray() }),
      );
      const kid = kernelInceptionDistance(stored.get(`${name}.features_1`)!, stored.get(`${name}.features_2`)!, {
        rows,
      });
      near(kid.mean, expected.kid_mean_float64);
      near(kid.std, expected.kid_std_float64);
      for (const [i, value] of kid.values.entries()) near(value, expected.mmd2_per_subset_float64[i]!);
    });

  it("is zero on average between halves of one set, where a biased distance is not", () => {
    const x = randn([400, 8], { generator: new Generator(2) });
    const { mean } = kernelInceptionDistance(x.narrow(0, 0, 200), x.narrow(0, 200, 200));
    assert.ok(Math.abs(mean) < 0.02, String(mean));
  });

  it("draws the same subsets from the same seed", () => {
    const options = { subsets: 5, subsetSize: 20 };
    const first = kernelInceptionDistance(generated, real, { ...options, seed: 3 });
    assert.deepEqual(kernelInceptionDistance(generated, real, { ...options, seed: 3 }), first);
    assert.notDeepEqual(kernelInceptionDistance(generated, real, { ...options, seed: 4 }).values, first.values);
    assert.equal(first.values.length, 5);
    assert.equal(kernelInceptionDistance(generated, real).subsetSize, 55);
  });

  it("counts a resample's pictures without pairing one with itself", () => {
    const counts = {
      generated: tensor([[2, 1, 1]], { dtype: "float64" }),
      real: tensor([[1, 1, 2]], { dtype: "float64" }),
    };
    const [x, y] = [generated.narrow(0, 0, 3), real.narrow(0, 0, 3)];
    const kernel = (a: number[], b: number[]) => (a.reduce((s, v, i) => s + v * b[i]!, 0) / a.length + 1) ** 3;
    const rows = (t: Tensor) => Array.from({ length: 3 }, (_, i) => t.select(0, i).toArray());
    const [p, q] = [rows(x), rows(y)];
    const average = (a: number[][], c: number[], b: number[][], e: number[], self: boolean) => {
      let [sum, pairs] = [0, 0];
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++)
          if (self || i !== j) {
            sum += c[i]! * e[j]! * kernel(a[i]!, b[j]!);
            pairs += c[i]! * e[j]!;
          }
      return sum / pairs;
    };
    const expected =
      average(p, [2, 1, 1], p, [2, 1, 1], false) +
      average(q, [1, 1, 2], q, [1, 1, 2], false) -
      2 * average(p, [2, 1, 1], q, [1, 1, 2], true);
    near(kidOfSamples(x, y, counts)[0]!, expected);
  });

  it("refuses subsets that cannot be", () => {
    assert.throws(
      () => kernelInceptionDistance(generated, real, { subsetSize: 56 }),
      /expected an integer from 2 to 55, the pictures of the smaller set, for subsetSize but received 56/,
    );
    assert.throws(
      () => kernelInceptionDistance(generated, real, { subsets: 0 }),
      /expected a positive integer for subsets/,
    );
    assert.throws(
      () => kernelInceptionDistance(generated, real, { rows: [] }),
      /expected at least one subset for rows/,
    );
    assert.throws(
      () => kernelInceptionDistance(generated, real, { rows: [{ generated: [0, 55], real: [0, 1] }] }),
      /expected integers from 0 to 54 for rows but received 55/,
    );
    assert.throws(
      () => kernelInceptionDistance(generated, real, { rows: [{ generated: [1, 1], real: [0, 1] }] }),
      /expected subsets without repetition for rows but received "row 1 twice"/,
    );
    assert.throws(
      () => kernelInceptionDistance(generated, real, { rows: [{ generated: [0], real: [0, 1] }] }),
      /expected subsets of at least 2 pictures for rows but received 1/,
    );
  });
});

describe("clipMmd", () => {
  it("gives the value of the paper's code", () => {
    near(clipMmd(generated, real), numbers.cmmd, 1e-4); // which computes in float32 here and there
    near(clipMmd(generated.mul(7), real.mul(0.1)), clipMmd(generated, real), 1e-9);
  });

  it("is lower without each picture's kernel with itself", () => {
    const each = (n: number) => ({ dtype: "float64", shape: [1, n] }) as const;
    const counts = {
      generated: tensor(new Float64Array(55).fill(1), each(55)),
      real: tensor(new Float64Array(70).fill(1), each(70)),
    };
    const [unbiased] = cmmdOfSamples(generated, real, { counts, estimator: "unbiased" });
    assert.equal(clipMmd(generated, real, { estimator: "unbiased" }), unbiased);
    assert.ok(unbiased! < clipMmd(generated, real));
    assert.throws(
      () => clipMmd(generated, real, { estimator: "best" as "biased" }),
      /expected biased or unbiased for estimator but received "best"/,
    );
    assert.throws(
      () => clipMmd(generated.mul(0), real),
      /expected rows that are not zero for features but received "a row of zeros"/,
    );
  });
});

describe("precision, recall, density, coverage", () => {
  for (const k of [3, 5] as const)
    it(`give the values of the authors' code (k = ${k})`, () => {
      const expected = numbers[`prdc.k${k}`];
      const pr = precisionRecall(generated, real, { k });
      const dc = densityCoverage(generated, real, { k });
      for (const [actual, name] of [
        [pr.precision, "precision"],
        [pr.recall, "recall"],
        [dc.density, "density"],
        [dc.coverage, "coverage"],
      ] as const)
        near(actual, expected[name]);
      const mean = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length;
      assert.deepEqual(
        [pr.perGenerated.length, pr.perReal.length, dc.perGenerated.length, dc.perReal.length],
        [55, 70, 55, 70],
      );
      for (const [values, value] of [
        [pr.perGenerated, pr.precision],
        [pr.perReal, pr.recall],
        [dc.perGenerated, dc.density],
        [dc.perReal, dc.coverage],
      ] as const)
        near(mean(values), value);
    });

  it("are as by hand on a line", () => {
    const line = (...points: number[]) => tensor(points.map((p) => [p]));
    // With k = 1 the balls of 0, 1, 3, 10 reach 1, 1, 2 and 7.
    const { precision, perGenerated } = precisionRecall(line(-1, 2, 20), line(0, 1, 3, 10), { k: 1 });
    assert.deepEqual([...perGenerated], [1, 1, 0]);
    near(precision, 2 / 3);
    const { perGenerated: balls, coverage } = densityCoverage(line(-1, 2, 20), line(0, 1, 3, 10), { k: 1 });
    assert.deepEqual([...balls], [0, 1, 0]); // borders do not count here
    near(coverage, 1 / 4);
  });

  it("do not depend on blocks of rows", () => {
    const many = cat([generated, generated.add(0.01), ...Array.from({ length: 9 }, (_, i) => real.add(i + 3))], 0);
    assert.ok(many.size(0) > 512);
    const { precision, perGenerated } = precisionRecall(many, real);
    assert.equal(perGenerated.length, many.size(0));
    const few = precisionRecall(generated, real).perGenerated;
    assert.deepEqual(perGenerated.slice(0, 55), few);
    assert.ok(precision < 1);
  });

  it("refuse more neighbours than there are", () => {
    assert.throws(
      () => precisionRecall(generated, real, { k: 55 }),
      /expected an integer below the 55 pictures of the smaller set for k but received 55/,
    );
    assert.throws(() => densityCoverage(generated, real, { k: 0 }), /expected a positive integer for k but received 0/);
  });
});
