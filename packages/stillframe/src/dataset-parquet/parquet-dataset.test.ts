import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isParquetDataset, ParquetDataset } from "./parquet-dataset.js";
import { ParquetShard } from "./parquet-shard.js";
import { writeParquet } from "./testing/write-parquet.js";

const fixtures = fileURLToPath(new URL("../../fixtures/hub/", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "stillframe-parquet-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** A data-set folder with these fixtures as its train shards. */
function folderOf(name: string, ...shards: string[]): string {
  const folder = join(root, name);
  mkdirSync(join(folder, "data"), { recursive: true });
  const file = (i: number) => `data/train-0000${i}-of-0000${shards.length}.parquet`;
  for (const [i, shard] of shards.entries()) copyFileSync(join(fixtures, `${shard}.parquet`), join(folder, file(i)));
  return folder;
}

/** The bytes that the fixtures hold for a row: a PNG signature, then SHA-256 of `picture <row>` again and again. */
function pictureBytes(row: number): Buffer {
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const hash = createHash("sha256").update(`picture ${row}`).digest();
  const length = 100 + 37 * (row % 20);
  return Buffer.concat([signature, ...Array<Buffer>(Math.ceil(length / 32)).fill(hash)]).subarray(0, length);
}

test("a set of several shards and row groups is streamed in order and read at random alike", async () => {
  const folder = folderOf("several", "three-groups", "dictionary-then-plain");
  const dataset = await ParquetDataset.open({ folder });
  assert.equal(dataset.length, 47);
  assert.deepEqual(
    dataset.shards.map((shard) => shard.groups.map((group) => group.rows)),
    [[3, 3, 1], [40]],
  );
  const keys: string[] = [];
  for await (const picture of dataset.pictures()) {
    const row = keys.length < 7 ? keys.length : keys.length - 7;
    assert.deepEqual(Buffer.from(picture.bytes), pictureBytes(row));
    assert.deepEqual(picture.captions, [`caption ${row}`]);
    assert.equal(picture.name, `${String(row).padStart(3, "0")}.png`);
    keys.push(picture.key);
  }
  assert.equal(keys.length, 47);
  assert.equal(keys[3], "data/train-00000-of-00002.parquet:3");
  assert.equal(keys[46], "data/train-00001-of-00002.parquet:39");
  for (const index of [46, 0, 12, 6, 7, 3]) {
    const picture = await dataset.get(index);
    assert.equal(picture.key, keys[index]);
    assert.deepEqual(Buffer.from(picture.bytes), pictureBytes(index < 7 ? index : index - 7));
  }
  assert.deepEqual(dataset.addressOf(4), { shard: 0, group: 1, row: 1 });
  assert.equal((await dataset.get({ shard: 0, group: 2, row: 0 })).key, "data/train-00000-of-00002.parquet:6");
});

for (const file of ["page-index-lists", "pages-v2-gzip", "dictionary-then-plain", "three-groups"]) {
  test(`every row of ${file} can be read alone`, async () => {
    const dataset = await ParquetDataset.open({ folder: folderOf(`alone-${file}`, file) });
    for (let row = dataset.length - 1; row >= 0; row--) {
      assert.deepEqual(Buffer.from((await dataset.get(row)).bytes), pictureBytes(row), `row ${row}`);
    }
  });
}

test("reading one row of a long row group reads a few of its pages", async () => {
  const folder = join(root, "one-row");
  mkdirSync(folder);
  const path = join(folder, "train.parquet");
  const rowAt = (row: number) => ({ bytes: Buffer.alloc(60_000, row), path: `${row}.png`, text: `row ${row}` });
  writeParquet(path, 200, { rowAt, rowsPerPage: 4 });
  const shard = await ParquetShard.open(path);
  const ranges = await shard.ranges(0, "image");
  // 4 MiB at a time, whole pages of four rows: 18 pages of 240 kB.
  assert.deepEqual(ranges, [
    { from: 0, to: 72 },
    { from: 72, to: 144 },
    { from: 144, to: 200 },
  ]);
  const [value] = await shard.values(0, "image", { from: 150, to: 151 });
  assert.deepEqual((value as { bytes: Uint8Array }).bytes, new Uint8Array(60_000).fill(150));
  // The value is a window into what was read: four rows of a page, not the 12 MB of the row group.
  assert.ok((value as { bytes: Uint8Array }).bytes.buffer.byteLength < 300_000);
});

test("captions may be one text, a list, an empty list or nothing", async () => {
  const dataset = await ParquetDataset.open({ folder: folderOf("lists", "page-index-lists") });
  assert.deepEqual((await dataset.get(0)).captions, []);
  assert.deepEqual((await dataset.get(1)).captions, ["caption 1", "another caption 1"]);
  assert.deepEqual((await dataset.get(3)).captions, []);
  const without = await ParquetDataset.open({ folder: folderOf("lists", "page-index-lists"), captionColumn: null });
  assert.deepEqual((await without.get(1)).captions, []);
});

test("a column of plain bytes is a picture column too", async () => {
  const dataset = await ParquetDataset.open({ folder: folderOf("binary", "plain-binary") });
  assert.deepEqual(Buffer.from((await dataset.get(1)).bytes), pictureBytes(1));
  assert.equal((await dataset.get(1)).name, undefined);
});

test("the bytes of a picture stand alone in memory", async () => {
  const dataset = await ParquetDataset.open({ folder: folderOf("copy", "three-groups") });
  const { bytes } = await dataset.get(0);
  assert.equal(bytes.buffer.byteLength, bytes.byteLength);
});

test("a wrong column is an error that lists the columns", async () => {
  const folder = folderOf("columns", "three-groups");
  await assert.rejects(ParquetDataset.open({ folder, imageColumn: "picture" }), {
    message: `expected one of the columns of ${folder}/data/train-00000-of-00001.parquet for image_column but received "picture"; its columns are image ({bytes: binary, path: string}), text (string), width (int32)`,
  });
  await assert.rejects(
    ParquetDataset.open({ folder, captionColumn: "width" }),
    /expected a column of texts or lists of texts for caption_column but width holds int32; the columns of .* are image/,
  );
  await assert.rejects(
    ParquetDataset.open({ folder, imageColumn: "text" }),
    /expected a column of pictures .* but text holds string/,
  );
});

test("a row without the picture's bytes is an error that names the row", async () => {
  const dataset = await ParquetDataset.open({ folder: folderOf("path-only", "path-only") });
  await assert.rejects(dataset.get(0), {
    message:
      'data/train-00000-of-00001.parquet:0: expected the bytes of a picture in column image but received only the path "/data/0.png"',
  });
});

test("a file that is cut or of another kind is an error that names it", async () => {
  const folder = folderOf("cut", "three-groups");
  const path = join(folder, "data/train-00000-of-00001.parquet");
  truncateSync(path, readFileSync(path).length - 100);
  await assert.rejects(ParquetDataset.open({ folder }), (error: Error) =>
    error.message.startsWith(`${path}: expected a parquet file`),
  );
  writeFileSync(path, "PAR1");
  await assert.rejects(ParquetDataset.open({ folder }), /expected a parquet file: it has 4 bytes/);
});

test("a page header that lies does not make the reader allocate what it says", async () => {
  const folder = folderOf("lie", "dictionary-then-plain");
  const path = join(folder, "data/train-00000-of-00001.parquet");
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4, 40);
  writeFileSync(path, bytes);
  const dataset = await ParquetDataset.open({ folder });
  await assert.rejects(
    dataset.get(3),
    (error: Error) => error.name === "FileFormatError" && error.message.startsWith(path),
  );
});

test("an index outside the set is an error", async () => {
  const dataset = await ParquetDataset.open({ folder: folderOf("range", "three-groups") });
  await assert.rejects(dataset.get(7), /expected an integer from 0 to 6 for index but received 7/);
  await assert.rejects(
    dataset.get({ shard: 0, group: 2, row: 1 }),
    /expected an integer from 0 to 0 for address\.row but received 1/,
  );
  await assert.rejects(dataset.get({ shard: 1, group: 0, row: 0 }), /expected a row group that exists for address/);
});

test("the card's configuration and features are honoured", async () => {
  const folder = folderOf("card", "three-groups");
  writeFileSync(
    join(folder, "README.md"),
    "---\nconfigs:\n- config_name: stills\n  data_files:\n  - split: train\n    path: data/train-*\ndataset_info:\n  config_name: stills\n  features:\n  - {name: image, dtype: image}\n---\n",
  );
  const dataset = await ParquetDataset.open({ folder });
  assert.equal(dataset.config, "stills");
  assert.deepEqual(dataset.features, [{ name: "image", dtype: "image" }]);
  await assert.rejects(
    ParquetDataset.open({ folder, split: "test" }),
    /the splits that exist of configuration stills \(train\)/,
  );
  assert.equal(await isParquetDataset(folder), true);
  assert.equal(await isParquetDataset(join(folder, "nowhere")), false);
});

test("memory does not grow with the set, even in one row group", { timeout: 120_000 }, async () => {
  const folder = join(root, "large");
  mkdirSync(folder);
  const noise = Buffer.alloc(256 << 10, "stillframe");
  const rowAt = (row: number) => ({ bytes: noise, path: `${row}.png`, text: `a caption of row ${row}` });
  const rows = 640;
  writeParquet(join(folder, "train.parquet"), rows, { rowAt, rowsPerPage: 4 });
  const script = fileURLToPath(new URL("./testing/measure-memory.js", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, folder]);
  const seen = JSON.parse(stdout) as { rows: number; bytes: number; most: number };
  assert.equal(seen.rows, rows);
  assert.equal(seen.bytes, rows * noise.length);
  assert.ok(seen.bytes > 160e6 && seen.most < 48e6, `streaming ${seen.bytes} bytes held ${seen.most}`);
});
