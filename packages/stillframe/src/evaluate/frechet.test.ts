import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { cat, eye, Generator, randn, readSafetensors, type Tensor, tensor, zeros } from "@stillframe/torch";
import { covarianceRank, frechetDistance, frechetOfFeatures, frechetToGaussian } from "./frechet.js";
import { gaussianOf } from "./statistics.js";
import { fixture } from "./testing/fixture.js";

const float64 = { dtype: "float64" } as const;
const features = (n: number, d: number, seed: number): Tensor =>
  randn([n, d], { generator: new Generator(seed), ...float64 });
const close = (actual: number, expected: number, relative = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual} is not ${expected}`);
const diagonal = (...values: number[]) => tensor(values, float64).diag(0);

describe("frechetDistance", () => {
  it("gives the reference's values", () => {
    const { tensors } = readSafetensors(fixture("fid/frechet.safetensors"));
    const { frechet } = JSON.parse(readFileSync(fixture("fid/fid.json"), "utf8")) as {
      frechet: Record<string, { value_pytorch_fid: number; rank1: number; rank2: number }>;
    };
    for (const [name, { value_pytorch_fid: value, rank1, rank2 }] of Object.entries(frechet)) {
      const side = (i: number) => ({
        mean: tensors.get(`${name}.mu${i}`)!,
        covariance: tensors.get(`${name}.sigma${i}`)!,
      });
      const [first, second] = [side(1), side(2)];
      assert.deepEqual([covarianceRank(first.covariance), covarianceRank(second.covariance)], [rank1, rank2], name);
      const distance = frechetDistance(first, second);
      if (name === "d16_identical") assert.ok(distance < 1e-9);
      else close(distance, value, name.includes("rank_deficient") || name.includes("singular") ? 1e-5 : 1e-6);
      close(frechetDistance(second, first), distance, distance < 1e-9 ? Number.POSITIVE_INFINITY : 1e-6);
    }
  });

  it("is Σ (√a - √b)² and the distance of means for diagonal covariances, singular ones too", () => {
    const first = { mean: tensor([1, 2, 3], float64), covariance: diagonal(4, 9, 0) };
    const second = { mean: tensor([1, 0, 3], float64), covariance: diagonal(1, 0, 25) };
    close(frechetDistance(first, second), 4 + (2 - 1) ** 2 + 9 + 25);
    const nothing = { mean: zeros([3], float64), covariance: zeros([3, 3], float64) };
    close(frechetDistance(nothing, second), 1 + 9 + 26);
    close(frechetDistance(second, nothing), 1 + 9 + 26);
    assert.equal(frechetDistance(nothing, nothing), 0);
  });

  it("refuses what is no pair of distributions", () => {
    const good = { mean: zeros([2], float64), covariance: eye(2, float64) };
    const other = { mean: zeros([3], float64), covariance: eye(3, float64) };
    assert.throws(
      () => frechetDistance(good, other),
      /expected a distribution over 2 numbers for second but received 3/,
    );
    assert.throws(
      () => frechetDistance({ ...good, covariance: other.covariance }, good),
      /expected a mean \[d\] and a covariance \[d, d\] for first but received "mean \[2\] and covariance \[3, 3\]"/,
    );
    assert.throws(
      () => frechetDistance(good, { ...good, covariance: diagonal(1, Number.NaN) }),
      /expected a finite mean and covariance for second/,
    );
    assert.throws(
      () => frechetDistance({ ...good, covariance: diagonal(1, -1) }, good),
      /expected a covariance without negative eigenvalues for first but received -1/,
    );
    assert.throws(
      () =>
        frechetDistance(good, {
          ...good,
          covariance: tensor(
            [
              [1, 0.5],
              [0, 1],
            ],
            float64,
          ),
        }),
      /expected a symmetric covariance for second/,
    );
    assert.throws(
      () => frechetDistance(good, { mean: zeros([2]), covariance: eye(2) }),
      /of float64 for second but received "float32 and float32"/,
    );
  });
});

describe("frechetOfFeatures", () => {
  it("agrees with the distance of the fitted distributions for few and for many pictures", () => {
    for (const [n, m, d] of [
      [7, 9, 20],
      [40, 9, 20],
      [50, 60, 8],
    ] as const) {
      const [x, y] = [features(n, d, 3), features(m, d, 4).mul(1.3).add(0.2)];
      close(frechetOfFeatures(x, y), frechetDistance(gaussianOf(x), gaussianOf(y)), 1e-7);
    }
  });

  it("counts pictures as if they were there so many times", () => {
    for (const d of [4, 30]) {
      const [x, y] = [features(6, d, 5), features(7, d, 6)];
      const counts = { generated: tensor([2, 0, 1, 1, 2, 0], float64), real: tensor([1, 1, 3, 0, 0, 1, 1], float64) };
      const repeated = (t: Tensor, c: Tensor) =>
        cat(
          c.toArray().flatMap((times, i) => Array<Tensor>(times).fill(t.narrow(0, i, 1))),
          0,
        );
      const expected = frechetOfFeatures(repeated(x, counts.generated), repeated(y, counts.real));
      close(frechetOfFeatures(x, y, { counts }), expected, 1e-7);
    }
  });

  it("refuses features that cannot be compared", () => {
    const x = features(5, 4, 1);
    assert.throws(
      () => frechetOfFeatures(x, features(5, 3, 1)),
      /expected features of the same network as real \(3 numbers a picture\) for generated but received 4/,
    );
    assert.throws(
      () => frechetOfFeatures(x.narrow(0, 0, 1), x),
      /expected features of at least 2 pictures for generated but received 1/,
    );
    assert.throws(() => frechetOfFeatures(x, x.mul(Number.NaN)), /expected finite features for real/);
    assert.throws(
      () => frechetOfFeatures(x, x, { counts: { generated: zeros([4], float64), real: zeros([5], float64) } }),
      /expected one number for each of 5 pictures for counts/,
    );
    assert.throws(
      () => frechetOfFeatures(x, x, { counts: { generated: zeros([5], float64), real: zeros([5], float64) } }),
      /expected at least 2 pictures for counts but received 0/,
    );
  });
});

describe("frechetToGaussian", () => {
  it("is the distance of the distributions, with fewer and with more pictures than features, and with counts", () => {
    const real = gaussianOf(features(90, 12, 1).mul(1.5).add(0.5));
    for (const n of [6, 40]) {
      const x = features(n, 12, 2);
      close(frechetToGaussian(x, real), frechetDistance(gaussianOf(x), real));
      const counts = tensor(
        Float64Array.from({ length: n }, (_, i) => [2, 0, 1][i % 3] as number),
        { shape: [n] },
      );
      const rows = Array.from({ length: n }, (_, i) =>
        Array.from({ length: [2, 0, 1][i % 3] as number }, () => i),
      ).flat();
      const repeated = x.indexSelect(0, tensor(rows, { dtype: "int64" }));
      close(frechetToGaussian(x, real, { counts }), frechetDistance(gaussianOf(repeated), real));
    }
    assert.throws(
      () => frechetToGaussian(features(6, 11, 2), real),
      /expected a distribution over 11 numbers for real but received 12/,
    );
  });
});
