import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { TrainEvent } from "@stillframe/schema";
import sharp from "sharp";
import { contentHash, type Picture } from "../data/index.js";
import { writeParquet } from "../dataset-parquet/testing/write-parquet.js";
import { TestFolder } from "../hub/testing/test-home.js";
import { drawnPicture } from "../prepare/testing/pictures.js";
import { readingTrainingSet, readTrainingSet, skippedByReason, type TrainingSetOptions } from "./training-set.js";

let pictures: Buffer[];
before(async () => {
  pictures = await Promise.all(Array.from({ length: 10 }, (_, i) => drawnPicture(i, { width: 40 + i, height: 30 })));
});

const options = (folder: string, more: Partial<TrainingSetOptions> = {}): TrainingSetOptions => ({
  train_data_dir: folder,
  dataset_name: null,
  dataset_config_name: null,
  image_column: "image",
  caption_column: "text",
  caption_prefix: "",
  max_train_samples: null,
  validation_split: 0,
  ...more,
});

/** A folder with all pictures, and `more` lines of metadata. */
function folderOf(folder: TestFolder, more: readonly string[] = []): string {
  const lines = pictures.map((bytes, i) => {
    writeFileSync(join(folder.path, `${i}.png`), bytes);
    return JSON.stringify({ file_name: `${i}.png`, text: `caption ${i}` });
  });
  writeFileSync(join(folder.path, "metadata.jsonl"), [...lines, ...more].join("\n"));
  return folder.path;
}

describe("readTrainingSet", () => {
  it("has regions of a data set for object detection, which count in its hash", async () => {
    const path = fileURLToPath(new URL("../../fixtures/data/objects", import.meta.url));
    const plain = await readTrainingSet(options(path), 1);
    const set = await readTrainingSet(options(path, { regions_column: "objects" }), 1);
    assert.deepEqual(
      set.pictures.map((p) => p.regions.map((r) => r.box)),
      [
        [[4, 5, 10, 12.5]],
        [],
        [
          [0, 0, 8, 8],
          [20, 10, 10, 10],
        ],
      ],
    );
    assert.ok(plain.pictures.every((p) => p.regions.length === 0));
    assert.notEqual(set.sha256, plain.sha256);
    await assert.rejects(
      readTrainingSet(options(path, { regions_column: "text" }), 1),
      /skipped: 1 × expected boxes as/,
    );
    await assert.rejects(readTrainingSet(options(path, { regions_column: "image" }), 1), {
      message: /^expected a column of boxes .* for regions_column but image holds \{bytes: binary, path: string\};/,
    });
  });

  it("has the same pictures from a folder and from parquet, but for how they are read", async () => {
    using folder = new TestFolder();
    using other = new TestFolder();
    const rowAt = (i: number) => ({ bytes: pictures[i] as Buffer, path: `${i}.png`, text: `caption ${i}` });
    writeParquet(join(other.path, "train.parquet"), 10, { rowAt, rowsPerPage: 4 });
    const [a, b] = [await readTrainingSet(options(folderOf(folder)), 1), await readTrainingSet(options(other.path), 1)];
    assert.equal(a.sha256, b.sha256);
    const bare = (list: typeof a.pictures) => list.map(({ source: _, ...rest }) => rest);
    assert.deepEqual(bare(a.pictures), bare(b.pictures));
    assert.deepEqual(bare(a.pictures)[3], {
      name: "3.png",
      sha256: contentHash(pictures[3] as Buffer),
      captions: ["caption 3"],
      regions: [],
      width: 43,
      height: 30,
    });
    const { source } = b.pictures[7] as { source: () => Promise<Uint8Array> };
    assert.deepEqual(Buffer.from(await source()), pictures[7]);
  });

  it("lists what cannot be used with its reason, and tells its progress", async () => {
    using folder = new TestFolder();
    const path = folderOf(folder, [
      '{"file_name": "broken.png", "text": "x"}',
      '{"file_name": "cut.png", "text": "x"}',
      '{"file_name": "gone.png", "text": "x"}',
      '{"file_name": "../out.png", "text": "x"}',
      '{"file_name": "dot.png", "text": "x"}',
      '{"file_name": "9.png"}',
    ]);
    writeFileSync(join(path, "broken.png"), "not a picture");
    writeFileSync(join(path, "cut.png"), (pictures[0] as Buffer).subarray(0, 900));
    writeFileSync(
      join(path, "dot.png"),
      await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
        .png()
        .toBuffer(),
    );
    const events: TrainEvent[] = [];
    const seen: [string, number][] = [];
    const reading = readingTrainingSet(options(path), 1, {
      look: (p, pixels: Picture) => void seen.push([p.name, pixels.data.length]),
    });
    let last = await reading.next();
    for (; !last.done; last = await reading.next()) events.push(last.value);
    const set = last.value;
    assert.equal(set.pictures.length, 10);
    assert.deepEqual(
      Object.fromEntries(skippedByReason(set.skipped).map((s) => [s.examples[0], s.reason.replace(/: .*/, "")])),
      {
        "broken.png": "it is not a picture of a known format",
        "cut.png": "it cannot be decoded",
        "gone.png": "the file does not exist",
        "../out.png": "its path leaves the folder",
        "dot.png": "4 × 4 pixels",
        "9.png": "it has no caption in column text",
      },
    );
    assert.deepEqual(events.at(0), { type: "preparing", stage: "read", done: 0, total: 13 });
    assert.deepEqual(events.at(-1), { type: "preparing", stage: "read", done: 13, total: 13 });
    assert.deepEqual(
      seen.find(([name]) => name === "5.png"),
      ["5.png", 45 * 30 * 3],
    );
  });

  it("puts the prefix before every caption", async () => {
    using folder = new TestFolder();
    const set = await readTrainingSet(options(folderOf(folder), { caption_prefix: "Still, " }), 1);
    assert.deepEqual(set.pictures[2]?.captions, ["Still, caption 2"]);
  });

  it("samples and holds out by the seed, keeping the order; the two parts are the whole", async () => {
    using folder = new TestFolder();
    const path = folderOf(folder);
    const part = async (seed: number) => {
      const set = await readTrainingSet(options(path, { max_train_samples: 8, validation_split: 0.25 }), seed);
      return [set.pictures.map((p) => p.name), set.heldOut.map((p) => p.name)] as const;
    };
    const [trained, held] = await part(1);
    assert.deepEqual([trained.length, held.length], [6, 2]);
    assert.equal(new Set([...trained, ...held]).size, 8);
    assert.deepEqual([[...trained].sort(), [...held].sort()], [trained, held]);
    assert.deepEqual(await part(1), [trained, held]);
    const others = new Set<string>();
    for (let seed = 2; seed < 8; seed++) others.add(String(await part(seed)));
    assert.ok(others.size > 3);
  });

  it("changes its hash with a picture's bytes, a caption, and the order", async () => {
    using folder = new TestFolder();
    const path = folderOf(folder);
    const sha = async () => (await readTrainingSet(options(path), 1)).sha256;
    const first = await sha();
    assert.equal(await sha(), first);
    copyFileSync(join(path, "1.png"), join(path, "2.png"));
    const second = await sha();
    assert.notEqual(second, first);
    assert.notEqual((await readTrainingSet(options(path, { caption_prefix: "x" }), 1)).sha256, second);
  });

  it("says why nothing is left", async () => {
    using folder = new TestFolder();
    mkdirSync(join(folder.path, "in"));
    for (const i of [0, 1]) {
      writeFileSync(join(folder.path, "in", `${i}.png`), "text");
      writeFileSync(join(folder.path, "in", `${i}.txt`), "caption");
    }
    await assert.rejects(readTrainingSet(options(folder.path), 1), {
      message: `expected at least one usable picture for train_data_dir but received "none in ${folder.path} (skipped: 2 × it is not a picture of a known format)"`,
    });
  });

  it("ends when it is told to", async () => {
    using folder = new TestFolder();
    const path = folderOf(folder);
    const stop = new AbortController();
    const reading = readTrainingSet(options(path), 1, {
      signal: stop.signal,
      look: () => stop.abort(new Error("enough")),
    });
    await assert.rejects(reading, { message: "enough" });
  });

  it("keeps no picture in memory", async () => {
    using folder = new TestFolder();
    const noise = Buffer.from(Array.from({ length: 512 * 512 * 3 }, (_, i) => (i * 2654435761) >>> 24));
    const bytes = await sharp(noise, { raw: { width: 512, height: 512, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    writeParquet(join(folder.path, "train.parquet"), 192, {
      rowAt: (i) => ({ bytes, path: `${i}`, text: "x" }),
      rowsPerPage: 2,
    });
    const script = fileURLToPath(new URL("./testing/measure-reading.js", import.meta.url));
    const result = JSON.parse(
      execFileSync(process.execPath, ["--expose-gc", script, folder.path], { encoding: "utf8" }),
    ) as {
      pictures: number;
      bytes: number;
      most: number;
      kept: number;
    };
    assert.deepEqual([result.pictures, result.bytes], [192, bytes.length]);
    // what the collector has not taken yet counts too, so the bound is a share of the file and not a few pictures
    const file = 192 * bytes.length;
    assert.ok(result.most < 0.35 * file, `${result.most} bytes for a file of ${file}`);
    assert.ok(result.kept < 6e6, `${result.kept} bytes are kept`);
  });
});
