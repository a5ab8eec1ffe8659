import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HubServer } from "../hub/testing/hub-server.js";
import { noise, TestHome } from "../hub/testing/test-home.js";
import { pull } from "./pull.js";
import { ADAPTER } from "./testing/adapter-file.js";

test("an adapter is pulled with its card", async () => {
  await using hub = await HubServer.start();
  hub.addRepo("me/style", {
    "pytorch_lora_weights.safetensors": ADAPTER,
    "README.md": "# A style",
    "samples/1.png": noise(9),
  });
  using home = new TestHome(hub);
  const pulled = await pull({ ...home.options, repo: "me/style" });
  assert.equal(pulled.kind, "adapter");
  assert.deepEqual(pulled.weights, ["pytorch_lora_weights.safetensors"]);
  assert.deepEqual(readFileSync(join(pulled.folder, "pytorch_lora_weights.safetensors")), ADAPTER);
  assert.deepEqual(pulled.files, ["README.md", "pytorch_lora_weights.safetensors"]);
});

test("a base is pulled, and a content that was damaged in the cache is found and mended", async () => {
  await using hub = await HubServer.start();
  const weights = noise(4_000);
  const index = JSON.stringify({ unet: ["diffusers", "UNet2DConditionModel"] });
  hub.addRepo("me/base", {
    "model_index.json": index,
    "unet/config.json": "{}",
    "unet/diffusion_pytorch_model.safetensors": weights,
  });
  using home = new TestHome(hub);
  const pulled = await pull({ ...home.options, repo: "me/base" });
  assert.equal(pulled.kind, "pipeline");
  const path = join(pulled.folder, "unet/diffusion_pytorch_model.safetensors");
  const blob = join(home.cacheDir, "models--me--base/blobs");
  assert.deepEqual(readFileSync(path), weights);
  const damaged = Buffer.from(weights);
  damaged[100]! ^= 1;
  writeFileSync(path, damaged);
  await pull({ ...home.options, repo: "me/base" });
  assert.deepEqual(readFileSync(path), weights);
  rmSync(blob, { recursive: true });
  await assert.rejects(pull({ ...home.options, repo: "me/base", env: { ...home.env, HF_HUB_OFFLINE: "1" } }), {
    kind: "offline",
  });
});
