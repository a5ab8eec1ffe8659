import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { HubError } from "./hub-error.js";
import { fetchSnapshot } from "./snapshot.js";
import { HubServer } from "./testing/hub-server.js";
import { gitOid, sha256 } from "./testing/stored-repo.js";
import { noise, TestHome } from "./testing/test-home.js";

const weights = noise(600_000);
const repo = "org/model";

async function start() {
  const hub = await HubServer.start();
  hub.addRepo(repo, { "w.safetensors": weights });
  return hub;
}

function partOf(home: TestHome, content: Buffer = weights): string {
  return join(home.cacheDir, "models--org--model/blobs", `${sha256(content)}.incomplete`);
}

function ranges(hub: HubServer): (string | undefined)[] {
  return hub.requests.filter(({ server }) => server === "storage").map(({ headers }) => headers.range);
}

function kind(expected: string, message: RegExp): (error: HubError) => boolean {
  return (error) => {
    assert.equal(error.kind, expected, error.message);
    assert.match(error.message, message);
    return true;
  };
}

test("a connection that breaks is continued with a Range request", async () => {
  await using hub = await start();
  hub.fail({ path: /object/, action: { dropAfter: 200_000 } });
  hub.fail({ path: /object/, action: { dropAfter: 100_000 } });
  using home = new TestHome(hub);
  const { folder } = await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
  const [first, second, third] = ranges(hub);
  assert.equal(first, undefined);
  const at = Number(/^bytes=(\d+)-$/.exec(second ?? "")?.[1]);
  assert.ok(at > 0 && at <= 200_000, `continued at ${second}`);
  assert.ok(Number(/^bytes=(\d+)-$/.exec(third ?? "")?.[1]) > at, `continued at ${third}`);
  const retry = home.events.find((event) => event.kind === "retry");
  assert.match(
    retry?.kind === "retry" ? retry.reason : "",
    /the connection failed \(.+\) in the download of w\.safetensors/,
  );
});

test("a connection that keeps breaking ends in an error and the part is kept", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  hub.fail({ path: /object/, action: { dropAfter: 200_000 } });
  hub.fail({ path: /object/, times: 9, action: { dropAfter: 0 } });
  await assert.rejects(
    fetchSnapshot({ ...home.options, repo, type: "model" }),
    kind("network", /the connection failed/),
  );
  const kept = statSync(partOf(home)).size;
  assert.ok(kept > 0 && kept <= 200_000);
});

test("a part from an earlier run is continued", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  mkdirSync(join(home.cacheDir, "models--org--model/blobs"), { recursive: true });
  writeFileSync(partOf(home), weights.subarray(0, 450_001));
  const { folder } = await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.deepEqual(ranges(hub), ["bytes=450001-"]);
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
  assert.equal(existsSync(partOf(home)), false);
});

test("a part that is already whole is checked and used without a request", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  mkdirSync(join(home.cacheDir, "models--org--model/blobs"), { recursive: true });
  writeFileSync(partOf(home), weights);
  await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.deepEqual(hub.contentRequests, []);
});

test("a part of another content is thrown away and the file fetched from its beginning", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  mkdirSync(join(home.cacheDir, "models--org--model/blobs"), { recursive: true });
  writeFileSync(partOf(home), noise(300_000, 99));
  const { folder } = await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.deepEqual(ranges(hub), ["bytes=300000-", undefined]);
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
});

test("a server that does not know Range sends the whole file again", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  mkdirSync(join(home.cacheDir, "models--org--model/blobs"), { recursive: true });
  writeFileSync(partOf(home), weights.subarray(0, 1_000));
  hub.fail({ path: /object/, action: { ignoreRange: true } });
  const { folder } = await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
});

test("a content-length that is not the listed size is an error and nothing is kept", async () => {
  for (const contentLength of [weights.length - 1_000, weights.length + 1_000]) {
    await using hub = await start();
    using home = new TestHome(hub);
    hub.fail({ path: /object/, action: { contentLength } });
    await assert.rejects(
      fetchSnapshot({ ...home.options, repo, type: "model" }),
      kind(
        "integrity",
        new RegExp(
          `expected 600000 bytes \\(as the repository lists it\\) for w\\.safetensors but received a content-length of ${contentLength}`,
        ),
      ),
    );
    assert.deepEqual(readdirSync(join(home.cacheDir, "models--org--model/blobs")), []);
  }
});

test("a content of another hash is an error and nothing is kept", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  hub.fail({ path: /object/, action: { corruptAt: 300_000 } });
  await assert.rejects(
    fetchSnapshot({ ...home.options, repo, type: "model" }),
    kind("integrity", new RegExp(`expected SHA-256 ${sha256(weights)} for w\\.safetensors but received [0-9a-f]{64}`)),
  );
  assert.deepEqual(readdirSync(join(home.cacheDir, "models--org--model/blobs")), []);
});

test("small files are checked by git's SHA-1", async () => {
  await using hub = await start();
  hub.addRepo("org/small", { "config.json": '{"a": 1}' });
  using home = new TestHome(hub);
  hub.fail({ path: /config\.json/, action: { corruptAt: 2 } });
  const oid = gitOid(Buffer.from('{"a": 1}'));
  await assert.rejects(
    fetchSnapshot({ ...home.options, repo: "org/small", type: "model" }),
    kind("integrity", new RegExp(`expected git SHA-1 ${oid} for config\\.json`)),
  );
});

test("an announcement that differs from the listing is an error before a byte is fetched", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  const headers = { location: `${hub.storage}/object/x?signature=1`, "x-linked-size": "5" };
  hub.fail({ path: /resolve/, action: { status: 302, headers } });
  await assert.rejects(
    fetchSnapshot({ ...home.options, repo, type: "model" }),
    kind("integrity", /expected 600000 bytes for w\.safetensors but received an answer of 5/),
  );
  assert.deepEqual(ranges(hub), []);
});

test("an answer that never begins counts as a broken connection", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  hub.fail({ path: /object/, action: { hang: true } });
  const retry = { ...home.options.retry, stallMs: 100 };
  const { folder } = await fetchSnapshot({ ...home.options, retry, repo, type: "model" });
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
});

test("a signal stops a download and its part is kept", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  hub.fail({ path: /object/, action: { dropAfter: 200_000 } });
  hub.fail({ path: /object/, times: 9, action: { hang: true } });
  const stop = new AbortController();
  const running = fetchSnapshot({ ...home.options, repo, type: "model", signal: stop.signal });
  setTimeout(() => stop.abort(new Error("stopped by hand")), 300);
  await assert.rejects(running, /stopped by hand|aborted/);
  assert.ok(statSync(partOf(home)).size > 0);
  assert.deepEqual(readdirSync(join(home.cacheDir, ".locks/models--org--model")), []);
});

const script = fileURLToPath(new URL("./testing/fetch-snapshot.js", import.meta.url));

test("two processes fetch a file once", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  const env = { ...process.env, ...home.env };
  const run = () => promisify(execFile)(process.execPath, [script, repo], { env });
  const [a, b] = await Promise.all([run(), run()]);
  assert.equal(a.stdout, b.stdout);
  assert.equal(ranges(hub).length, 1);
  assert.deepEqual(readFileSync(join(a.stdout.trim(), "w.safetensors")), weights);
});

test("what a killed process left is taken over and continued at once", async () => {
  await using hub = await start();
  using home = new TestHome(hub);
  hub.fail({ path: /object/, action: { dropAfter: 250_000 } });
  hub.fail({ path: /object/, action: { hang: true } });
  const child = spawn(process.execPath, [script, repo], { env: { ...process.env, ...home.env } });
  while (ranges(hub).length < 2) await sleep(20);
  child.kill("SIGKILL");
  await new Promise((done) => child.once("exit", done));
  const kept = statSync(partOf(home)).size;
  assert.ok(kept > 0);
  const { folder } = await fetchSnapshot({ ...home.options, repo, type: "model" });
  assert.equal(ranges(hub).at(-1), `bytes=${kept}-`);
  assert.deepEqual(readFileSync(join(folder, "w.safetensors")), weights);
});
