import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import type { GenerateEvent } from "@stillframe/schema";
import { readSafetensors } from "@stillframe/torch";
import { generate } from "../generate/index.js";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { train } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
});
after(() => shop.close());

test("full training leaves a whole model that others load", async () => {
  const full = { method: "full" as const, train_text_encoder: true, learning_rate: 1e-4 };
  for await (const _ of train(shop.run("full", full))) {
    // to its end
  }
  assert.ok(existsSync(shop.at("full", "model_index.json")));
  const file = "unet/diffusion_pytorch_model.safetensors";
  const [before, now] = [
    readSafetensors(shop.at("base", file)).tensors,
    readSafetensors(shop.at("full", file)).tensors,
  ];
  assert.deepEqual([...now.keys()].sort(), [...before.keys()].sort());
  const moved = [...now].filter(([key, t]) => !t.equal(before.get(key) as typeof t));
  assert.ok(moved.length > now.size * 0.9, `${moved.length} of ${now.size} tensors moved`);
  const events: GenerateEvent[] = [];
  const options = { prompt: ["a red circle"], steps: 3, seed: 1, width: 32, height: 32 };
  for await (const e of generate({
    ...options,
    pretrained_model_name_or_path: shop.at("full"),
    output_dir: shop.at("pictures"),
  }))
    events.push(e);
  assert.equal(events.at(-1)?.type, "generation_finished");
});
