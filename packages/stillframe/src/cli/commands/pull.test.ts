import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { HubServer } from "../../hub/testing/hub-server.js";
import { noise, TestHome } from "../../hub/testing/test-home.js";
import { pull } from "../../publish/pull.js";
import { ADAPTER } from "../../publish/testing/adapter-file.js";
import { fakeTerminal } from "../fake-terminal.test.support.js";
import { library } from "../library.js";
import { main } from "../main.js";

async function run({ env, options }: TestHome, argv: string[], { interactive = false } = {}) {
  const terminal = fakeTerminal({ interactive });
  const here: typeof pull = (given) => pull({ ...given, env, retry: options.retry });
  const code = await main(["pull", ...argv], { terminal, library: { ...library, pull: async () => here } });
  return { code, out: terminal.written(), err: terminal.errors() };
}

test("standard output is the folder and nothing else, so that a shell can use it", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("me/style", { "pytorch_lora_weights.safetensors": ADAPTER, "README.md": "# A style" });
  using home = new TestHome(hub);
  for (const interactive of [false, true]) {
    const { code, out, err } = await run(home, ["me/style"], { interactive });
    assert.equal(code, 0, err);
    assert.equal(out.split("\n").length, 2);
    assert.ok(existsSync(join(out.trim(), "pytorch_lora_weights.safetensors")));
    assert.match(err, /me\/style \(an adapter, commit [0-9a-f]{8}\): 2 files, hashes checked\n/);
  }
  const again = await run(home, ["me/style", "--no-verify"]);
  assert.match(again.err, /2 files, 40\.\d kB, 40\.\d kB of it here already\n.*sizes checked\n/);
});

test("options reach the Hub, failures end in 1 and say what to do", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("me/base", {
    "model_index.json": JSON.stringify({ unet: ["diffusers", "UNet2DConditionModel"] }),
    "unet/config.json": "{}",
    "unet/diffusion_pytorch_model.safetensors": noise(3000),
    "unet/diffusion_pytorch_model.fp16.safetensors": noise(2000),
  });
  using home = new TestHome(hub);
  const half = await run(home, ["me/base", "--variant=fp16"]);
  assert.match(half.err, /a base model/);
  assert.ok(existsSync(join(half.out.trim(), "unet/diffusion_pytorch_model.fp16.safetensors")));
  assert.ok(!existsSync(join(half.out.trim(), "unet/diffusion_pytorch_model.safetensors")));
  const missing = await run(home, ["me/base", "--revision=v9"]);
  assert.deepEqual([missing.code, missing.out], [1, ""]);
  assert.match(missing.err, /expected a branch, tag or commit of model me\/base for revision but received "v9"/);
  assert.match(
    (await run(home, ["me/nothing"])).err,
    /model me\/nothing \(revision "main"\) was not found .* set HF_TOKEN/,
  );
  assert.equal((await run(home, [])).code, 2);
});

test("Ctrl-C ends a download in 130, and the same command goes on", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("me/style", { "pytorch_lora_weights.safetensors": ADAPTER });
  hub.fail({ method: "GET", path: /resolve/, action: { hang: true } });
  using home = new TestHome(hub);
  const pulling = run(home, ["me/style"]);
  while (!hub.requests.some(({ method, path }) => method === "GET" && path.includes("/resolve/"))) await setTimeout(5);
  process.emit("SIGINT");
  const stopped = await pulling;
  assert.deepEqual([stopped.code, stopped.out], [130, ""]);
  assert.match(stopped.err, /\nStopping\. The same command goes on where this one stopped\.\n$/);
  assert.equal((await run(home, ["me/style"])).code, 0);
});
