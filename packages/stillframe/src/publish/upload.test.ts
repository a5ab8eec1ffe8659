import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import type { HubError, HubErrorKind } from "../hub/hub-error.js";
import { HubServer, type HubServerOptions } from "../hub/testing/hub-server.js";
import { sha256 } from "../hub/testing/stored-repo.js";
import { noise, TEST_TOKEN, TestFolder, TestHome } from "../hub/testing/test-home.js";
import { runFiles } from "./run-files.js";
import { ADAPTER, safetensors } from "./testing/adapter-file.js";
import { type PublishOptions, type PublishProgress, publishFolder } from "./upload.js";

const tokens = {
  [TEST_TOKEN]: { name: "me", role: "write" as const },
  hf_ReadOnlyToken: { name: "me", role: "read" as const },
};

/** A server, a person's home with their token, and a run folder to publish. */
class Setting implements AsyncDisposable {
  readonly hub: HubServer;
  readonly home: TestHome;
  readonly run = new TestFolder();
  readonly events: PublishProgress[] = [];

  private constructor(hub: HubServer) {
    this.hub = hub;
    this.home = new TestHome(hub, { HF_TOKEN: TEST_TOKEN });
    mkdirSync(join(this.run.path, "samples"));
    mkdirSync(join(this.run.path, "checkpoints"));
    this.write("pytorch_lora_weights.safetensors", ADAPTER);
    this.write("README.md", "# A style\n![sample](samples/1.png)\n");
    this.write("samples/1.png", noise(5_000));
    this.write("checkpoints/state.safetensors", noise(100));
    this.write("events.jsonl", "{}");
    this.write(
      "manifest.json",
      JSON.stringify({ data: `${this.run.path}/data`, base: "org/base", cwd: process.cwd() }),
    );
  }

  static async start(options: HubServerOptions = {}): Promise<Setting> {
    return new Setting(await HubServer.start({ tokens, ...options }));
  }

  write(path: string, content: string | Buffer): void {
    writeFileSync(join(this.run.path, path), content);
  }

  async publish(options: Partial<PublishOptions> = {}) {
    const { files } = await runFiles(this.run.path);
    const { env, retry } = this.home.options;
    return publishFolder({
      repo: "me/style",
      files,
      env,
      retry,
      onProgress: (event) => this.events.push(event),
      ...options,
    });
  }

  async refused(kind: HubErrorKind, message: RegExp, options: Partial<PublishOptions> = {}): Promise<void> {
    await assert.rejects(this.publish(options), (error: HubError) => {
      assert.equal(error.kind, kind, error.message);
      assert.match(error.message, message);
      assert.ok(!error.message.includes(TEST_TOKEN) && !error.message.includes("signature"));
      return true;
    });
  }

  /** Bodies that reached the storage, by the kind of request. */
  uploads(): string[] {
    return this.hub.requests
      .filter(({ server, method }) => server === "storage" && method === "PUT")
      .map(({ path }) => path.split("/")[1]!);
  }

  commits(): number {
    return this.hub.requests.filter(({ path }) => path.includes("/commit/")).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.home[Symbol.dispose]();
    this.run[Symbol.dispose]();
    await this.hub[Symbol.asyncDispose]();
  }
}

test("a run is published whole in one commit of a new repository", async () => {
  await using setting = await Setting.start();
  const result = await setting.publish({ private: true });
  const repo = setting.hub.repo("me/style");
  assert.equal(repo.private, true);
  assert.deepEqual(Object.keys(repo.texts()).sort(), [
    "README.md",
    "manifest.json",
    "pytorch_lora_weights.safetensors",
    "samples/1.png",
  ]);
  assert.equal(repo.texts()["pytorch_lora_weights.safetensors"], ADAPTER.toString("latin1"));
  assert.deepEqual(JSON.parse(repo.texts()["manifest.json"]!), {
    data: "local:data",
    base: "org/base",
    cwd: `local:${basename(process.cwd())}`,
  });
  assert.deepEqual(repo.titles, ["initial commit", "Publish 4 files"]);
  assert.equal(result.commit, repo.refs.get("main"));
  assert.equal(result.created, true);
  assert.equal(result.url, `${setting.hub.endpoint}/me/style`);
  assert.deepEqual([...result.sent].sort(), Object.keys(repo.texts()).sort());
  // The storage behind the real Hub takes no body of unknown length.
  const lengths = setting.hub.requests
    .filter(({ method }) => method === "PUT")
    .map(({ headers }) => headers["content-length"]);
  assert.deepEqual(lengths.sort(), [String(ADAPTER.length), "5000"]);
});

test("nothing that was received holds the token, a local path or a file that must stay", async () => {
  await using setting = await Setting.start();
  await setting.publish();
  const secrets = [
    TEST_TOKEN,
    setting.run.path,
    setting.home.folder,
    process.cwd(),
    "events.jsonl",
    "checkpoints",
    "state.safetensors",
  ];
  assert.ok(setting.hub.requests.length >= 8);
  for (const { server, path, headers, body } of setting.hub.requests) {
    const { authorization, ...others } = headers;
    assert.equal(authorization, server === "hub" ? `Bearer ${TEST_TOKEN}` : undefined, path);
    // A commit holds its small files in base64.
    const decoded = body
      .toString("latin1")
      .split("\n")
      .flatMap((line) => {
        const content = /"content":"([^"]+)"/.exec(line)?.[1];
        return content ? [Buffer.from(content, "base64").toString("latin1")] : [];
      });
    const all = [path, JSON.stringify(others), body.toString("latin1"), ...decoded].join("\n");
    for (const secret of secrets) assert.ok(!all.includes(secret), `${path} holds ${secret}`);
    if (hostname().length > 4) assert.ok(!all.includes(hostname()), `${path} holds the name of this machine`);
  }
});

test("a second call sends nothing, and a change sends that file alone", async () => {
  await using setting = await Setting.start();
  await setting.publish();
  setting.hub.requests.length = 0;
  const again = await setting.publish();
  assert.deepEqual([again.sent, again.unchanged.length, again.created], [[], 4, false]);
  assert.ok(setting.hub.requests.every(({ method }) => method === "GET"));
  assert.equal(setting.hub.repo("me/style").titles.length, 2);

  setting.write("README.md", "# Another text\n");
  setting.hub.requests.length = 0;
  const changed = await setting.publish();
  assert.deepEqual(changed.sent, ["README.md"]);
  assert.deepEqual(setting.uploads(), []);
  assert.equal(setting.commits(), 1);
  assert.equal(setting.hub.repo("me/style").texts()["README.md"], "# Another text\n");
});

test("a failure in the middle: what was uploaded is not sent again, and the second call completes the first", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ path: /\/commit\//, times: 4, action: { status: 500 } });
  await setting.refused(
    "server",
    /the Hub answered 500 .* to POST .*\/commit\/main; the same command sends what is missing/,
  );
  assert.deepEqual(setting.hub.repo("me/style").titles, ["initial commit"]);
  assert.equal(setting.uploads().length, 2);
  setting.hub.requests.length = 0;
  await setting.publish();
  assert.deepEqual(setting.uploads(), []);
  assert.equal(setting.hub.repo("me/style").titles.length, 2);
});

test("an upload that fails for good: the second call sends that file and not the one that arrived", async () => {
  await using setting = await Setting.start();
  const picture = sha256(noise(5_000));
  setting.hub.fail({ method: "PUT", path: new RegExp(picture), times: 16, action: { status: 500 } });
  await setting.refused(
    "server",
    /the Hub answered 500 .* to PUT http:\/\/127[^ ]+\/object\/[0-9a-f]+; the same command sends what is missing/,
  );
  assert.equal(setting.commits(), 0);
  setting.hub.requests.length = 0;
  await setting.publish();
  const sent = setting.hub.requests.filter(({ method }) => method === "PUT").map(({ path }) => path.split(/[/?]/)[2]);
  assert.deepEqual(sent, [picture]);
  assert.equal(setting.hub.repo("me/style").titles.length, 2);
});

test("an upload that is cut is sent again", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ method: "PUT", path: new RegExp(sha256(ADAPTER)), action: { dropUploadAfter: 10_000 } });
  await setting.publish();
  assert.equal(setting.uploads().length, 3);
  assert.equal(setting.hub.repo("me/style").texts()["pytorch_lora_weights.safetensors"], ADAPTER.toString("latin1"));
  assert.ok(setting.events.some((event) => event.kind === "retry"));
});

test("a commit whose answer is lost is not made twice", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ path: /\/commit\//, action: { loseAnswer: true } });
  const result = await setting.publish();
  assert.deepEqual(setting.hub.repo("me/style").titles, ["initial commit", "Publish 4 files"]);
  assert.equal(setting.commits(), 1);
  assert.equal(result.commit, setting.hub.repo("me/style").refs.get("main"));
  assert.equal(result.sent.length, 4);
});

test("a large file goes up in parts, and a part that fails is sent again", async () => {
  await using setting = await Setting.start({ partSize: 16_384 });
  setting.hub.fail({ method: "PUT", path: /part\/[0-9a-f]+\/2/, action: { status: 503 } });
  await setting.publish();
  assert.equal(setting.uploads().filter((one) => one === "part").length, Math.ceil(ADAPTER.length / 16_384) + 1);
  assert.equal(setting.hub.repo("me/style").texts()["pytorch_lora_weights.safetensors"], ADAPTER.toString("latin1"));
  const bytes = setting.events.flatMap((event) =>
    event.kind === "bytes" && event.path.endsWith("safetensors") ? [event.sent] : [],
  );
  assert.equal(Math.max(...bytes), ADAPTER.length);
});

test("a repository that exists is fine, also when it appears in between", async () => {
  await using setting = await Setting.start();
  setting.hub.addRepo("me/style", { "old.txt": "stays" });
  setting.hub.fail({ method: "GET", path: /revision\/main/, action: { status: 404 } });
  const result = await setting.publish();
  assert.equal(result.created, false);
  assert.equal(setting.hub.requests.filter(({ path }) => path === "/api/repos/create").length, 1);
  assert.equal(setting.hub.repo("me/style").texts()["old.txt"], "stays");
});

test("private is not published to a public repository", async () => {
  await using setting = await Setting.start();
  setting.hub.addRepo("me/style", {});
  await assert.rejects(setting.publish({ private: true }), {
    name: "InvalidArgumentError",
    message:
      /^expected a private repository for me\/style but it is public: make it private at .*\/me\/style\/settings or choose another name; nothing was sent$/,
  });
  assert.deepEqual(setting.uploads(), []);
});

test("a name without an organisation is the token's own account", async () => {
  await using setting = await Setting.start();
  assert.equal((await setting.publish({ repo: "style" })).repo, "me/style");
  await assert.rejects(
    setting.publish({ repo: "a b" }),
    /expected the name of a repository in the form organisation\/name for repo/,
  );
});

test("a dry run lists what would be sent and asks nobody, without a token", async () => {
  await using setting = await Setting.start();
  const { HF_TOKEN: _, ...env } = setting.home.env;
  const result = await setting.publish({ dryRun: true, env });
  assert.deepEqual(result.sent, ["README.md", "manifest.json", "pytorch_lora_weights.safetensors", "samples/1.png"]);
  assert.equal(result.files[2]!.bytes, ADAPTER.length);
  assert.equal(result.commit, undefined);
  assert.equal(setting.hub.requests.length, 0);
});

test("no token, a token that can only read, and one that the Hub does not know", async () => {
  await using setting = await Setting.start();
  await setting.refused("unauthorized", /publishing to http.* needs an access token with write access: set HF_TOKEN/, {
    token: null,
  });
  assert.equal(setting.hub.requests.length, 0);
  await setting.refused("forbidden", /expected a token with write access but me's token can only read/, {
    token: "hf_ReadOnlyToken",
  });
  await setting.refused("unauthorized", /does not accept the token in use for me\/style/, {
    token: "hf_NobodyKnowsThis",
  });
  await setting.refused("offline", /but HF_HUB_OFFLINE is set/, { env: { ...setting.home.env, HF_HUB_OFFLINE: "1" } });
  assert.deepEqual(setting.uploads(), []);
});

test("403 while writing says what the token needs", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ path: /repos\/create/, action: { status: 403 } });
  await setting.refused(
    "forbidden",
    /refuses to write me\/style with the token in use: expected a token with write access to this namespace/,
  );
});

test("429 waits as long as the Hub asks, also before a commit", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ path: /\/commit\//, action: { status: 429, headers: { "retry-after": "1" } } });
  setting.hub.fail({ path: /preupload/, action: { status: 502 } });
  const began = performance.now();
  await setting.publish();
  assert.ok(performance.now() - began >= 1_000);
  assert.equal(setting.hub.repo("me/style").titles.length, 2);
  const retries = setting.events.flatMap((event) => (event.kind === "retry" ? [event.delayMs] : []));
  assert.ok(retries.includes(1_000) && retries.length === 2, JSON.stringify(retries));
});

test("files that may not be sent stop everything before the first request", async () => {
  await using setting = await Setting.start();
  const refuse = async (path: string, from: string | Buffer, message: RegExp) => {
    await assert.rejects(setting.publish({ files: [{ path, from }] }), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(TEST_TOKEN));
      return true;
    });
  };
  await refuse(
    "checkpoints/a.safetensors",
    ADAPTER,
    /expected adapter weights .* but received "checkpoints\/a\.safetensors"; checkpoints, logs, caches and settings are never sent/,
  );
  await refuse(
    "optimizer.safetensors",
    safetensors(["exp_avg.0"]),
    /expected an adapter \(tensors of a LoRA\) for optimizer\.safetensors but it holds the tensor exp_avg\.0/,
  );
  await refuse("empty.safetensors", safetensors([]), /but it holds no tensors/);
  await refuse("bad.safetensors", Buffer.from("hello, this is text"), /bad\.safetensors: expected a safetensors file/);
  await refuse(
    "README.md",
    Buffer.from(`fine\ntrained in ${process.cwd()}/runs`),
    /expected README\.md without paths of this machine and secrets but line 2 holds the path .*; nothing was sent/,
  );
  await refuse(
    "README.md",
    Buffer.from(`token ${TEST_TOKEN}`),
    /holds a secret of the environment and 1 more|holds an access token/,
  );
  await refuse("samples/1.png", Buffer.from("PNG /home/someone/pictures"), /holds the path \/home\/someone/);
  await refuse(
    "a.safetensors",
    safetensors(["a.lora.b"], { metadata: { ss_dir: "/home/someone/x" } }),
    /expected a\.safetensors without paths .* holds the path \/home\/someone/,
  );
  symlinkSync("/etc/hostname", join(setting.run.path, "link"));
  await refuse("LICENSE", join(setting.run.path, "link"), /expected a file for LICENSE but found a link/);
  await refuse("LICENSE", join(setting.run.path, "nowhere"), /expected a file for LICENSE but found nothing/);
  await refuse("manifest.json", Buffer.from("{"), /manifest\.json: expected JSON/);
  await assert.rejects(
    setting.publish({ files: [] }),
    /expected one or more files to publish for files but received \[\]/,
  );
  assert.equal(setting.hub.requests.length, 0);
});

test("an upload can be stopped", async () => {
  await using setting = await Setting.start();
  setting.hub.fail({ method: "PUT", path: /object/, times: 9, action: { hang: true } });
  const signal = AbortSignal.timeout(300);
  await assert.rejects(setting.publish({ signal }), { name: "TimeoutError" });
  assert.equal(setting.commits(), 0);
});
