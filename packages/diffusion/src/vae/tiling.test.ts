import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { cat, Generator, liveTensors, randn, scope, type Tensor } from "@stillframe/torch";
import { randomVae } from "./testing/random-vae.js";
import { decodeLatents, encodePictures, spans, tileSides } from "./tiling.js";

const noise = (shape: number[], seed = 2) => randn(shape, { generator: new Generator(seed) });
/** Root mean square of the difference, as a share of `a`'s standard deviation. */
const difference = (a: Tensor, b: Tensor): number =>
  scope(() => {
    const rms = (t: Tensor) => Math.sqrt(t.mul(t).mean().item());
    return rms(a.sub(b)) / rms(a.sub(a.mean()));
  });
const equal = (a: Tensor, b: Tensor) => assert.deepEqual(a.toArray(), b.toArray());

describe("spans", () => {
  it("covers a length with equal tiles from end to end; shared places are blended in a straight line", () => {
    const [a, b, ...rest] = spans(6, { tile: 4, overlap: 2 });
    assert.equal(rest.length, 0);
    assert.deepEqual([a?.start, b?.start], [0, 2]);
    assert.deepEqual(Array.from(a?.weights ?? []), [1, 1, 0.75, 0.25]);
    assert.deepEqual(Array.from(b?.weights ?? []), [0.25, 0.75, 1, 1]);
  });

  it("is one whole tile when that is enough", () => {
    assert.deepEqual(spans(4, { tile: 4, overlap: 1 }, 2), [
      { start: 0, size: 4, weights: new Float32Array(8).fill(1) },
    ]);
  });

  it("adds up to 1 everywhere, for any length, tile, overlap and scale", () => {
    for (const tile of [3, 8, 16])
      for (const overlap of [0, 1, tile >> 1, tile - 1])
        for (const length of [tile + 1, tile * 2, tile * 2 + 1, tile * 5 - 1])
          for (const scale of [1, 8]) {
            const list = spans(length, { tile, overlap }, scale);
            const sum = new Float64Array(length * scale);
            for (const s of list) for (const [k, w] of s.weights.entries()) sum[s.start * scale + k]! += w;
            for (const w of sum) assert.ok(Math.abs(w - 1) < 1e-6, `${w}`);
            for (const [i, s] of list.entries()) {
              const next = list[i + 1];
              assert.ok(next === undefined ? s.start + tile === length : s.start + tile - next.start >= overlap);
            }
          }
  });
});

describe("tileSides", () => {
  it("follows the VAE's own size up to 512 pixels", () => {
    const channels = [1, 1, 1, 1];
    assert.deepEqual(tileSides({ sampleSize: 1024, channels }), { tile: 64, overlap: 16 });
    assert.deepEqual(tileSides({ sampleSize: 256, channels }), { tile: 32, overlap: 8 });
    assert.deepEqual(tileSides({ sampleSize: 4, channels }), { tile: 1, overlap: 0 });
    assert.throws(() => tileSides({ sampleSize: 256, channels }, { tileSize: 100 }), {
      message: "expected a multiple of 8 for tileSize but received 100",
    });
    assert.throws(() => tileSides({ sampleSize: 256, channels }, { overlap: 1 }), {
      message: "expected a number from 0 to below 1 for overlap but received 1",
    });
  });
});

describe("a tiled VAE", () => {
  const vae = randomVae({ channels: [16, 32, 32] });
  const tiled = { tiling: true, tileSize: 128 };

  it("is the whole VAE, bit by bit, where one tile is enough", () => {
    const x = noise([1, 3, 128, 96]);
    const [whole, one] = [encodePictures(vae, x), encodePictures(vae, x, tiled)];
    equal(whole.mean, one.mean);
    equal(whole.std, one.std);
    equal(decodeLatents(vae, whole.mean), decodeLatents(vae, whole.mean, tiled));
  });

  // A texture that repeats with the tiles: each tile has the whole picture's statistics, so that what is left of the
  // difference is the tiles' borders, which see zeros where the whole picture goes on.
  const one = noise([1, 3, 64, 64], 3);
  const texture = cat(Array(4).fill(cat(Array(4).fill(one), 3)), 2);

  it("differs from the whole one by at most 7 % of a texture's latents, and 12 % of its pixels", () => {
    const [whole, parts] = [encodePictures(vae, texture), encodePictures(vae, texture, tiled)];
    assert.deepEqual(parts.mean.shape, whole.mean.shape);
    assert.ok(difference(whole.mean, parts.mean) < 0.07, `${difference(whole.mean, parts.mean)}`);
    assert.ok(difference(whole.std, parts.std) < 0.07, `${difference(whole.std, parts.std)}`);
    const [picture, pieces] = [decodeLatents(vae, whole.mean), decodeLatents(vae, whole.mean, tiled)];
    assert.ok(difference(picture, pieces) < 0.12, `${difference(picture, pieces)}`);
  });

  it("shows no seams: across them neighbours differ as much as elsewhere", () => {
    const z = noise([1, 4, 64, 64], 5);
    const steps = (image: Tensor, at: number) =>
      scope(() =>
        image
          .narrow(3, at, 1)
          .sub(image.narrow(3, at - 1, 1))
          .abs()
          .mean()
          .item(),
      );
    const image = decodeLatents(vae, z, { ...tiled, overlap: 0.25 });
    const all = Array.from({ length: 200 }, (_, i) => steps(image, i + 20)).sort((a, b) => a - b);
    const [, median, most] = [0, all[100] as number, all[190] as number];
    // tiles of 32 latents at 0, 16 and 32: their ends are at pixels 128 and 192, their starts at 64 and 128
    for (const seam of [64, 128, 192]) assert.ok(steps(image, seam) < most * 1.05 && median > 0, `${seam}`);
  });

  it("slices a batch into pictures", () => {
    const x = noise([3, 3, 32, 40]);
    const [whole, parts] = [encodePictures(vae, x), encodePictures(vae, x, { slicing: true })];
    assert.ok(difference(whole.mean, parts.mean) < 1e-5);
    const image = decodeLatents(vae, whole.mean, { slicing: true, ...tiled, tileSize: 32 });
    assert.deepEqual(image.shape, [3, 3, 32, 40]);
    const second = decodeLatents(vae, whole.mean.narrow(0, 1, 1).contiguous(), { ...tiled, tileSize: 32 });
    equal(image.narrow(0, 1, 1), second);
  });

  it("frees all that it made but its result", () => {
    const x = noise([1, 3, 160, 128]);
    const before = liveTensors();
    const posterior = encodePictures(vae, x, { ...tiled, tileSize: 64 });
    assert.equal(liveTensors(), before + 3);
    for (const t of Object.values(posterior)) t.dispose();
  });

  it("refuses sides that leave a part of a latent over", () => {
    assert.throws(() => encodePictures(vae, noise([1, 3, 130, 128]), tiled), {
      message: "expected sides that are multiples of 4 (tiles cover whole latents) for x but received [130, 128]",
    });
  });

  it("takes less than half of the memory", () => {
    const script = fileURLToPath(new URL("./testing/measure-memory.js", import.meta.url));
    const run = (mode: string) =>
      JSON.parse(
        execFileSync(process.execPath, [script, "384", "32,64,64", mode, "128"], {
          env: { ...process.env, STILLFRAME_THREADS: "1" },
          encoding: "utf8",
        }),
      ) as { encoding: number; both: number };
    const [whole, parts] = [run("whole"), run("tiled")];
    assert.ok(whole.encoding > 25e6, "what is measured is large enough to be seen");
    assert.ok(parts.encoding < 0.5 * whole.encoding, `${parts.encoding} of ${whole.encoding}`);
    assert.ok(parts.both < 0.5 * whole.both, `${parts.both} of ${whole.both}`);
  });
});
