import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { liveTensors } from "@stillframe/torch";
import sharp from "sharp";
import { uniform } from "./bootstrap.js";
import { collectFeatures, collectStatistics, featureBatches, listPictures, sharedPictures } from "./inputs.js";
import { gaussianOf } from "./statistics.js";
import { largestDifference } from "./testing/fixture.js";
import { meanColour } from "./testing/mean-colour.js";

const scratch = mkdtempSync(join(tmpdir(), "inputs-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const folder = join(scratch, "pictures");

async function paint(
  path: string,
  { seed, width = 20, height = 12 }: { seed: number; width?: number; height?: number },
): Promise<void> {
  const random = uniform(seed);
  const data = Buffer.from(Uint8Array.from({ length: width * height * 3 }, () => Math.floor(random() * 256)));
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}

before(async () => {
  mkdirSync(join(folder, "b"), { recursive: true });
  mkdirSync(join(folder, ".cache"), { recursive: true });
  for (let i = 0; i < 11; i++) await paint(join(folder, i < 8 ? `${i}.png` : `b/${i}.png`), { seed: i });
  await paint(join(folder, ".cache", "0.png"), { seed: 99 });
  await paint(join(folder, ".hidden.png"), { seed: 98 });
  writeFileSync(join(folder, "captions.txt"), "no picture");
});

describe("listPictures", () => {
  it("lists pictures by path, without hidden ones and other files", async () => {
    const paths = await listPictures(folder);
    assert.deepEqual(
      paths.map((path) => path.slice(folder.length + 1)),
      ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png", "b/10.png", "b/8.png", "b/9.png"],
    );
  });

  it("says when there are too few, or no folder", async () => {
    await assert.rejects(
      listPictures(folder, { minimum: 12 }),
      /expected at least 12 pictures in .*pictures for pictures but received 11/,
    );
    await assert.rejects(listPictures(join(scratch, "none")), /expected a folder for pictures but received ".*none"/);
  });
});

describe("featureBatches", () => {
  it("gives every picture once and in order, with progress", async () => {
    const paths = await listPictures(folder);
    const seen: string[] = [];
    const sizes: number[] = [];
    for await (const batch of featureBatches(paths, meanColour(), { batchSize: 4 })) {
      seen.push(...batch.pictures.map((p) => p.path));
      sizes.push(batch.features.size(0));
      assert.equal(batch.done, seen.length);
      assert.equal(batch.total, 11);
      assert.ok(batch.picturesPerSecond > 0);
      for (const { sha256, width, height } of batch.pictures)
        assert.deepEqual([sha256.length, width, height], [64, 20, 12]);
      batch.features.dispose();
    }
    assert.deepEqual(seen, paths);
    assert.deepEqual(sizes, [4, 4, 3]);
  });

  it("gives the same features whatever the batch size, and leaves no tensors behind", async () => {
    const paths = await listPictures(folder);
    const before = liveTensors();
    const one = await collectFeatures(paths, meanColour(), { batchSize: 1, concurrency: 1 });
    const all = await collectFeatures(paths, meanColour(), { batchSize: 64 });
    assert.deepEqual(one.features.floats(), all.features.floats());
    assert.deepEqual(one.pictures, all.pictures);
    one.features.dispose();
    all.features.dispose();
    assert.equal(liveTensors(), before);
  });

  it("streams statistics", async () => {
    const paths = await listPictures(folder);
    const progress: number[] = [];
    const statistics = await collectStatistics(paths, meanColour(), {
      batchSize: 3,
      onProgress: ({ done }) => progress.push(done),
    });
    const { features } = await collectFeatures(paths, meanColour());
    assert.deepEqual(progress, [3, 6, 9, 11]);
    assert.ok(largestDifference(statistics.gaussian().covariance, gaussianOf(features).covariance) < 1e-12);
  });

  it("says when a picture is there twice, unless it may be", async () => {
    const twice = join(scratch, "twice");
    mkdirSync(twice);
    for (const name of ["a.png", "b.png"]) await paint(join(twice, name), { seed: name.charCodeAt(0) });
    copyFileSync(join(twice, "a.png"), join(twice, "z.png"));
    const paths = await listPictures(twice);
    await assert.rejects(
      collectFeatures(paths, meanColour()),
      /expected different pictures but received one twice: .*a\.png and .*z\.png/,
    );
    const { features } = await collectFeatures(paths, meanColour(), { duplicates: "allow" });
    assert.deepEqual(features.shape, [3, 6]);
  });

  it("says when sizes differ where they may not", async () => {
    const sizes = join(scratch, "sizes");
    mkdirSync(sizes);
    await paint(join(sizes, "a.png"), { seed: 1 });
    await paint(join(sizes, "b.png"), { seed: 2, width: 21 });
    const paths = await listPictures(sizes);
    assert.equal((await collectFeatures(paths, meanColour())).pictures.length, 2);
    await assert.rejects(
      collectFeatures(paths, meanColour(), { sizes: "equal" }),
      /expected pictures of one size but received 20 × 12 \(.*a\.png\) and 21 × 12 \(.*b\.png\)/,
    );
  });

  it("says which picture gives NaN", async () => {
    const paths = await listPictures(folder);
    const extractor = meanColour({ broken: (row) => row === 6 });
    await assert.rejects(
      collectFeatures(paths, extractor, { batchSize: 4 }),
      /expected finite features of .*6\.png but received NaN or infinite values from mean colour/,
    );
  });

  it("says which picture cannot be decoded, and what options cannot be", async () => {
    const path = join(scratch, "text.png");
    writeFileSync(path, "not a picture");
    await assert.rejects(collectFeatures([path], meanColour()), /text\.png: it is not a picture of a known format/);
    await assert.rejects(
      collectFeatures([], meanColour()),
      /expected at least one picture for paths but received "none"/,
    );
    await assert.rejects(
      collectFeatures([path], meanColour(), { batchSize: 0 }),
      /expected a positive integer for batchSize but received 0/,
    );
  });

  it("stops when asked to", async () => {
    const controller = new AbortController();
    const paths = await listPictures(folder);
    const work = collectFeatures(paths, meanColour(), {
      batchSize: 2,
      concurrency: 1,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await assert.rejects(work, /enough/);
  });
});

describe("sharedPictures", () => {
  it("finds pictures that are in both sets", async () => {
    const { pictures } = await collectFeatures(await listPictures(folder), meanColour());
    const copy = join(scratch, "copy.png");
    copyFileSync(join(folder, "3.png"), copy);
    const other = await collectFeatures([copy, join(folder, ".hidden.png")], meanColour());
    assert.deepEqual(sharedPictures(pictures, other.pictures), [[join(folder, "3.png"), copy]]);
    assert.deepEqual(sharedPictures(pictures.slice(0, 2), other.pictures), []);
  });
});
