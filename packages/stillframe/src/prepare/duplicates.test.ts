import assert from "node:assert/strict";
import { describe, it } from "node:test";
import sharp, { type Sharp } from "sharp";
import { decodePicture } from "../data/index.js";
import { differenceHash, examinePicture, frequencyHash, laplacianVariance } from "./examine.js";
import { distance, NEAR, nearDuplicates } from "./near-duplicates.js";
import { drawnPicture } from "./testing/pictures.js";

const examined = async (bytes: Buffer) => examinePicture(await decodePicture(bytes));

describe("examinePicture", () => {
  it("hashes differences of neighbours: a rising ramp is all ones, a falling one none", () => {
    const ramp = Uint8Array.from({ length: 72 }, (_, i) => (i % 9) * 10);
    assert.deepEqual(differenceHash(ramp), [0xffffffff, 0xffffffff]);
    assert.deepEqual(differenceHash(ramp.map((v) => 255 - v)), [0, 0]);
  });

  it("hashes frequencies: a wave of one frequency stands out, whatever the brightness", () => {
    const wave = (offset: number) =>
      Uint8Array.from({ length: 1024 }, (_, i) => offset + 40 * Math.cos((Math.PI * 3 * (2 * (i % 32) + 1)) / 64));
    const bright = frequencyHash(wave(150));
    assert.equal((bright[0] >>> (31 - 3)) & 1, 1, "frequency 3 along x");
    assert.equal((bright[0] >>> 31) & 1, 0, "the mean brightness is not looked at");
  });

  it("measures sharpness as the variance of the Laplacian: 0 for a ramp, by hand for a dot", () => {
    const ramp = { data: Uint8Array.from({ length: 25 }, (_, i) => i), width: 5, height: 5 };
    assert.equal(laplacianVariance(ramp), 0);
    const dot = { data: new Uint8Array(25), width: 5, height: 5 };
    dot.data[12] = 10;
    // of the nine inner Laplacians one is -40, four are 10, four are 0: (1600 + 400) / 9 - 0
    assert.ok(Math.abs(laplacianVariance(dot) - 2000 / 9) < 1e-9);
  });

  it("falls steeply with blur", async () => {
    const picture = await sharp({
      create: {
        width: 300,
        height: 200,
        channels: 3,
        background: "grey",
        noise: { type: "gaussian", mean: 128, sigma: 30 },
      },
    })
      .png()
      .toBuffer();
    const blurred = await sharp(picture).blur(4).png().toBuffer();
    const [sharpOne, soft] = [await examined(picture), await examined(blurred)];
    assert.ok(soft.sharpness < sharpOne.sharpness / 50);
  });
});

describe("nearDuplicates", () => {
  it("finds a picture under changes of size, brightness, compression, sharpness and a narrow crop", async () => {
    const originals = await Promise.all(
      Array.from({ length: 12 }, (_, i) => drawnPicture(i, { width: 320, height: 240 })),
    );
    const changes: ((s: Sharp) => Sharp)[] = [
      (s) => s.resize(150),
      (s) => s.jpeg({ quality: 25 }),
      (s) => s.modulate({ brightness: 0.9 }),
      (s) => s.greyscale(),
      (s) => s.blur(3),
      (s) => s.extract({ left: 4, top: 3, width: 312, height: 234 }),
    ];
    const changed = await Promise.all(
      originals.slice(0, 6).map((bytes, i) => (changes[i] as (typeof changes)[0])(sharp(bytes)).toBuffer()),
    );
    const looks = (await Promise.all([...originals, ...changed].map(examined))).map((e) => e.look);
    assert.deepEqual(
      nearDuplicates(looks),
      [0, 1, 2, 3, 4, 5].map((i) => [i, 12 + i]),
    );
  });

  it("finds exactly the pairs that comparing all with all finds", () => {
    let state = 7;
    const word = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state;
    };
    const looks = Array.from({ length: 300 }, () => Uint32Array.of(word(), word(), word(), word()));
    // copies with some bits turned over: up to 14 in one hash, so that some are near and some are not
    for (let i = 0; i < 200; i++) {
      const copy = (looks[i] as Uint32Array).slice();
      for (let bit = 0; bit < i % 15; bit++) copy[word() % 2]! ^= 1 << (word() % 32);
      looks.push(copy);
    }
    const groups = nearDuplicates(looks);
    const grouped = new Set(groups.flatMap((g) => g.slice(1).map((j) => `${g[0]} ${j}`)));
    let pairs = 0;
    for (let i = 0; i < looks.length; i++)
      for (let j = i + 1; j < looks.length; j++) {
        const [a, b] = [looks[i] as Uint32Array, looks[j] as Uint32Array];
        const near = distance(a, b) <= NEAR.difference && distance(a, b, 2) <= NEAR.frequency;
        assert.equal(grouped.has(`${i} ${j}`), near, `${i} ${j}: ${distance(a, b)}`);
        if (near) pairs += 1;
      }
    assert.ok(pairs > 100 && pairs < 200, `${pairs}`);
  });

  it("joins chains, and is quick", () => {
    const step = (bits: number) => Uint32Array.of((2 ** bits - 1) >>> 0, 0, 0, 0);
    assert.deepEqual(nearDuplicates([step(0), step(20), step(10), step(30)]), [[0, 1, 2, 3]]);
    assert.deepEqual(nearDuplicates([]), []);
    const many = Array.from({ length: 4000 }, (_, i) =>
      Uint32Array.of(
        Math.imul(i, 2654435761) >>> 0,
        Math.imul(i, 40503) >>> 0,
        Math.imul(i + 1, 2246822519) >>> 0,
        Math.imul(i + 1, 3266489917) >>> 0,
      ),
    );
    const began = performance.now();
    nearDuplicates(many);
    assert.ok(performance.now() - began < 2000);
  });
});
