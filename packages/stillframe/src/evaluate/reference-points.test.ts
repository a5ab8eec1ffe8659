import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cat, Generator, randn, type Tensor, tensor } from "@stillframe/torch";
import { extrapolate, fidInfinity, infinityCaveat } from "./fid-infinity.js";
import { realFloor } from "./floor.js";
import { frechetDistance, frechetOfFeatures } from "./frechet.js";
import { copyCheck } from "./nearest.js";
import { gaussianOf } from "./statistics.js";

const features = (n: number, d: number, seed: number): Tensor =>
  randn([n, d], { generator: new Generator(seed), dtype: "float64" });

describe("extrapolate", () => {
  it("finds the line over 1/N", () => {
    const points = [100, 200, 400, 800].map((pictures) => ({ pictures, distance: 7 + 300 / pictures }));
    const { value, slope, rSquared } = extrapolate(points);
    assert.ok(Math.abs(value - 7) < 1e-9 && Math.abs(slope - 300) < 1e-6 && Math.abs(rSquared - 1) < 1e-12);
    assert.throws(
      () => extrapolate(points.slice(0, 1)),
      /expected distances at 2 sizes or more for points but received 1/,
    );
  });
});

describe("fidInfinity", () => {
  const real = gaussianOf(features(60_000, 6, 1));

  it("is nearer to the truth than FID at any of its sizes", () => {
    const generated = features(1000, 6, 2);
    const { value, slope, points } = fidInfinity(generated, real, { seed: 1 });
    const atAll = frechetDistance(gaussianOf(generated), real);
    assert.ok(slope > 0);
    assert.ok(Math.abs(value) < atAll / 2, `${value} against ${atAll}`);
    assert.deepEqual([points[0]!.pictures, points.at(-1)!.pictures, points.length], [500, 1000, 8]);
    assert.ok(Math.abs(points.at(-1)!.distance - atAll) < 1e-9);
  });

  it("is not given where the line would not be one", () => {
    assert.equal(infinityCaveat(4098, 2048), null);
    assert.equal(
      infinityCaveat(1800, 2048),
      "FID∞ is not given: extrapolating over 1/N needs at least 4098 generated pictures for 2048 features, and there are 1800.",
    );
    assert.throws(
      () => fidInfinity(features(13, 6, 2), real),
      /expected features of at least 14 pictures for generated but received 13/,
    );
    assert.throws(
      () => fidInfinity(features(20, 6, 2), real, { sizes: 2 }),
      /expected an integer of at least 3 for sizes but received 2/,
    );
  });
});

describe("realFloor", () => {
  const real = features(300, 5, 3);

  it("compares pictures that do not overlap, at the size asked for", () => {
    const seen: number[][] = [];
    const floor = realFloor(
      tensor(
        Float64Array.from({ length: 30 }, (_, i) => i),
        { shape: [30, 1] },
      ),
      (x, y) => {
        seen.push([...x.toArray(), ...y.toArray()]);
        return x.size(0);
      },
      { size: 10, draws: 3 },
    );
    assert.deepEqual(floor, { mean: 10, std: 0, size: 10, reference: 20, values: [10, 10, 10] });
    for (const rows of seen) assert.equal(new Set(rows).size, 30);
    assert.notDeepEqual(seen[0], seen[1]);
  });

  it("takes halves where there are too few, and lies under the distance of other pictures", () => {
    const floor = realFloor(real, frechetOfFeatures, { size: 250 });
    assert.deepEqual([floor.size, floor.reference, floor.values.length], [150, 150, 5]);
    assert.ok(floor.std > 0);
    assert.ok(frechetOfFeatures(features(250, 5, 4).mul(1.5), real) > 3 * floor.mean);
    assert.throws(
      () => realFloor(real.narrow(0, 0, 3), frechetOfFeatures, { size: 2 }),
      /expected at least 4 pictures for real but received 3/,
    );
  });
});

describe("copyCheck", () => {
  const training = features(1500, 8, 5);

  it("finds the training picture that each is nearest to, copies first", () => {
    const copies = training.indexSelect(0, tensor(BigInt64Array.of(7n, 1400n))).mul(2);
    const generated = cat([features(1100, 8, 6), copies], 0);
    const {
      nearest,
      top,
      mean,
      heldOutMost,
      beyondHeldOut,
      threshold,
      copies: counted,
    } = copyCheck(generated, training, {
      heldOut: features(100, 8, 7),
      top: 3,
    });
    assert.equal(nearest.length, 1102);
    assert.deepEqual(
      nearest.map((p) => p.picture),
      Array.from({ length: 1102 }, (_, i) => i),
    );
    assert.deepEqual(
      top
        .slice(0, 2)
        .map(({ picture, training: t }) => [picture, t])
        .sort(),
      [
        [1100, 7],
        [1101, 1400],
      ],
    );
    assert.ok(top[0]!.similarity > 1 - 1e-12 && top[2]!.similarity < 0.999);
    assert.ok(mean > 0.7 && mean < 1);
    assert.equal(beyondHeldOut, nearest.filter((p) => p.similarity > heldOutMost!).length);
    assert.equal(threshold, 1 - (1 - heldOutMost!) / 2);
    assert.equal(counted, nearest.filter((p) => p.similarity >= threshold!).length);
    assert.ok(counted! >= 1 && counted! <= beyondHeldOut!);
    assert.ok(beyondHeldOut! >= 2);
    const first = nearest[0]!;
    const cosines = training
      .mm(generated.narrow(0, 0, 1).t())
      .squeeze(1)
      .div(training.square().sum(1).sqrt());
    assert.equal(first.training, cosines.argmax().item());
  });

  it("has nothing to compare with without held-out pictures", () => {
    const { heldOutMost, beyondHeldOut, threshold, copies } = copyCheck(training.narrow(0, 0, 3), training);
    assert.deepEqual([threshold, copies], [null, null]);
    assert.deepEqual([heldOutMost, beyondHeldOut], [null, null]);
    assert.throws(
      () => copyCheck(training, training, { top: 0 }),
      /expected a positive integer for top but received 0/,
    );
  });
});
