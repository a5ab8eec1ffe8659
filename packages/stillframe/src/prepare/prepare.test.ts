import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type PrepareEvent,
  type PrepareOptionsInput,
  type PrepareReport,
  PrepareReportSchema,
  type TrainEvent,
} from "@stillframe/schema";
import { liveTensors } from "@stillframe/torch";
import sharp from "sharp";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { train } from "../train/index.js";
import { prepare } from "./index.js";
import { reportTable } from "./report-table.js";
import { drawnPicture } from "./testing/pictures.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
});
after(() => shop.close());

async function run(
  options: PrepareOptionsInput,
  signal?: AbortSignal,
): Promise<{ report: PrepareReport | null; events: PrepareEvent[] }> {
  const events: PrepareEvent[] = [];
  const preparing = prepare(options, signal ? { signal } : {});
  for (;;) {
    const { value, done } = await preparing.next();
    if (done) return { report: value, events };
    events.push(value);
  }
}

/** A folder of 20 pictures with faults: see the assertions. */
async function faultyFolder(): Promise<string> {
  const folder = shop.at("faulty");
  mkdirSync(folder, { recursive: true });
  const lines: { file_name: string; text: string | string[] }[] = [];
  const add = (name: string, bytes: Buffer | string, text: string | string[]) => {
    writeFileSync(join(folder, name), bytes);
    lines.push({ file_name: name, text });
  };
  const noisy = async (i: number) => {
    const [width, height] = [i < 10 ? 480 : 360, 360];
    const { data } = await sharp(await drawnPicture(i, { width, height }))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const grain = data.map((v, k) => v + (((k * 2654435761) >>> 24) % 25) - 12);
    return sharp(grain, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
  };
  for (let i = 0; i < 14; i++)
    add(`${i}.png`, await noisy(i), i < 9 ? `In this image, we see thing ${i}` : `Thing number ${i}`);
  const first = readFileSync(join(folder, "3.png"));
  add("copy.png", first, "In this image, we see thing 3");
  add(
    "like-5.jpg",
    await sharp(readFileSync(join(folder, "5.png")))
      .resize(300)
      .jpeg({ quality: 70 })
      .toBuffer(),
    "",
  );
  add(
    "soft.png",
    await sharp(await drawnPicture(30, { width: 480, height: 360 }))
      .blur(12)
      .png()
      .toBuffer(),
    ["one", "two"],
  );
  add(
    "small.png",
    await sharp(await noisy(12))
      .resize(40, 40)
      .extract({ left: 0, top: 0, width: 32, height: 32 })
      .png()
      .toBuffer(),
    "Thing",
  );
  add("cut.png", first.subarray(0, 3000), "x");
  add("text.png", "text", "x");
  lines.push({ file_name: "gone.png", text: "x" });
  writeFileSync(join(folder, "metadata.jsonl"), lines.map((l) => JSON.stringify(l)).join("\n"));
  return folder;
}

describe("prepare", () => {
  it("finds sizes, buckets, openings, copies, blur and what is left out, and writes them", async () => {
    const before = liveTensors();
    const folder = await faultyFolder();
    const options = {
      train_data_dir: folder,
      resolution: 64,
      aspect_ratio_buckets: true,
      bucket_step: 16,
      output_dir: shop.at("report"),
    };
    const { report, events } = await run(options);
    assert.ok(report !== null);
    assert.deepEqual(
      PrepareReportSchema.parse(JSON.parse(readFileSync(shop.at("report", "prepare.json"), "utf8"))),
      report,
    );
    assert.equal(report.pictures, 18);
    assert.deepEqual(report.sizes.width, { least: 32, median: 480, most: 480 });
    assert.deepEqual(report.sizes.frequent[0], { width: 480, height: 360, count: 12 });
    assert.deepEqual(
      report.buckets.map((b) => [b.width, b.height, b.pictures]),
      [
        [64, 64, 5],
        [80, 48, 13],
      ],
    );
    // 64 × 48 is what 4 : 3 becomes; 80 × 48 cuts a height of 60 to 48
    assert.ok(Math.abs((report.buckets[1]?.cut_away as number) - 0.2) < 0.001);
    assert.deepEqual(report.enlarged, { pictures: 1, most: 2, files: [{ file: "small.png", factor: 2 }] });
    const { captions } = report;
    assert.deepEqual(
      [captions.captions, captions.different, captions.empty, captions.unit, captions.limit],
      [19, 18, 1, "words", null],
    );
    assert.deepEqual(captions.openings[0], { text: "In this image, we see thing", count: 10, share: 10 / 19 });
    assert.deepEqual(captions.repeated, [{ caption: "In this image, we see thing 3", count: 2 }]);
    assert.deepEqual(report.duplicates, [
      { exact: true, files: ["3.png", "copy.png"] },
      { exact: false, files: ["5.png", "like-5.jpg"] },
    ]);
    // the grain that the others have is what a blur, an enlargement and a strong compression take away
    const blurred = report.blurred.map((b) => b.file);
    assert.ok(blurred.includes("soft.png"));
    assert.ok(
      blurred.every((file) => ["soft.png", "small.png", "like-5.jpg"].includes(file)),
      String(blurred),
    );
    assert.deepEqual(report.skipped_files.map((s) => [s.file, s.reason.replace(/:.*/, "")]).sort(), [
      ["cut.png", "it cannot be decoded"],
      ["gone.png", "the file does not exist"],
      ["text.png", "it is not a picture of a known format"],
    ]);
    assert.equal(report.encoded, null);
    assert.equal(liveTensors(), before);
    const last = events.at(-1);
    assert.ok(last?.type === "prepared");
    assert.deepEqual(
      last.files.map((f) => f.path),
      ["prepare.json", "prepare.png"],
    );

    const { data, info } = await sharp(shop.at("report", "prepare.png")).raw().toBuffer({ resolveWithObject: true });
    assert.equal(info.width, 1500);
    assert.ok(info.height > 900 && info.height < 3000, `${info.height}`);
    const inked = data.reduce((n, v) => n + (v < 250 ? 1 : 0), 0) / data.length;
    assert.ok(inked > 0.05, `${inked} of the picture is drawn on`);

    const table = reportTable(report, { columns: 80 });
    for (const line of table.split("\n")) assert.ok(line.length <= 80, line);
    assert.match(table, /^Openings +many captions begin alike\n +53 % begin with “In this image, we see thing …”$/m);
    assert.match(
      table,
      /^Near-duplicates +4 pictures in 2 groups\n +the same file: 3\.png, copy\.png\n +5\.png, like-5\.jpg$/m,
    );
    assert.match(table, /^ +soft\.png \(<?\d+ % of the usual sharpness\)$/m);
    assert.match(table, /^Left out +3 pictures or records$/m);
    assert.match(table, /^Enlarged +1 picture, at most × 2 \(small\.png\)$/m);
  });

  it("is quiet about a set without faults, and draws it", async () => {
    const { report } = await run({ train_data_dir: shop.stills, resolution: 32, output_dir: shop.at("quiet") });
    assert.ok(report !== null);
    assert.deepEqual([report.skipped_files, report.blurred, report.enlarged.pictures], [[], [], 0]);
    assert.match(reportTable(report, { columns: 100 }), /^Left out +nothing$/m);
    assert.equal((await sharp(shop.at("quiet", "prepare.png")).metadata()).width, 1500);
  });

  it("leaves the training nothing to encode", async () => {
    const common = { caption_dropout: 0.2, random_flip: true, aspect_ratio_buckets: true, bucket_step: 8 };
    const { train_data_dir, cache_dir, pretrained_model_name_or_path, resolution } = shop.run("trained");
    const shared = {
      train_data_dir: train_data_dir as string,
      cache_dir: cache_dir as string,
      pretrained_model_name_or_path,
      resolution: resolution as number,
      ...common,
    };
    const first = await run({ ...shared, output_dir: shop.at("prepared") });
    const { encoded } = first.report as PrepareReport;
    assert.ok(encoded !== null && encoded.pictures > 12 && encoded.pictures_made === encoded.pictures);
    assert.deepEqual([encoded.captions, encoded.captions_made], [7, 7], "six, and the empty one");
    assert.equal(first.report?.captions.unit, "tokens");
    assert.equal(first.report?.captions.limit, 75);
    const again = await run({ ...shared, output_dir: shop.at("prepared") });
    assert.deepEqual([again.report?.encoded?.pictures_made, again.report?.encoded?.captions_made], [0, 0]);
    const events: TrainEvent[] = [];
    for await (const e of train(shop.run("trained", { ...common, max_train_steps: 12, seed: 5 }))) events.push(e);
    const encoding = events.flatMap((e) =>
      e.type === "preparing" && e.stage.startsWith("encode_") ? [[e.done, e.total]] : [],
    );
    assert.ok(encoding.length === 2 && encoding.every(([done, total]) => done === total), JSON.stringify(encoding));
    assert.equal(events.at(-1)?.type, "run_finished");
  });

  it("ends when it is told to, keeping what it encoded", async () => {
    const stop = new AbortController();
    const options = {
      ...shop.run("x"),
      train_data_dir: shop.stills,
      output_dir: shop.at("stopped"),
      cache_dir: shop.at("cache-stopped"),
    };
    const { pretrained_model_name_or_path, resolution, train_data_dir, output_dir, cache_dir } = options;
    const preparing = prepare(
      { pretrained_model_name_or_path, resolution, train_data_dir, output_dir, cache_dir } as PrepareOptionsInput,
      { signal: stop.signal },
    );
    const seen: PrepareEvent[] = [];
    let last = await preparing.next();
    for (; !last.done; last = await preparing.next()) {
      seen.push(last.value);
      if (last.value.type === "preparing" && last.value.stage === "encode_pictures" && last.value.done === 4)
        stop.abort();
    }
    assert.equal(last.value, null);
    assert.equal(seen.at(-1)?.type, "prepare_interrupted");
    const again = await run({
      pretrained_model_name_or_path,
      resolution,
      train_data_dir,
      output_dir,
      cache_dir,
    } as PrepareOptionsInput);
    const { encoded } = again.report as PrepareReport;
    assert.ok(encoded !== null && encoded.pictures - encoded.pictures_made >= 4 && encoded.captions_made === 0);
  });

  it("says what is wrong with its options", async () => {
    await assert.rejects(
      run({
        train_data_dir: shop.stills,
        resolution: 33,
        pretrained_model_name_or_path: shop.base,
        output_dir: shop.at("y"),
        cache_dir: shop.at("c"),
      }),
      {
        message: "expected a multiple of 2, this VAE's factor (such as 32 or 34), for resolution but received 33",
      },
    );
    await assert.rejects(
      run({ train_data_dir: shop.at("nowhere"), output_dir: shop.at("y") }),
      /expected a folder for image folder but received/,
    );
  });
});
