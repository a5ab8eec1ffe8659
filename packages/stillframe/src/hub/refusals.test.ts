import assert from "node:assert/strict";
import { test } from "node:test";
import type { HubError, HubErrorKind } from "./hub-error.js";
import { retryingFetch } from "./retrying-fetch.js";
import { fetchSnapshot, type SnapshotOptions } from "./snapshot.js";
import { HubServer } from "./testing/hub-server.js";
import { TEST_TOKEN, TestHome } from "./testing/test-home.js";

const tokens = { [TEST_TOKEN]: { name: "me", role: "read" as const } };

async function refused(
  hub: HubServer,
  {
    kind,
    message,
    env = {},
    ...options
  }: { kind: HubErrorKind; message: RegExp | string; env?: Record<string, string> } & Partial<SnapshotOptions>,
): Promise<HubError> {
  using home = new TestHome(hub, env);
  const request = { ...home.options, repo: "org/model", type: "model" as const, ...options, env: home.env };
  try {
    await fetchSnapshot(request);
  } catch (error) {
    const found = error as HubError;
    assert.equal(found.name, "HubError", String(error));
    assert.equal(found.kind, kind, found.message);
    if (typeof message === "string") assert.equal(found.message, message);
    else assert.match(found.message, message);
    assert.ok(!found.message.includes(TEST_TOKEN));
    return found;
  }
  throw new assert.AssertionError({ message: "expected a refusal" });
}

test("a repository that is not there", async () => {
  await using hub = await HubServer.start({ tokens });
  await refused(hub, {
    kind: "not-found",
    revision: "v1",
    localFolderTried: true,
    message: `model org/model (revision "v1") was not found at ${hub.endpoint}, and there is no local folder of that name; if it is private or gated, set HF_TOKEN (or run \`hf auth login\`)`,
  });
  await refused(hub, {
    kind: "not-found",
    env: { HF_TOKEN: TEST_TOKEN },
    message: /not found at .*; the token in use may not see it/,
  });
});

test("a revision that is not there", async () => {
  await using hub = await HubServer.start({ tokens });
  hub.addRepo("org/model", { a: "1" });
  await refused(hub, {
    kind: "not-found",
    revision: "v9",
    message: `expected a branch, tag or commit of model org/model for revision but received "v9", which ${hub.endpoint} does not have`,
  });
});

test("a gated repository says where to accept its licence", async () => {
  await using hub = await HubServer.start({ tokens });
  hub.addRepo("org/model", { a: "1" }, { gated: true });
  await refused(hub, {
    kind: "gated",
    message: `model org/model is gated: accept its licence at ${hub.endpoint}/org/model and set HF_TOKEN (or run \`hf auth login\`)`,
  });
  const withToken = await refused(hub, {
    kind: "gated",
    env: { HF_TOKEN: TEST_TOKEN },
    message: `model org/model is gated: accept its licence at ${hub.endpoint}/org/model with the account whose token is in use`,
  });
  assert.equal(withToken.status, 403);
});

test("a token that the Hub does not know", async () => {
  await using hub = await HubServer.start({ tokens });
  hub.addRepo("org/model", { a: "1" });
  await refused(hub, {
    kind: "unauthorized",
    env: { HF_TOKEN: "hf_WrongWrongWrong" },
    message: /does not accept the token in use for org\/model: make a new one at .*\/settings\/tokens and set HF_TOKEN/,
  });
});

test("403 says what the token needs", async () => {
  await using hub = await HubServer.start({ tokens });
  hub.addRepo("org/model", { a: "1" });
  hub.fail({ path: /revision/, action: { status: 403 } });
  await refused(hub, {
    kind: "forbidden",
    env: { HF_TOKEN: TEST_TOKEN },
    message: /refuses to read org\/model with the token in use: expected a token with read access/,
  });
});

test("429 waits as long as Retry-After says", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", { a: "1" });
  hub.fail({ path: /revision/, action: { status: 429, headers: { "retry-after": "1" } } });
  using home = new TestHome(hub);
  const began = performance.now();
  await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });
  assert.ok(performance.now() - began >= 1_000);
  const retry = home.events.find((event) => event.kind === "retry");
  assert.deepEqual(retry?.kind === "retry" && [retry.delayMs, retry.reason.includes("it asks to wait 1 s")], [
    1_000,
    true,
  ]);
});

test("a wait that is too long ends in an error that tells it", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", { a: "1" });
  hub.fail({ path: /revision/, action: { status: 429, headers: { ratelimit: '"api";r=0;t=3600' } } });
  const error = await refused(hub, {
    kind: "rate-limited",
    message: /the Hub answered 429 .*; it asks to wait 3600 s/,
  });
  assert.equal(error.retryAfterSeconds, 3600);
  const date = new Date(Date.now() + 7_200_000).toUTCString();
  hub.fail({ path: /revision/, action: { status: 429, headers: { "retry-after": date } } });
  const later = await refused(hub, { kind: "rate-limited", message: /429/ });
  assert.ok(Math.abs(later.retryAfterSeconds! - 7_200) < 5);
});

test("5xx is asked again, and an error that does not end says the Hub's reason", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("org/model", { a: "1" });
  hub.fail({ path: /revision/, times: 3, action: { status: 502 } });
  using home = new TestHome(hub);
  await fetchSnapshot({ ...home.options, repo: "org/model", type: "model" });
  assert.equal(home.events.filter((event) => event.kind === "retry").length, 3);
  hub.fail({ path: /revision/, times: 9, action: { status: 500, body: { error: `broken for Bearer ${TEST_TOKEN}` } } });
  await refused(hub, {
    kind: "server",
    message: /the Hub answered 500 \(broken for Bearer \[hidden\]\) to GET http:\/\/127/,
  });
});

test("a commit whose outcome is unknown is not repeated", async () => {
  await using hub = await HubServer.start();
  const once = retryingFetch({ policy: { baseDelayMs: 1, attempts: 5 } });
  hub.fail({ path: /commit/, times: 9, action: { status: 500 } });
  await assert.rejects(once(`${hub.endpoint}/api/models/org/model/commit/main`, { method: "POST", body: "{}" }), {
    kind: "server",
  });
  assert.equal(hub.requests.length, 1);
  await assert.rejects(once(`${hub.endpoint}/api/models/org/model/preupload/main`, { method: "POST", body: "{}" }), {
    kind: "unauthorized",
  });
});
