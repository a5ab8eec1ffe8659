import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Generator, randn, type Tensor } from "@stillframe/torch";
import { frechetOfFeatures } from "./frechet.js";
import {
  type ArmValue,
  type MeasureEvent,
  type Measurements,
  type MeasureOptions,
  measureFeatures,
  smallSampleCaveat,
} from "./measure.js";
import { gaussianOf } from "./statistics.js";

const features = (n: number, seed: number, d = 8): Tensor =>
  randn([n, d], { generator: new Generator(seed), dtype: "float64" });

function run(options: MeasureOptions): { events: MeasureEvent[]; result: Measurements } {
  const events: MeasureEvent[] = [];
  const steps = measureFeatures(options);
  let step = steps.next();
  for (; !step.done; step = steps.next()) events.push(step.value);
  return { events, result: step.value };
}

describe("measureFeatures", () => {
  const real = features(120, 1);
  const noise = features(40, 2);
  // The second arm lies between the first and the real pictures, picture by picture.
  const arms = [
    { name: "base", features: noise.mul(1.2).add(2) },
    { name: "lora", features: noise.mul(1.1).add(1) },
  ];

  it("gives every value with an interval, and paired differences that are surer than the values", () => {
    const { result } = run({ kind: "inception", real, arms, resamples: 30 });
    const value = (arm: string, metric: string) => result.values.find((v) => v.arm === arm && v.metric === metric)!;
    assert.deepEqual(
      [...new Set(result.values.map((v) => v.metric))],
      ["fid", "fid_infinity", "kid", "precision", "recall", "density", "coverage"],
    );
    const [base, lora] = [value("base", "fid"), value("lora", "fid")];
    assert.ok(Math.abs(base.value - frechetOfFeatures(arms[0]!.features, real)) < 1e-9);
    assert.ok(base.interval!.low < base.value && base.value < base.interval!.high);
    assert.ok(value("base", "kid").std! > 0);
    assert.equal(value("base", "fid_infinity").interval, undefined);
    const fid = result.differences.find((d) => d.metric === "fid")!;
    assert.deepEqual([fid.from, fid.to], ["base", "lora"]);
    assert.equal(fid.value, lora.value - base.value);
    assert.ok(fid.interval!.high < 0, "the second arm is nearer");
    assert.equal(fid.interval!.resamples, 30);
    assert.ok(fid.interval!.standardError < base.interval!.standardError);
  });

  it("gives falls of Fréchet distances as shares, with intervals of their own", () => {
    const { result } = run({ kind: "classifier", real, arms, resamples: 30, floorDraws: 0 });
    const of = (metric: string) => result.differences.find((d) => d.metric === metric)!;
    const [base, lora] = result.values.filter((v) => v.metric === "classifier_fd") as [ArmValue, ArmValue];
    const { relative } = of("classifier_fd");
    assert.ok(Math.abs(relative!.value - (lora.value - base.value) / base.value) < 1e-12);
    assert.ok(-1 < relative!.interval!.low && relative!.interval!.low < relative!.value);
    assert.ok(relative!.value < relative!.interval!.high && relative!.interval!.high < 0);
    assert.equal(of("classifier_kd").relative, undefined);
    assert.equal(of("precision").relative, undefined);
  });

  it("measures Fréchet distances alone against statistics, and says so", () => {
    const statistics = gaussianOf(real);
    const { result } = run({ kind: "inception", real: statistics, arms, resamples: 10 });
    const whole = run({ kind: "inception", real, arms, resamples: 10 }).result;
    const metrics = [...new Set(result.values.map((v) => v.metric))];
    assert.deepEqual(metrics, ["fid", "fid_infinity"]);
    for (const { arm, metric, value, interval } of result.values) {
      const same = whole.values.find((v) => v.arm === arm && v.metric === metric)!;
      assert.ok(Math.abs(same.value - value) < 1e-9 * value);
      // what the real pictures add to the uncertainty is missing
      if (metric === "fid") assert.ok(interval!.standardError < same.interval!.standardError);
    }
    assert.deepEqual(result.floors, []);
    assert.match(result.caveats.join("\n"), /were given as statistics .*FID alone is measured against them/);
  });

  it("draws pairs together where the real pictures are the arm's pairs", () => {
    const moved = [{ name: "lora", features: noise.add(0.1) }];
    const options = { kind: "classifier", real: noise, arms: moved, resamples: 40, floorDraws: 0 } as const;
    const of = (paired: boolean) => run({ ...options, paired }).result.values[0]!;
    assert.equal(of(true).value, of(false).value);
    assert.ok(of(true).interval!.standardError < of(false).interval!.standardError / 10);
    assert.throws(
      () => run({ ...options, real, paired: true }),
      /expected features of 40 pictures, the pairs of those of every arm, for real but received 120/,
    );
  });

  it("measures the floor under each distance, which lies below the arms", () => {
    const { result } = run({ kind: "dinov2", real, arms, resamples: 0, floorDraws: 2 });
    assert.deepEqual(
      result.floors.map((f) => [f.metric, f.size, f.reference]),
      [["fd_dinov2", 40, 80]],
    );
    assert.ok(result.floors[0]!.mean < result.values.find((v) => v.metric === "fd_dinov2")!.value);
    assert.ok(result.values.every((v) => v.interval === undefined));
  });

  it("says what the numbers cannot bear", () => {
    const wide = {
      kind: "inception",
      real: features(50, 3, 64),
      arms: [{ name: "lora", features: features(40, 4, 64) }],
      resamples: 0,
    } as const;
    const { result } = run(wide);
    assert.deepEqual(
      result.values.map((v) => v.metric),
      ["fid", "kid", "precision", "recall", "density", "coverage"],
    );
    assert.deepEqual(result.caveats, [
      smallSampleCaveat(40, 64),
      "With 40 pictures in an arm the intervals are themselves uncertain, and too narrow more often than their level says.",
      "FID∞ is not given: extrapolating over 1/N needs at least 130 generated pictures for 64 features, and there are 40.",
      "The floor is measured with 25 real pictures against 25 others, because there are 50: at fewer pictures than the arms' 40 it lies higher than it would at theirs.",
    ]);
    assert.match(
      smallSampleCaveat(1790)!,
      /^With 1790 pictures a covariance of 2048 features has no full rank.* only the difference between arms at the same number of pictures means something, not the number itself\.$/,
    );
    assert.equal(smallSampleCaveat(2048), null);
  });

  it("tells how far it is", () => {
    const { events } = run({ kind: "clip", real, arms, resamples: 4, floorDraws: 1 });
    assert.deepEqual(
      events.map((e) => [e.metric, e.arm, e.done, e.total]),
      [
        ["cmmd", "base", 0, 3],
        ["cmmd", "lora", 1, 3],
        ["cmmd", "real", 2, 3],
      ],
    );
    const { events: fine } = run({ kind: "classifier", real, arms: arms.slice(0, 1), resamples: 4, floorDraws: 0 });
    assert.deepEqual(fine.map((e) => e.done).slice(0, 6), [0, 0, 0.25, 0.5, 0.75, 1]);
  });

  it("is the same from one seed, and draws prompts together", () => {
    const options: MeasureOptions = { kind: "classifier", real, arms, resamples: 20, floorDraws: 0, seed: 5 };
    assert.deepEqual(run(options).result, run(options).result);
    const clusters = Array.from({ length: 40 }, (_, i) => i % 4);
    const wide = run({ ...options, clusters }).result.values[0]!.interval!;
    assert.notEqual(wide.standardError, run(options).result.values[0]!.interval!.standardError);
  });

  it("refuses arms that cannot be compared", () => {
    const start = (change: Partial<MeasureOptions>) => () => run({ kind: "clip", real, arms, ...change });
    assert.throws(start({ arms: [] }), /expected at least one arm for arms but received "none"/);
    assert.throws(
      start({ arms: [arms[0]!, { name: "lora", features: noise.narrow(0, 0, 30) }] }),
      /expected 40 pictures, as many as base has, because distances at different N cannot be compared, for lora but received 30/,
    );
    assert.throws(
      start({ arms: [arms[0]!, arms[0]!] }),
      /expected different names for arms but received \["base", "base"\]/,
    );
    assert.throws(
      start({ real: features(50, 1, 9) }),
      /expected 9 features a picture, as real has, for base but received 8/,
    );
    assert.throws(
      start({ arms: [{ name: "lora", features: noise.mul(Number.NaN) }] }),
      /expected finite features for lora/,
    );
    assert.throws(
      start({ real: real.narrow(0, 0, 3) }),
      /expected features of at least 4 pictures for real but received 3/,
    );
  });
});
