import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { contentHash, decodePicture, preprocess } from "../data/index.js";
import { bucketTargets, coveringSize, type Target } from "./buckets.js";
import { type Cut, cutBytes, cutOf } from "./cut.js";
import { PicturePool } from "./picture-pool.js";

const file = new URL("../../fixtures/data/pictures/photo.jpg", import.meta.url);
const bytes = readFileSync(file);
const photo = { sha256: contentHash(bytes), width: 40, height: 24 };
const square: Target = [16, 16];
const request = (cut: Cut) => ({ name: "photo.jpg", sha256: photo.sha256, cut, interpolation: "lanczos" as const });
const plain = { target: square, flipped: false, crop: 0, seed: 1, centre: false };

describe("cutOf", () => {
  it("takes the middle, half pixels to the even number", () => {
    const middle = (width: number, height: number) => {
      const { top, left } = cutOf({ ...photo, width, height }, { ...plain, centre: true });
      return [top, left];
    };
    assert.deepEqual(middle(40, 24), [0, 5]); // 26 wide
    assert.deepEqual(middle(17, 16), [0, 0]); // 0.5 → 0
    assert.deepEqual(middle(19, 16), [0, 2]); // 1.5 → 2
    assert.deepEqual(middle(16, 21), [2, 0]); // 2.5 → 2
  });

  it("draws places by content, crop and seed alone, all over what is spare", () => {
    const at = (crop: number, more = {}) => cutOf({ ...photo, width: 160 }, { ...plain, crop, ...more }).left;
    assert.equal(at(3), at(3));
    assert.notDeepEqual(
      [at(0), at(1), at(2), at(3)],
      [0, 1, 2, 3].map((c) => at(c, { seed: 2 })),
    );
    const other = { ...photo, sha256: contentHash(Buffer.from("another")) };
    assert.notEqual(at(0), cutOf({ ...other, width: 160 }, plain).left);
    const spare = 106 - 16;
    const lefts = Array.from({ length: 2000 }, (_, crop) => at(crop));
    assert.ok(Math.min(...lefts) === 0 && Math.max(...lefts) === spare);
    const mean = lefts.reduce((a, b) => a + b, 0) / lefts.length;
    assert.ok(Math.abs(mean - spare / 2) < 3, `${mean}`); // σ of the mean is 0.59
  });

  it("keeps every target inside the resized picture", () => {
    for (const target of bucketTargets({ resolution: 64, bucket_step: 16, bucket_min: null, bucket_max: null }))
      for (let crop = 0; crop < 20; crop++) {
        const { top, left, resized } = cutOf(photo, { ...plain, target, crop });
        assert.deepEqual(resized, coveringSize(photo, target));
        assert.ok(top >= 0 && left >= 0 && top + target[0] <= resized[0] && left + target[1] <= resized[1]);
      }
  });
});

describe("cutBytes", () => {
  it("is the reference's preprocessing where there is one: squares from the middle, mirrored or not", async () => {
    const picture = await decodePicture(bytes);
    for (const flipped of [false, true]) {
      const cut = cutOf(photo, { ...plain, flipped, centre: true });
      const expected = preprocess(picture, { resolution: 16, flip: flipped });
      const { values, shape } = await cutBytes(bytes, request(cut));
      assert.deepEqual(shape, [1, 3, 16, 16]);
      assert.deepEqual(values, expected.pixelValues);
      assert.deepEqual([cut.top, cut.left], expected.cropTopLeft);
    }
  });

  it("refuses bytes that are not those of the run's beginning", async () => {
    await assert.rejects(cutBytes(readFileSync(new URL("./rgb.png", file)), request(cutOf(photo, plain))), {
      name: "FileFormatError",
      message: "photo.jpg: the picture was changed after the run had read it; start the run again",
    });
  });
});

describe("PicturePool", () => {
  it("gives what cutBytes gives, from paths and from bytes, for any number of threads", async () => {
    const cuts = Array.from({ length: 7 }, (_, crop) => cutOf(photo, { ...plain, crop, flipped: crop % 2 === 1 }));
    const expected = await Promise.all(cuts.map((cut) => cutBytes(bytes, request(cut))));
    for (const size of [1, 3]) {
      const pool = new PicturePool(size);
      const fromPaths = cuts.map((cut) => pool.cut({ ...request(cut), source: file.pathname }));
      const fromBytes = cuts.map((cut) => pool.cut({ ...request(cut), source: new Uint8Array(bytes) }));
      assert.deepEqual(await Promise.all(fromPaths), expected);
      assert.deepEqual(await Promise.all(fromBytes), expected);
      await pool.close();
    }
  });

  it("brings failures back with their class, and goes on", async () => {
    const pool = new PicturePool(1);
    const cut = cutOf(photo, plain);
    const missing = pool.cut({ ...request(cut), source: "/no/such.jpg" });
    const broken = pool.cut({
      ...request(cut),
      source: new Uint8Array([1, 2, 3]),
      sha256: contentHash(Buffer.from([1, 2, 3])),
    });
    const changed = pool.cut({ ...request(cut), source: new Uint8Array([1, 2, 3]) });
    const fine = pool.cut({ ...request(cut), source: file.pathname });
    await assert.rejects(missing, { name: "FileFormatError", reason: "the file does not exist", path: "photo.jpg" });
    await assert.rejects(broken, { reason: "it is not a picture of a known format" });
    await assert.rejects(changed, { name: "FileFormatError", message: /^photo\.jpg: the picture was changed/ });
    assert.equal((await fine).values.length, 3 * 16 * 16);
    await pool.close();
  });

  it("refuses what had not come when it is closed", async () => {
    const pool = new PicturePool(1);
    const waiting = pool.cut({ ...request(cutOf(photo, plain)), source: file.pathname });
    waiting.catch(() => {});
    await pool.close();
    await assert.rejects(waiting, /the pool was closed/);
  });
});
