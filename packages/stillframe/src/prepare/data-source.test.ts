import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, beforeEach, describe, it } from "node:test";
import type { TrainEvent } from "@stillframe/schema";
import { writeParquet } from "../dataset-parquet/testing/write-parquet.js";
import { HubServer } from "../hub/testing/hub-server.js";
import { TEST_TOKEN, TestFolder, TestHome } from "../hub/testing/test-home.js";
import { type DataSource, type DataSourceOptions, openDataSource, type SourcePicture } from "./data-source.js";
import { drawnPicture } from "./testing/pictures.js";

let pictures: Buffer[];
before(async () => {
  pictures = await Promise.all(Array.from({ length: 8 }, (_, i) => drawnPicture(i)));
});
beforeEach(() => {
  for (const name of ["HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE"]) delete process.env[name];
});

const picture = (i: number) => pictures[i] as Buffer;
const row = (i: number) => ({ bytes: picture(i), path: `${i}.png`, text: `caption ${i}` });
const options = (more: Partial<DataSourceOptions>): DataSourceOptions => ({
  train_data_dir: null,
  dataset_name: null,
  dataset_config_name: null,
  image_column: "image",
  caption_column: "text",
  ...more,
});

async function open(more: Partial<DataSourceOptions>): Promise<{ data: DataSource; events: TrainEvent[] }> {
  const opening = openDataSource(options(more));
  const events: TrainEvent[] = [];
  for (;;) {
    const { value, done } = await opening.next();
    if (done) return { data: value, events };
    events.push(value);
  }
}

/** Name and captions of each picture, and the bytes that its source gives. */
async function read(data: DataSource) {
  const found: { name: string; captions: readonly string[]; bytes: Uint8Array | string }[] = [];
  const skipped: string[] = [];
  for await (const p of data.pictures())
    if ("reason" in p) skipped.push(`${p.fileName}: ${p.reason}`);
    else
      found.push({
        name: p.name,
        captions: p.captions,
        bytes: typeof p.source === "string" ? p.source : await p.source(),
      });
  return { found, skipped };
}
const names = async (data: DataSource) => (await read(data)).found.map((p) => p.name);

/** A folder with two parquet shards of four rows. */
function parquetFolder(folder: string): void {
  mkdirSync(join(folder, "data"), { recursive: true });
  for (const shard of [0, 1])
    writeParquet(join(folder, "data", `train-0000${shard}-of-00002.parquet`), 4, {
      rowAt: (i) => row(shard * 4 + i),
      rowsPerPage: 3,
    });
}

describe("a local folder", () => {
  it("of parquet shards gives rows in order, and each row's bytes again by random access", async () => {
    using folder = new TestFolder();
    parquetFolder(folder.path);
    for (const where of [{ dataset_name: folder.path }, { train_data_dir: folder.path }]) {
      const { data, events } = await open(where);
      assert.deepEqual([data.count, data.commit, data.folder, events], [8, null, folder.path, []]);
      const streamed: SourcePicture[] = [];
      for await (const p of data.pictures()) streamed.push(p as SourcePicture);
      assert.deepEqual(
        streamed.map((p) => [p.name, ...p.captions]),
        pictures.map((_, i) => [`${i}.png`, `caption ${i}`]),
      );
      for (const i of [6, 0, 7, 3]) {
        const { source, bytes } = streamed[i] as SourcePicture;
        assert.deepEqual(Buffer.from(await (source as () => Promise<Uint8Array>)()), picture(i));
        assert.deepEqual(Buffer.from(bytes as Uint8Array), picture(i));
      }
    }
  });

  it("of pictures gives paths; as a data set, only those of its training split", async () => {
    using folder = new TestFolder();
    for (const split of ["train", "test"]) {
      mkdirSync(join(folder.path, split));
      for (const i of [0, 1]) {
        writeFileSync(join(folder.path, split, `${split}-${i}.png`), picture(i));
        writeFileSync(join(folder.path, split, `${split}-${i}.txt`), `caption ${i}`);
      }
    }
    writeFileSync(join(folder.path, "test", "test-2.png"), picture(2));
    const whole = await open({ train_data_dir: folder.path });
    assert.deepEqual(await names(whole.data), [
      "test/test-0.png",
      "test/test-1.png",
      "train/train-0.png",
      "train/train-1.png",
    ]);
    assert.equal(whole.data.skipped.length, 1);
    const { data } = await open({ dataset_name: folder.path });
    const { found } = await read(data);
    assert.deepEqual(found[1], {
      name: "train/train-1.png",
      captions: ["caption 1"],
      bytes: join(folder.path, "train/train-1.png"),
    });
    assert.deepEqual([data.count, found.length, data.skipped], [2, 2, []]);
  });

  it("goes on after a row without a picture, and tells which", async () => {
    using folder = new TestFolder();
    parquetFolder(folder.path);
    const file = new URL("../../fixtures/hub/path-only.parquet", import.meta.url);
    copyFileSync(file, join(folder.path, "data", "train-00000-of-00002-b.parquet"));
    const { data } = await open({ train_data_dir: folder.path });
    const { found, skipped } = await read(data);
    assert.equal(data.count, 9);
    assert.deepEqual(
      found.map((p) => p.name),
      pictures.map((_, i) => `${i}.png`),
    );
    assert.deepEqual(Buffer.from(found[4]?.bytes as Uint8Array), picture(4));
    assert.equal(skipped.length, 1);
    assert.match(
      skipped[0] as string,
      /^data\/train-00000-of-00002-b\.parquet:0: expected the bytes of a picture in column image but received only the path/,
    );
  });

  it("names the columns that there are when the one asked for is not", async () => {
    using folder = new TestFolder();
    parquetFolder(folder.path);
    await assert.rejects(open({ dataset_name: folder.path, caption_column: "caption" }), {
      message:
        /expected one of the columns of .* for caption_column but received "caption"; its columns are image .*, text/,
    });
  });
});

describe("a data set of the Hub", () => {
  const parquetFiles = async () => {
    using folder = new TestFolder();
    const path = join(folder.path, "x.parquet");
    writeParquet(path, 8, { rowAt: row, rowsPerPage: 2 });
    return { "data/train-00000-of-00001.parquet": readFileSync(path) };
  };
  const use = (home: TestHome, hub: HubServer) => {
    process.env.HF_ENDPOINT = hub.endpoint;
    process.env.HF_HOME = join(home.folder, ".cache", "huggingface");
  };

  it("in parquet is downloaded with its progress, and read without the Hub the next time", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const repo = hub.addRepo("org/stills", await parquetFiles(), { type: "dataset" });
    const { data, events } = await open({ dataset_name: "org/stills" });
    assert.deepEqual([data.count, data.commit], [8, repo.refs.get("main")]);
    const progress = events.filter((e) => e.type === "preparing" && e.stage === "download");
    assert.ok(progress.length >= 2);
    const last = progress.at(-1);
    assert.ok(last?.type === "preparing" && last.done === last.total && last.total > 1000);
    assert.deepEqual(Buffer.from((await read(data)).found[5]?.bytes as Uint8Array), picture(5));
    process.env.HF_HUB_OFFLINE = "1";
    hub.requests.length = 0;
    const again = await open({ dataset_name: "org/stills" });
    assert.deepEqual([again.data.count, again.events, hub.requests.length], [8, [], 0]);
  });

  it("of plain pictures is read through the cache's links", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const metadata = [0, 1, 2].map((i) => `{"file_name": "${i}.png", "text": ["one ${i}", "two ${i}"]}`).join("\n");
    const files = { "metadata.jsonl": metadata, "0.png": picture(0), "1.png": picture(1), "2.png": picture(2) };
    hub.addRepo("org/pictures", files, { type: "dataset" });
    const { data } = await open({ dataset_name: "org/pictures" });
    const { found, skipped } = await read(data);
    assert.deepEqual(
      found.map((p) => [p.name, ...p.captions]),
      [0, 1, 2].map((i) => [`${i}.png`, `one ${i}`, `two ${i}`]),
    );
    assert.deepEqual([skipped, data.skipped], [[], []]);
  });

  it("chooses a configuration", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    const { "data/train-00000-of-00001.parquet": shard } = await parquetFiles();
    const card =
      "---\nconfigs:\n- config_name: small\n  data_files: small/*\n- config_name: large\n  data_files: large/*\n---\n";
    hub.addRepo(
      "org/two",
      { "README.md": card, "small/a.parquet": shard, "large/a.parquet": shard, "large/b.parquet": shard },
      { type: "dataset" },
    );
    const count = async (name: string) =>
      (await open({ dataset_name: "org/two", dataset_config_name: name })).data.count;
    assert.deepEqual([await count("small"), await count("large")], [8, 16]);
    await assert.rejects(open({ dataset_name: "org/two" }), /expected one of small, large for dataset_config_name/);
  });

  it("that asks for a token says so, and is read with one", async () => {
    await using hub = await HubServer.start({ tokens: { [TEST_TOKEN]: { name: "me", role: "read" } } });
    using home = new TestHome(hub);
    use(home, hub);
    hub.addRepo("org/secret", await parquetFiles(), { type: "dataset", private: true });
    await assert.rejects(open({ dataset_name: "org/secret" }), (e: Error) => {
      assert.match(e.message, /set HF_TOKEN/);
      return true;
    });
    assert.equal((await open({ dataset_name: "org/secret", hub_token: TEST_TOKEN })).data.count, 8);
  });

  it("tells a connection that breaks, and goes on where it broke", async () => {
    await using hub = await HubServer.start();
    using home = new TestHome(hub);
    use(home, hub);
    hub.addRepo("org/stills", await parquetFiles(), { type: "dataset" });
    hub.fail({ path: /object/, action: { dropAfter: 2_000 } });
    const { data, events } = await open({ dataset_name: "org/stills" });
    assert.equal(data.count, 8);
    assert.ok(events.some((e) => e.type === "warning" && /^org\/stills: .*; trying again in \d+ s$/.test(e.message)));
    assert.ok(hub.requests.some(({ headers }) => headers.range !== undefined));
  });
});
