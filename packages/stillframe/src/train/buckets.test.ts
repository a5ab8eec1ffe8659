import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketTargets, checkTargetSides, coveringSize, nearestTarget, type Target, targetsOf } from "./buckets.js";

const options = (
  resolution: number,
  bucket_step: number,
  limits: { bucket_min?: number; bucket_max?: number } = {},
) => ({
  resolution,
  bucket_step,
  bucket_min: limits.bucket_min ?? null,
  bucket_max: limits.bucket_max ?? null,
});
const text = (targets: readonly Target[]) => targets.map(([h, w]) => `${w}x${h}`).join(" ");

describe("bucketTargets", () => {
  it("is the closed form for a small case", () => {
    // 64² = 4096: 32·128, 48·80 (3840), 64·64; 96 leaves 32 and 112 leaves 32
    assert.equal(text(bucketTargets(options(64, 16))), "32x128 32x112 32x96 48x80 64x64 80x48 96x32 112x32 128x32");
  });

  it("at 1024 in steps of 64 has the sizes that SDXL was trained on", () => {
    const targets = bucketTargets(options(1024, 64));
    const known = "640x1536 768x1344 832x1216 896x1152 1024x1024 1152x896 1216x832 1344x768 1536x640".split(" ");
    for (const size of known) assert.ok(text(targets).split(" ").includes(size), size);
    assert.deepEqual(targets[0], [2048, 512]);
    assert.deepEqual(targets.at(-1), [512, 2048]);
  });

  it("keeps to the area, the steps and the limits, holds every transpose and is not smaller than needed", () => {
    for (const resolution of [64, 100, 512, 576, 768, 1000, 1024])
      for (const step of [8, 32, 64])
        for (const limits of [
          {},
          { bucket_min: Math.ceil(resolution / 3) },
          { bucket_max: resolution * 3 },
          { bucket_max: resolution },
        ]) {
          const targets = bucketTargets(options(resolution, step, limits));
          const keys = new Set(targets.map(String));
          assert.equal(keys.size, targets.length);
          const least = limits.bucket_min ?? resolution / 2;
          const most = limits.bucket_max ?? resolution * 2;
          for (const [h, w] of targets) {
            assert.ok(h * w <= resolution ** 2 && h % step === 0 && w % step === 0, `${w}x${h}`);
            assert.ok(Math.min(h, w) >= least && Math.max(h, w) <= most, `${w}x${h}`);
            assert.ok(keys.has(String([w, h])), `transpose of ${w}x${h}`);
            const grows = (a: number, b: number) => a + step <= most && (a + step) * b <= resolution ** 2;
            // the square stays one, so that square pictures lose nothing
            assert.ok(h === w || !(grows(h, w) && grows(w, h)), `${w}x${h} could grow both ways`);
          }
        }
  });

  it("says when nothing fits", () => {
    assert.throws(() => bucketTargets(options(100, 64, { bucket_min: 100 })), {
      message:
        "expected bucket_min, bucket_max and bucket_step to leave a rectangle of at most 100 × 100 pixels but received " +
        "sides from 128 to 192 in steps of 64",
    });
  });
});

describe("nearestTarget", () => {
  it("compares ratios, not differences of ratios: a shape and its transpose go to transposes", () => {
    const targets = bucketTargets(options(1024, 64));
    for (const [width, height] of [
      [1920, 1080],
      [1300, 890],
      [3, 2],
      [1000, 1001],
      [5000, 1000],
    ] as const) {
      const [h, w] = targets[nearestTarget({ width, height }, targets)] as Target;
      const [h2, w2] = targets[nearestTarget({ width: height, height: width }, targets)] as Target;
      assert.deepEqual([h2, w2], [w, h], `${width}x${height}`);
    }
  });
});

describe("targetsOf", () => {
  // shapes of 60 photographs: width, height, how many
  const shapes = [
    [576, 576, 15],
    [757, 576, 5],
    [576, 823, 15],
    [960, 576, 14],
    [758, 576, 10],
    [961, 576, 1],
  ] as const;
  const photos = shapes.flatMap(([width, height, n]) => Array.from({ length: n }, () => ({ width, height })));

  it("sorts photographs of four shapes into four buckets", () => {
    const { targets, bucketOf } = targetsOf(photos, { ...options(576, 64), aspect_ratio_buckets: true });
    const count = new Map<string, number>();
    for (const b of bucketOf) {
      const name = text([targets[b] as Target]);
      count.set(name, (count.get(name) ?? 0) + 1);
    }
    assert.deepEqual([...count].sort(), [
      ["448x704", 15],
      ["576x576", 15],
      ["640x512", 15],
      ["704x448", 15],
    ]);
  });

  it("is one square without buckets", () => {
    const { targets, bucketOf } = targetsOf(photos, { ...options(512, 64), aspect_ratio_buckets: false });
    assert.deepEqual([targets, new Set(bucketOf)], [[[512, 512]], new Set([0])]);
  });
});

describe("coveringSize", () => {
  it("covers the target and touches it on one side", () => {
    for (const [width, height] of [
      [1, 1000],
      [823, 576],
      [40, 24],
      [1300, 890],
      [1024, 1024],
    ] as const)
      for (const target of bucketTargets(options(512, 64))) {
        const [h, w] = coveringSize({ width, height }, target);
        assert.ok(h >= target[0] && w >= target[1]);
        assert.ok(h === target[0] || w === target[1]);
      }
  });

  it("cuts the long side to an integer, as torchvision's Resize", () => {
    assert.deepEqual(coveringSize({ width: 823, height: 576 }, [512, 512]), [512, 731]); // 731.56
    assert.deepEqual(coveringSize({ width: 576, height: 823 }, [512, 512]), [731, 512]);
  });
});

describe("checkTargetSides", () => {
  const check = (resolution: number, bucket_step: number, aspect_ratio_buckets: boolean, factor: number) =>
    checkTargetSides({ resolution, bucket_step, aspect_ratio_buckets }, factor);

  it("wants whole latents", () => {
    check(1024, 7, false, 8);
    check(1020, 8, true, 8);
    assert.throws(() => check(1020, 64, false, 8), {
      message: "expected a multiple of 8, this VAE's factor (such as 1016 or 1024), for resolution but received 1020",
    });
    assert.throws(() => check(1024, 4, true, 8), {
      message: "expected a multiple of 8, this VAE's factor (such as 8), for bucket_step but received 4",
    });
  });
});
