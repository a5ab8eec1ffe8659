import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { datasetFiles } from "./dataset-files.js";
import type { HubError } from "./hub-error.js";
import { modelFiles } from "./model-files.js";
import { fetchSnapshot } from "./snapshot.js";
import { HubServer } from "./testing/hub-server.js";
import { gitOid, sha256 } from "./testing/stored-repo.js";
import { noise, TEST_TOKEN, TestHome } from "./testing/test-home.js";

const weights = noise(50_000);
const config = '{"a": 1}';
const files = {
  "config.json": config,
  "unet/w.safetensors": weights,
  "a folder/ü #1?.txt": "odd name",
  "old.bin": "pickle",
};

/** Requests for contents since the last look. */
function contents(hub: HubServer): string[] {
  const seen = hub.contentRequests.map(({ method, path }) => `${method} ${path.replace(/\?.*/, "")}`);
  hub.requests.length = 0;
  return seen;
}

test("files arrive in the standard cache layout with their names, contents and listing", async () => {
  await using hub = await HubServer.start({ treePage: 2 });
  const repo = hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const snapshot = await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });

  const base = join(home.cacheDir, "models--org--model");
  const commit = repo.refs.get("main")!;
  assert.equal(snapshot.folder, join(base, "snapshots", commit));
  assert.equal(snapshot.commit, commit);
  assert.deepEqual(snapshot.files, ["a folder/ü #1?.txt", "config.json", "unet/w.safetensors"]);
  assert.equal(readFileSync(join(base, "refs/main"), "utf8"), commit);
  assert.deepEqual(
    readdirSync(join(base, "blobs")).sort(),
    [gitOid(Buffer.from(config)), sha256(weights), gitOid(Buffer.from("odd name"))].sort(),
  );
  assert.deepEqual(readFileSync(join(snapshot.folder, "unet/w.safetensors")), weights);
  assert.equal(readFileSync(join(snapshot.folder, "a folder/ü #1?.txt"), "utf8"), "odd name");
  assert.ok(lstatSync(join(snapshot.folder, "config.json")).isSymbolicLink());
  assert.equal(readlinkSync(join(snapshot.folder, "unet/w.safetensors")), `../../../blobs/${sha256(weights)}`);
  const tree = JSON.parse(readFileSync(join(base, `trees/${commit}.json`), "utf8"));
  assert.equal(tree.format_version, 1);
  assert.deepEqual(tree.files["unet/w.safetensors"].lfs_sha256, sha256(weights));
  assert.deepEqual(tree.files["config.json"], { size: config.length, blob_id: gitOid(Buffer.from(config)) });
  assert.ok(!hub.requests.some(({ path }) => path.includes("old.bin")), "a pickle was asked for");
});

test("a second fetch asks for no content, and one by commit asks for nothing at all", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const request = { ...home.options, repo: "org/model", type: "model" as const };
  const { commit, folder } = await fetchSnapshot(request);
  assert.equal(contents(hub).length, 4);
  await fetchSnapshot(request);
  assert.equal(hub.requests.length, 1, "only what main stands for");
  assert.deepEqual(contents(hub), []);
  const again = await fetchSnapshot({ ...request, revision: commit });
  assert.equal(again.folder, folder);
  assert.equal(hub.requests.length, 0);
});

test("a new commit fetches what changed alone", async () => {
  await using hub = await HubServer.start();
  const repo = hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const request = { ...home.options, repo: "org/model", type: "model" as const };
  await fetchSnapshot(request);
  contents(hub);
  const next = new Map(repo.commits.get(repo.refs.get("main")!)!);
  next.set("config.json", { content: Buffer.from('{"a": 2}'), lfs: false });
  const commit = repo.commit(next, { title: "second", branch: "main" });
  const { folder } = await fetchSnapshot(request);
  assert.deepEqual(contents(hub), [`GET /org/model/resolve/${commit}/config.json`]);
  assert.equal(readFileSync(join(folder, "config.json"), "utf8"), '{"a": 2}');
  assert.deepEqual(readFileSync(join(folder, "unet/w.safetensors")), weights);
});

test("patterns choose files; pickles are not among them even when asked for", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const request = { ...home.options, repo: "org/model", type: "model" as const };
  assert.deepEqual((await fetchSnapshot({ ...request, allow: ["*.json"] })).files, ["config.json"]);
  await assert.rejects(fetchSnapshot({ ...request, allow: ["*.bin"] }), {
    message:
      /^expected files that match \*\.bin in model org\/model but received .+; pickles \(\.bin, \.pt, \.ckpt\) are never fetched$/,
  });
});

test("a pipeline and a data set: what is needed and no more", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/sdxl", {
    "model_index.json": JSON.stringify({ unet: ["diffusers", "UNet2DConditionModel"], x: [null, null] }),
    "unet/config.json": "{}",
    "unet/diffusion_pytorch_model.safetensors": noise(3_000),
    "unet/diffusion_pytorch_model.bin": noise(3_000, 2),
    "sd_xl.safetensors": noise(9_000, 3),
  });
  const card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n---\n";
  hub.addRepo(
    "org/stills",
    {
      "README.md": card,
      "data/train-0.parquet": noise(2_000),
      "data/test-0.parquet": noise(2_000, 5),
      "x.png": noise(10),
    },
    { type: "dataset" },
  );
  hub.addRepo(
    "org/folder",
    { "a/1.png": noise(10), "a/1.txt": "one", "metadata.jsonl": "{}", "b/notes.txt": "no picture here" },
    { type: "dataset" },
  );
  using home = new TestHome(hub);
  const model = await fetchSnapshot({ ...home.options, repo: "org/sdxl", type: "model", allow: modelFiles() });
  assert.deepEqual(model.files, ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"]);
  const data = await fetchSnapshot({ ...home.options, repo: "org/stills", type: "dataset", allow: datasetFiles() });
  assert.deepEqual(data.files, ["README.md", "data/train-0.parquet"]);
  assert.ok(data.folder.includes("datasets--org--stills"));
  const pictures = await fetchSnapshot({ ...home.options, repo: "org/folder", type: "dataset", allow: datasetFiles() });
  assert.deepEqual(pictures.files, ["a/1.png", "a/1.txt", "metadata.jsonl"]);
  await assert.rejects(
    fetchSnapshot({
      ...home.options,
      repo: "org/stills",
      type: "dataset",
      allow: datasetFiles({ split: "validation" }),
    }),
    /the splits that exist of configuration default \(train\) for split but received "validation"/,
  );
});

test("offline, the cache answers: by branch, by commit, and with an error for what it lacks", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const request = { ...home.options, repo: "org/model", type: "model" as const };
  const online = await fetchSnapshot({ ...request, allow: ["config.json"] });
  hub.requests.length = 0;
  const offline = { ...request, env: { ...home.env, HF_HUB_OFFLINE: "1" } };
  const cached = await fetchSnapshot({ ...offline, allow: ["config.json"] });
  assert.deepEqual(cached, { ...online, offline: true });
  assert.equal(
    (await fetchSnapshot({ ...offline, revision: online.commit, allow: ["config.json"] })).folder,
    online.folder,
  );
  await assert.rejects(fetchSnapshot(offline), (error: HubError) => {
    assert.equal(error.kind, "offline");
    assert.match(
      error.message,
      /model org\/model: .+ of commit [0-9a-f]{40} is not cached or damaged and the Hub is not asked \(offline\)/,
    );
    return true;
  });
  await assert.rejects(fetchSnapshot({ ...offline, revision: "v2" }), /no commit is cached for revision "v2"/);
  await assert.rejects(fetchSnapshot({ ...offline, repo: "org/other" }), /model org\/other: no commit is cached/);
  assert.equal(hub.requests.length, 0);
});

test("a cache that another program filled, without a listing, is used offline as it is", async () => {
  using home = new TestHome();
  const base = join(home.cacheDir, "models--org--model");
  const commit = "a".repeat(40);
  mkdirSync(join(base, "snapshots", commit, "unet"), { recursive: true });
  mkdirSync(join(base, "refs"));
  writeFileSync(join(base, "refs/main"), commit);
  writeFileSync(join(base, "snapshots", commit, "model_index.json"), '{"unet": ["diffusers", "U"]}');
  writeFileSync(join(base, "snapshots", commit, "unet/config.json"), "{}");
  const request = {
    ...home.options,
    env: { ...home.env, HF_HUB_OFFLINE: "1" },
    repo: "org/model",
    type: "model" as const,
  };
  await assert.rejects(fetchSnapshot({ ...request, allow: modelFiles() }), /expected safetensors weights in unet\//);
  writeFileSync(join(base, "snapshots", commit, "unet/diffusion_pytorch_model.safetensors"), "w");
  const { files: found } = await fetchSnapshot({ ...request, allow: modelFiles() });
  assert.deepEqual(found, ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"]);
});

test("when the Hub cannot be reached, what was fetched last is used and said", async () => {
  using home = new TestHome();
  {
    await using hub = await HubServer.start();
    hub.addRepo("org/model", files);
    home.env.HF_ENDPOINT = hub.endpoint;
    await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });
  }
  home.events.length = 0;
  const snapshot = await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });
  assert.equal(snapshot.offline, true);
  const notice = home.events.find((event) => event.kind === "offline");
  assert.match(
    notice?.kind === "offline" ? notice.reason : "",
    /the connection failed \(ECONNREFUSED\) in GET http:\/\/127/,
  );
  await assert.rejects(fetchSnapshot({ ...home.options, repo: "org/other", type: "model" }), {
    name: "HubError",
    kind: "network",
  });
});

test("verify finds a damaged content of the right size and fetches it again", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  const request = { ...home.options, repo: "org/model", type: "model" as const };
  const { folder } = await fetchSnapshot(request);
  const blob = join(home.cacheDir, "models--org--model/blobs", sha256(weights));
  rmSync(blob);
  writeFileSync(blob, Buffer.alloc(weights.length));
  contents(hub);
  await fetchSnapshot({ ...request, verify: true });
  assert.equal(contents(hub).filter((one) => one.includes("/object/")).length, 1);
  assert.deepEqual(readFileSync(join(folder, "unet/w.safetensors")), weights);
  assert.ok(!existsSync(`${blob}.incomplete`));
});

test("progress tells the plan and ends with all bytes", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", files);
  using home = new TestHome(hub);
  await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });
  const bytes = weights.length + config.length + "odd name".length;
  assert.deepEqual(home.events[0], { kind: "plan", files: 3, bytes, cachedBytes: 0 });
  const last = home.events.findLast((event) => event.kind === "bytes");
  assert.equal(last?.kind === "bytes" && last.received, bytes);
});

test("the token goes to the Hub and never to the storage, to events or into the cache", async () => {
  await using hub = await HubServer.start({ tokens: { [TEST_TOKEN]: { name: "me", role: "read" } } });
  hub.addRepo("org/private", files, { private: true });
  using home = new TestHome(hub, { HF_TOKEN: TEST_TOKEN });
  const { folder } = await fetchSnapshot({ ...home.options, repo: "org/private", type: "model" });
  const storage = hub.requests.filter(({ server }) => server === "storage");
  assert.ok(storage.length > 0 && storage.every(({ headers }) => headers.authorization === undefined));
  assert.ok(
    hub.requests
      .filter(({ server }) => server === "hub")
      .every(({ headers }) => headers.authorization === `Bearer ${TEST_TOKEN}`),
  );
  assert.ok(!JSON.stringify(home.events).includes(TEST_TOKEN));
  for (const path of readdirSync(join(folder, "../.."), { recursive: true, withFileTypes: true })) {
    if (path.isFile()) assert.ok(!readFileSync(join(path.parentPath, path.name)).includes(TEST_TOKEN));
  }
});
