import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parseTrainOptions, type TrainOptionsInput } from "@stillframe/schema";
import { full, liveTensors, type Tensor } from "@stillframe/torch";
import type { PictureBytes } from "../prepare/data-source.js";
import { circle, openWorkshop, type Workshop } from "../testing/workshop.js";
import { cutOf } from "./cut.js";
import type { Showing } from "./step-plan.js";
import { type Encoding, encodeAll, loadEncoders, openEncoding } from "./testing/encoding.js";
import { readTrainingSet, type TrainingPicture } from "./training-set.js";

let shop: Workshop;
let encoders: ReturnType<typeof loadEncoders>;
let cacheNumber = 0;
before(async () => {
  shop = await openWorkshop();
  encoders = loadEncoders(shop.base);
  CUTS = cutsOf((await readTrainingSet(parseTrainOptions(fresh()), 0)).pictures);
});
after(() => shop.close());

/** Different cuts among four crops of each of some pictures: a square one has one, and two crops may be at one place. */
function cutsOf(pictures: readonly TrainingPicture[]): number {
  const options = { target: [32, 32] as const, flipped: false, seed: 0, centre: false };
  const lefts = pictures.map((p) => new Set([0, 1, 2, 3].map((crop) => cutOf(p, { ...options, crop }).left)));
  return lefts.reduce((n, places) => n + places.size, 0);
}

/** Options with a cache folder of their own. */
const fresh = (more: Partial<TrainOptionsInput> = {}): TrainOptionsInput =>
  shop.run("run", {
    num_train_epochs: 5,
    max_train_steps: null,
    cache_dir: shop.at(`cache-${cacheNumber++}`),
    ...more,
  });
const open = (options: TrainOptionsInput, keys?: { vaeKey: string; encodersKey: string }) =>
  openEncoding(options, encoders, keys);

let CUTS = 0;

/** Encodes what a run with `options` needs; how much went through the models. */
async function encoded(options: TrainOptionsInput, keys?: { vaeKey: string; encodersKey: string }) {
  const encoding = await open(options, keys);
  const events = await encodeAll(encoding);
  const { vae, captions } = encoding.calls;
  encoding.dispose();
  return { vae, captions, events };
}

const counts = async (...args: Parameters<typeof encoded>) => {
  const { vae, captions } = await encoded(...args);
  return [vae, captions];
};

/** Hashes of all files below a folder, by name. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
  const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
  return Object.fromEntries(files.map((f) => [f.name, sha(join(f.parentPath, f.name))]).sort());
}
const cacheOf = (options: TrainOptionsInput) => options.cache_dir as string;
const numbers = (batches: { posteriors: readonly { mean: Tensor; std: Tensor }[] }[]) =>
  batches.flatMap((b) => b.posteriors.flatMap((p) => [...p.mean.toArray(), ...p.std.toArray()]));

/** All numbers that the steps of an encoding see. */
async function stepNumbers({ source, plan }: Encoding, ahead: boolean): Promise<number[][]> {
  const all: number[][] = [];
  for (const { batches: planned, step } of plan.steps()) {
    const { batches, dispose } = await source.batches(planned, ahead ? plan.at(step + 1)?.batches : undefined);
    all.push([...numbers(batches), ...batches.flatMap((b) => b.timeIds.flat())]);
    dispose();
  }
  return all;
}

describe("BatchSource.encode", () => {
  it("encodes each crop of each picture and each caption once; a second run encodes nothing", async () => {
    const options = fresh();
    const first = await encoded(options);
    assert.deepEqual([first.vae, first.captions], [CUTS, 6]);
    assert.equal(first.events.filter((e) => e.type === "preparing").length, 1 + 6 + 1 + CUTS);
    const second = await encoded(options);
    assert.deepEqual([second.vae, second.captions], [0, 0]);
    assert.deepEqual(second.events, [
      { type: "preparing", stage: "encode_captions", done: 6, total: 6 },
      { type: "preparing", stage: "encode_pictures", done: CUTS, total: CUTS },
    ]);
    assert.deepEqual(await counts({ ...options, seed: 99 }), [0, 0]);
  });

  it("has equal bytes for equal input, whatever the number of threads", async () => {
    const [one, two] = [fresh({ dataloader_num_workers: 1 }), fresh({ dataloader_num_workers: 3 })];
    await encoded(one);
    await encoded(two);
    const [a, b] = [contents(cacheOf(one)), contents(cacheOf(two))];
    assert.equal(Object.keys(a).length, 2, "up to 16 posteriors, 6 captions");
    assert.deepEqual(a, b);
  });

  it("encodes a changed picture, a changed caption and a new picture alone", async () => {
    const options = fresh();
    await encoded(options);
    const metadata = shop.at("stills", "metadata.jsonl");
    const [text, picture] = [readFileSync(metadata, "utf8"), readFileSync(shop.at("stills", "3.png"))];
    writeFileSync(shop.at("stills", "3.png"), await circle(10)); // square, and so are those below
    assert.deepEqual(await counts(options), [1, 0]);
    writeFileSync(metadata, text.replace("a green circle", "a ring"));
    assert.deepEqual(await counts(options), [0, 1]);
    writeFileSync(shop.at("stills", "new.png"), await circle(8));
    writeFileSync(metadata, `{"file_name": "new.png", "text": "first of all"}\n${text}`);
    assert.deepEqual(await counts(options), [1, 1]);
    rmSync(shop.at("stills", "new.png"));
    writeFileSync(metadata, text);
    writeFileSync(shop.at("stills", "3.png"), picture);
    assert.deepEqual(await counts(options), [0, 0], "as it was");
  });

  it("is never stale: every setting that changes the numbers has entries of its own", async () => {
    const options = fresh({ center_crop: true });
    await encoded(options);
    const again = (more: Partial<TrainOptionsInput>, keys?: { vaeKey: string; encodersKey: string }) => {
      return counts({ ...options, ...more }, keys);
    };
    assert.deepEqual(await again({}), [0, 0]);
    assert.deepEqual(await again({ resolution: 40 }), [6, 0]);
    assert.deepEqual(await again({ image_interpolation_mode: "bilinear" }), [6, 0]);
    assert.deepEqual(await again({ vae_tiling: true }), [6, 0]);
    assert.deepEqual(await again({ max_token_length: 150 }), [0, 6]);
    assert.deepEqual(await again({ caption_prefix: "Still, " }), [0, 6]);
    assert.deepEqual(await again({}, { vaeKey: "other", encodersKey: "text" }), [6, 0]);
    assert.deepEqual(await again({}, { vaeKey: "vae", encodersKey: "other" }), [0, 6]);
    assert.deepEqual(await again({ num_train_epochs: 9, learning_rate: 1 }), [0, 0]);
  });

  it("tells damaged shards as warnings and makes what was in them again", async () => {
    const options = fresh();
    await encoded(options);
    const whole = contents(cacheOf(options));
    const shards = readdirSync(cacheOf(options), { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    const paths = shards.map((f) => join(f.parentPath, f.name));
    for (const path of paths) {
      const bytes = readFileSync(path);
      bytes[bytes.length - 5]! ^= 1;
      writeFileSync(path, bytes);
    }
    const { vae, captions, events } = await encoded(options);
    assert.deepEqual([vae, captions], [CUTS, 6]);
    const told = events.flatMap((e) => (e.type === "warning" ? [e.message] : []));
    assert.equal(told.length, 2);
    for (const message of told)
      assert.match(
        message,
        /\.safetensors was damaged \(the bytes of tensor .* are not those that were written\); what was in it is made again$/,
      );
    assert.deepEqual(contents(cacheOf(options)), whole);
  });

  it("keeps what it made when it is ended early", async () => {
    const options = fresh();
    const encoding = await open(options);
    for await (const e of encoding.source.encode(encoding.plan.steps()))
      if (e.type === "preparing" && e.stage === "encode_pictures" && e.done === 5) break;
    encoding.dispose();
    assert.deepEqual(await counts(options), [CUTS - 5, 0]);
  });

  it("ends with a message when a picture has vanished, and goes on from there when it is back", async () => {
    const options = fresh({ center_crop: true, dataloader_num_workers: 1 });
    const encoding = await open(options);
    renameSync(shop.at("stills", "4.png"), shop.at("away.png"));
    await assert.rejects(encodeAll(encoding), { message: "4.png: the file does not exist" });
    encoding.dispose();
    renameSync(shop.at("away.png"), shop.at("stills", "4.png"));
    assert.ok((await encoded(options)).vae <= 6);
  });

  it("names the picture of which the VAE makes NaN", async () => {
    const { vae } = encoders.models;
    const { encode } = vae;
    vae.encode = (x) => {
      const posterior = encode(x);
      return { ...posterior, mean: posterior.mean.mul(full([1], Number.NaN)) };
    };
    try {
      await assert.rejects(encoded(fresh({ center_crop: true })), {
        name: "NotFiniteError",
        message: /^the VAE's latents of \d\.png is not finite: check the weights of the VAE$/,
      });
    } finally {
      vae.encode = encode;
    }
  });

  it("refuses a resolution that leaves parts of latents over", async () => {
    await assert.rejects(open(fresh({ resolution: 33 })), {
      message: "expected a multiple of 2, this VAE's factor (such as 32 or 34), for resolution but received 33",
    });
  });
});

describe("BatchSource.batches", () => {
  it("reads the next step's pixels ahead and changes no number", async () => {
    const options = fresh({ cache_latents: false, num_train_epochs: 2, random_flip: true });
    const [plain, ahead] = [await open(options), await open(options)];
    const a = await stepNumbers(plain, false);
    const b = await stepNumbers(ahead, true);
    assert.equal(a.length, 6);
    assert.deepEqual(b, a);
    plain.dispose();
    ahead.dispose();
  });

  it("begins to read the next step's pictures before it gives this step's, and reads none twice", async () => {
    const { set, plan, source, dispose: close } = await open(fresh({ cache_latents: false, num_train_epochs: 1 }));
    const reads: string[] = [];
    for (const p of set.pictures as unknown as { name: string; source: PictureBytes }[]) {
      const path = p.source as string;
      p.source = async () => {
        reads.push(p.name);
        return readFileSync(path);
      };
    }
    const names = (step: number) =>
      plan
        .at(step)
        ?.batches.flat()
        .map((s) => set.pictures[s.picture]?.name) ?? [];
    for (const { step, batches: planned } of plan.steps()) {
      const { dispose } = await source.batches(planned, plan.at(step + 1)?.batches);
      assert.deepEqual(reads, Array.from({ length: step + 1 }, (_, i) => names(i + 1)).flat());
      dispose();
    }
    close();
  });

  it("draws a new place for every showing without a cache, and one of four with it", async () => {
    const places = async (cache_latents: boolean) => {
      const encoding = await open(fresh({ cache_latents, num_train_epochs: 12 }));
      const wide = encoding.set.pictures.findIndex((p) => p.width > p.height);
      const lefts = Array.from({ length: 12 }, (_, epoch) => encoding.plan.showing(wide, epoch));
      const seen = new Set<number>();
      for (const s of lefts) {
        const { batches, dispose } = await encoding.source.batches([[s]]);
        seen.add(batches[0]?.timeIds[0]?.[3] as number);
        dispose();
      }
      encoding.dispose();
      return seen.size;
    };
    assert.ok((await places(false)) > 4);
    assert.ok((await places(true)) <= 4);
  });

  it("gives time ids of the original, the crop and the bucket", async () => {
    const encoding = await open(fresh({ aspect_ratio_buckets: true, bucket_step: 8, center_crop: true }));
    const show = async (picture: number) => {
      const s: Showing = { picture, epoch: 0, caption: 0, flipped: false, crop: 0, dropCaption: false };
      const { batches, dispose } = await encoding.source.batches([[s]]);
      const [batch] = batches;
      const result = { ids: batch?.timeIds[0], latent: batch?.posteriors[0]?.mean.shape };
      dispose();
      return result;
    };
    // 48 × 48 → 32 × 32; 64 × 48 → 24 high, 40 wide: covering it is 30 × 40
    assert.deepEqual(await show(0), { ids: [48, 48, 0, 0, 32, 32], latent: [1, 4, 16, 16] });
    assert.deepEqual(await show(1), { ids: [48, 64, 3, 0, 24, 40], latent: [1, 4, 12, 20] });
    encoding.dispose();
  });

  it("makes what it was not told of beforehand, in batches beyond a shard's size too, and leaks nothing", async () => {
    const encoding = await open(fresh({ caption_dropout: 0.5 }));
    const all = Array.from(
      { length: 20 },
      (_, i): Showing => ({ picture: i % 6, epoch: 0, caption: 0, flipped: false, crop: i, dropCaption: false }),
    );
    const { batches, dispose } = await encoding.source.batches([all]);
    assert.equal(numbers(batches).length, 20 * 2 * 4 * 16 * 16);
    dispose();
    const before = liveTensors();
    const again = await encoding.source.batches([all.slice(0, 4)]);
    again.dispose();
    assert.equal(liveTensors(), before);
    encoding.dispose();
  });
});
