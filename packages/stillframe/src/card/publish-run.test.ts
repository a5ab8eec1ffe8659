import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HubServer } from "../hub/testing/hub-server.js";
import { TEST_TOKEN, TestFolder, TestHome } from "../hub/testing/test-home.js";
import { type PublishRunOptions, publishRun, pushToHub, writeCardAtEnd } from "./publish-run.js";
import { MANIFEST, writeRunFolder } from "./testing/run-folder.js";

/** A server, a person's home with their token, and a finished run. */
class Setting implements AsyncDisposable {
  readonly hub: HubServer;
  readonly home: TestHome;
  readonly run = new TestFolder();

  private constructor(hub: HubServer) {
    this.hub = hub;
    this.home = new TestHome(hub, { HF_TOKEN: TEST_TOKEN });
  }

  static async start(): Promise<Setting> {
    const setting = new Setting(await HubServer.start({ tokens: { [TEST_TOKEN]: { name: "me", role: "write" } } }));
    await writeRunFolder(setting.run.path, {
      manifest: { options: { ...MANIFEST.options, output_dir: setting.run.path, cache_dir: "/srv/cache-of-the-run" } },
    });
    return setting;
  }

  get options(): PublishRunOptions {
    const { env, retry } = this.home.options;
    return { env, retry };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.home[Symbol.dispose]();
    this.run[Symbol.dispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

test("a run is published with a card that names its repository, and nothing of this machine", async () => {
  await using setting = await Setting.start();
  const published = await publishRun(setting.run.path, { ...setting.options, repo: "style", private: true });
  assert.equal(published.repo, "me/style");
  const texts = setting.hub.repo("me/style").texts();
  assert.deepEqual(Object.keys(texts).sort(), [
    "README.md",
    "evaluation.json",
    "kohya_lora.safetensors",
    "loss.png",
    "manifest.json",
    "pytorch_lora_weights.safetensors",
    ...["000000", "002010"].flatMap((step) =>
      [11, 12, 13, 14].map((seed, i) => `samples/step-${step}/000${i}-seed-${seed}.png`),
    ),
    "samples/step-002010/0004-seed-15.png",
  ]);
  assert.match(texts["README.md"]!, /pull\({ repo: "me\/style" }\)/);
  assert.equal(readFileSync(join(setting.run.path, "README.md"), "latin1"), texts["README.md"]);
  // Everything that was received, also inside base64 and pictures.
  const received = setting.hub.requests.map(({ body }) => body.toString("latin1"));
  const decoded = received.flatMap((body) => [
    body,
    ...[...body.matchAll(/"content":"([^"]+)"/g)].map(([, text]) => Buffer.from(text!, "base64").toString("latin1")),
  ]);
  for (const place of [setting.run.path, setting.home.folder, process.cwd(), "/srv/cache-of-the-run", TEST_TOKEN])
    assert.ok(
      decoded.every((body) => !body.includes(place)),
      place,
    );
  assert.ok(
    decoded.some((body) => body.includes("Model: local:base")),
    "pictures say which model, not where it lay",
  );
  assert.deepEqual(published.keptHere, [
    "checkpoints/",
    "events.jsonl",
    "run.yaml",
    "samples/step-000000/0004-seed-15.png",
    ...[0, 1, 2, 3, 4].map((i) => `samples/step-001000/000${i}-seed-${11 + i}.png`),
  ]);
  const again = await publishRun(setting.run.path, { ...setting.options, repo: "me/style" });
  assert.deepEqual([again.sent, again.created], [[], false]);
});

test("a dry run asks nothing, needs no token and writes nothing", async () => {
  await using setting = await Setting.start();
  const published = await publishRun(setting.run.path, {
    env: { ...setting.home.env, HF_TOKEN: "" },
    repo: "me/style",
    dryRun: true,
  });
  assert.equal(setting.hub.requests.length, 0);
  assert.equal(existsSync(join(setting.run.path, "README.md")), false);
  assert.ok(published.sent.includes("README.md"));
  assert.match(published.card?.text ?? "", /me\/style/);
});

test("the repository is what the caller says, else what the run says, else its folder's name", async () => {
  await using setting = await Setting.start();
  const dry = { ...setting.options, dryRun: true };
  assert.match((await publishRun(setting.run.path, dry)).repo, /^stillframe-test-/);
  await writeRunFolder(setting.run.path, { manifest: { options: { ...MANIFEST.options, hub_model_id: "me/asked" } } });
  assert.equal((await publishRun(setting.run.path, dry)).repo, "me/asked");
  assert.equal((await publishRun(setting.run.path, { ...dry, repo: "me/other" })).repo, "me/other");
});

test("without the card, README.md is as the person left it", async () => {
  await using setting = await Setting.start();
  writeFileSync(join(setting.run.path, "README.md"), "mine\n");
  const { card, sent } = await publishRun(setting.run.path, { ...setting.options, repo: "me/style", card: false });
  assert.equal(card, undefined);
  assert.equal(setting.hub.repo("me/style").texts()["README.md"], "mine\n");
  assert.ok(!sent.some((path) => path.endsWith(".png")), "it shows no pictures");
});

test("an evaluation in a folder of its own is published too", async () => {
  await using setting = await Setting.start();
  mkdirSync(join(setting.run.path, "evaluation"));
  renameSync(join(setting.run.path, "evaluation.json"), join(setting.run.path, "evaluation/evaluation.json"));
  assert.ok(
    (await publishRun(setting.run.path, { ...setting.options, dryRun: true })).sent.includes("evaluation.json"),
  );
});

test("a run that has not ended, and one whose card names a folder of this machine, are not published", async () => {
  await using setting = await Setting.start();
  writeFileSync(join(setting.run.path, "README.md"), "trained in /srv/cache-of-the-run\n");
  await assert.rejects(
    publishRun(setting.run.path, { ...setting.options, repo: "me/style" }),
    /expected README\.md without paths of this machine .*\/srv\/cache-of-the-run/,
  );
  await writeRunFolder(setting.run.path, { manifest: { results: [], timing: { ...MANIFEST.timing, finished: null } } });
  await assert.rejects(
    publishRun(setting.run.path, setting.options),
    /expected a finished run to publish but .* has no results yet/,
  );
  assert.ok(setting.hub.requests.every(({ method }) => method === "GET"));
});

test("a failure at the end of training is a warning that says how to publish later, without the token", async () => {
  await using setting = await Setting.start();
  const told = { hub_model_id: "me/style", hub_token: TEST_TOKEN };
  setting.hub.fail({ path: /commit/, times: 99, action: { status: 403, body: { error: `no ${TEST_TOKEN}` } } });
  const failed = await pushToHub(setting.run.path, told, setting.options);
  assert.match(
    failed.warning?.message ?? "",
    /^the run is finished and was not published: .*write access.*\. Later: npx stillframe publish .* --hub_model_id=me\/style$/,
  );
  assert.ok(!JSON.stringify(failed).includes(TEST_TOKEN));
  await using second = await Setting.start();
  const done = await pushToHub(second.run.path, told, second.options);
  assert.deepEqual(done, { url: `${second.hub.endpoint}/me/style`, warning: undefined });
  assert.match((await pushToHub("/no/such/run", told)).warning?.message ?? "", /nothing is there/);
});

test("a card that cannot be written at the end of training is a warning", async () => {
  await using setting = await Setting.start();
  assert.equal(writeCardAtEnd(setting.run.path), undefined);
  writeFileSync(join(setting.run.path, "README.md"), "<!-- stillframe:begin usage 0123456789ab -->\n");
  assert.match(
    writeCardAtEnd(setting.run.path)?.message ?? "",
    /^the model card was not written: .*README\.md: expected the mark .*\. Later: npx stillframe card /,
  );
});
