import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ParquetDataset } from "../dataset-parquet/parquet-dataset.js";
import { resolveDataset, resolveModel } from "./resolve.js";
import { HubServer } from "./testing/hub-server.js";
import { noise, TestFolder, TestHome } from "./testing/test-home.js";

test("a local folder wins over the Hub, and a safetensors file is a model", async () => {
  await using hub = await HubServer.start();
  using home = new TestHome(hub);
  using folder = new TestFolder();
  const path = join(folder.path, "org", "model");
  mkdirSync(path, { recursive: true });
  assert.deepEqual(await resolveModel(path, home.options), { source: "folder", path });
  const file = join(path, "sdxl.safetensors");
  writeFileSync(file, "");
  assert.deepEqual(await resolveModel(file, home.options), { source: "file", path: file });
  assert.deepEqual(await resolveDataset(path, home.options), { source: "folder", path });
  assert.equal(hub.requests.length, 0);
});

test("a name is fetched from the Hub", async () => {
  await using hub = await HubServer.start();
  const repo = hub.addRepo("org/vae", {
    "config.json": "{}",
    "diffusion_pytorch_model.safetensors": noise(2_000),
    "x.ckpt": "no",
  });
  const data = hub.addRepo("org/data", { "data/train-0.parquet": noise(100) }, { type: "dataset" });
  using home = new TestHome(hub);
  const commit = repo.refs.get("main")!;
  const path = join(home.cacheDir, "models--org--vae/snapshots", commit);
  assert.deepEqual(await resolveModel("org/vae", home.options), { source: "hub", path, repo: "org/vae", commit });
  assert.equal(
    (await resolveDataset("org/data", home.options)).path,
    join(home.cacheDir, "datasets--org--data/snapshots", data.refs.get("main")!),
  );
});

test("a parquet data set is fetched from the Hub and read from the cache", async () => {
  await using hub = await HubServer.start();
  const shard = readFileSync(new URL("../../fixtures/hub/three-groups.parquet", import.meta.url));
  const yaml = "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*";
  const files = {
    "README.md": `---\n${yaml}\n---\n`,
    "data/train-0.parquet": shard,
    "data/test-0.parquet": noise(500),
  };
  hub.addRepo("org/stills", files, { type: "dataset" });
  hub.fail({ path: /object/, action: { dropAfter: 2_000 } });
  using home = new TestHome(hub);
  const { path } = await resolveDataset("org/stills", home.options);
  const dataset = await ParquetDataset.open({ folder: path });
  assert.equal(dataset.length, 7);
  assert.deepEqual((await dataset.get(6)).captions, ["caption 6"]);
  assert.ok(hub.requests.some(({ headers }) => headers.range !== undefined));
  hub.requests.length = 0;
  const offline = { ...home.options, env: { ...home.env, HF_HUB_OFFLINE: "1" } };
  assert.equal((await resolveDataset("org/stills", offline)).path, path);
  assert.equal(hub.requests.length, 0);
});

test("what is neither says what was expected and that no folder was found", async () => {
  await using hub = await HubServer.start();
  using home = new TestHome(hub);
  await assert.rejects(resolveModel("./runs/first", home.options), {
    message:
      'expected a diffusers folder, a .safetensors file or organisation/name on the Hub but received "./runs/first", and there is no such folder or file here',
  });
  await assert.rejects(
    resolveModel("models/old.ckpt", home.options),
    /no such folder or file here; pickles are not loaded: convert it to safetensors/,
  );
  await assert.rejects(
    resolveDataset("stills", home.options),
    /expected a folder or organisation\/name on the Hub but received "stills"/,
  );
  assert.equal(hub.requests.length, 0);
  await assert.rejects(
    resolveModel("org/nowhere", home.options),
    /model org\/nowhere \(revision "main"\) was not found at .*, and there is no local folder of that name/,
  );
});
