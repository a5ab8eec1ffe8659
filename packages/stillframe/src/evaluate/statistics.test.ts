import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Generator, liveTensors, randn, scope, type Tensor, tensor } from "@stillframe/torch";
import { FeatureStatistics, gaussianOf } from "./statistics.js";
import { largestDifference } from "./testing/fixture.js";

const features = (n: number, d: number, seed = 1): Tensor =>
  randn([n, d], { generator: new Generator(seed), dtype: "float64" });

/** Mean and covariance by their definitions. */
function definition(x: Tensor): { mean: Tensor; covariance: Tensor } {
  const mean = x.mean(0);
  const centred = x.sub(mean);
  return {
    mean,
    covariance: centred
      .t()
      .mm(centred)
      .div(x.size(0) - 1),
  };
}

function inBatches(x: Tensor, sizes: readonly number[]): FeatureStatistics {
  const statistics = new FeatureStatistics(x.size(1));
  let at = 0;
  for (const size of sizes) {
    statistics.add(x.narrow(0, at, size));
    at += size;
  }
  return statistics;
}

describe("FeatureStatistics", () => {
  const x = features(100, 6);

  it("gives mean and covariance whatever the batches", () => {
    const expected = definition(x);
    for (const sizes of [[100], [1, 99], [50, 49, 1], Array<number>(100).fill(1)]) {
      const { mean, covariance } = inBatches(x, sizes).gaussian();
      assert.ok(largestDifference(mean, expected.mean) < 1e-13, String(sizes));
      assert.ok(largestDifference(covariance, expected.covariance) < 1e-13, String(sizes));
    }
  });

  it("does not depend on the order of pictures beyond 1e-10", () => {
    const forward = inBatches(x, [10, 20, 70]).gaussian();
    const backward = inBatches(x.flip([0]), [33, 33, 34]).gaussian();
    assert.ok(largestDifference(forward.covariance, backward.covariance) < 1e-10);
    assert.ok(largestDifference(forward.mean, backward.mean) < 1e-10);
  });

  it("keeps its digits far from zero, where the mean of squares loses them", () => {
    const far = x.add(1e7);
    const { covariance } = inBatches(far, [7, 13, 80]).gaussian();
    assert.ok(largestDifference(covariance, definition(x).covariance) < 1e-6);
    const naive = far
      .t()
      .mm(far)
      .div(100)
      .sub(far.mean(0).outer(far.mean(0)))
      .mul(100 / 99);
    assert.ok(largestDifference(naive, definition(x).covariance) > 1e-3);
  });

  it("merges the statistics of workers", () => {
    const merged = inBatches(x.narrow(0, 0, 30), [30])
      .merge(inBatches(x.narrow(0, 30, 70), [70]))
      .merge(new FeatureStatistics(6));
    assert.equal(merged.count, 100);
    assert.ok(largestDifference(merged.gaussian().covariance, definition(x).covariance) < 1e-13);
  });

  it("takes float32 and leaves nothing behind", () => {
    const narrow = x.to("float32");
    const statistics = new FeatureStatistics(6).add(narrow);
    const before = liveTensors();
    statistics.add(narrow);
    assert.equal(liveTensors(), before);
    statistics.dispose();
    assert.equal(liveTensors(), before - 2);
    assert.equal(scope(() => gaussianOf(narrow)).mean.dtype, "float64");
  });

  it("refuses what has no covariance", () => {
    assert.throws(
      () => new FeatureStatistics(6).add(x.narrow(0, 0, 1)).gaussian(),
      /expected at least 2 pictures for statistics but received 1/,
    );
    assert.throws(() => new FeatureStatistics(5).add(x), /expected 5 numbers a picture for features but received 6/);
    assert.throws(() => new FeatureStatistics(0), /expected a positive integer for dimension but received 0/);
    assert.throws(
      () => new FeatureStatistics(5).merge(new FeatureStatistics(6)),
      /expected statistics of dimension 5 for other but received 6/,
    );
    const broken = tensor([
      [1, 2],
      [Number.NaN, 3],
      [0, Number.POSITIVE_INFINITY],
    ]);
    assert.throws(
      () => new FeatureStatistics(2).add(broken),
      /expected finite features for features but received "NaN or infinite values in 2 of 3 rows, the first is row 1"/,
    );
    assert.throws(
      () => new FeatureStatistics(2).add(tensor([1, 2])),
      /expected features \[n, d\] of a floating-point type for features but received "float32\[2\]"/,
    );
  });
});
