import assert from "node:assert/strict";
import { test } from "node:test";
import { publishRun } from "../../card/publish-run.js";
import { writeRunFolder } from "../../card/testing/run-folder.js";
import { HubServer } from "../../hub/testing/hub-server.js";
import { TEST_TOKEN, TestFolder, TestHome } from "../../hub/testing/test-home.js";
import { fakeTerminal } from "../fake-terminal.test.support.js";
import { library } from "../library.js";
import { main } from "../main.js";

const tokens = { [TEST_TOKEN]: { name: "me", role: "write" as const } };

async function run({ env, options }: TestHome, argv: string[], { interactive = false } = {}) {
  const terminal = fakeTerminal({ interactive });
  const publish: typeof publishRun = (folder, given) => publishRun(folder, { ...given, env, retry: options.retry });
  const code = await main(["publish", ...argv], { terminal, library: { ...library, publishRun: async () => publish } });
  return { code, out: terminal.written(), err: terminal.errors(), screen: terminal.screen() };
}

test("a dry run lists the files with their sizes, and what stays", async () => {
  await using hub = await HubServer.start({ tokens });
  using home = new TestHome(hub);
  using folder = new TestFolder();
  await writeRunFolder(folder.path);
  const { code, out } = await run(home, [folder.path, "--hub_model_id=me/style", "--dry_run"]);
  assert.equal(code, 0);
  assert.match(out, /\n {2}pytorch_lora_weights\.safetensors +\d+\.\d kB\n/);
  assert.match(out, /\nstays here: checkpoints\/, events\.jsonl, run\.yaml, /);
  assert.match(out, /\n15 files, .*, would be sent to http.*\/me\/style\. Nothing was sent\.\n$/);
  assert.equal(hub.requests.length, 0);
});

test("publishing tells the repository, the sum and the address; a second time there is nothing to send", async () => {
  await using hub = await HubServer.start({ tokens });
  using home = new TestHome(hub, { HF_TOKEN: TEST_TOKEN });
  using folder = new TestFolder();
  await writeRunFolder(folder.path);
  const argv = [folder.path, "--hub_model_id=style", "--private", "--message=First"];
  const first = await run(home, argv, { interactive: true });
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /me\/style: a new private repository\n/);
  assert.match(first.out, /Sending 15 files, \d+ kB\n/);
  assert.match(
    first.out,
    new RegExp(`Published: 15 files sent \\(commit [0-9a-f]{8}\\)\\.\n {2}${hub.endpoint}/me/style\n$`),
  );
  assert.deepEqual(hub.repo("me/style").titles.at(-1), "First");
  assert.equal(hub.repo("me/style").private, true);
  assert.ok(
    first.screen.every((line) => !line.includes("sending")),
    "the bar is gone in the end",
  );
  assert.match((await run(home, argv)).out, /Published: all 15 files were there already/);
});

test("refusals end in 1 with what to do, and never show the token", async () => {
  await using hub = await HubServer.start({ tokens });
  using home = new TestHome(hub);
  using folder = new TestFolder();
  await writeRunFolder(folder.path);
  const none = await run(home, [folder.path, "--hub_model_id=me/style"]);
  assert.deepEqual([none.code, hub.requests.length], [1, 0]);
  assert.match(none.err, /needs an access token with write access: set HF_TOKEN/);
  const wrong = await run(home, [folder.path, "--hub_model_id=me/style", "--hub_token=hf_NobodyKnowsThisOne"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /does not accept the token in use/);
  assert.ok(!`${wrong.out}${wrong.err}`.includes("hf_Nobody"));
  assert.equal((await run(home, ["/no/such/run", "--dry_run"])).code, 1);
});
