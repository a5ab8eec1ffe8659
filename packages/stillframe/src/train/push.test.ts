import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrainEvent, TrainOptionsInput } from "@stillframe/schema";
import { HubServer } from "../hub/testing/hub-server.js";
import { TEST_TOKEN } from "../hub/testing/test-home.js";
import { openWorkshop } from "../testing/workshop.js";
import { train } from "./index.js";

async function runAll(options: TrainOptionsInput): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const e of train(options)) events.push(e);
  return events;
}

test("--push_to_hub publishes the finished run, and a failure does not fail it", async (t) => {
  const shop = await openWorkshop();
  const hub = await HubServer.start({ tokens: { [TEST_TOKEN]: { name: "me", role: "write" } } });
  const before = { ...process.env };
  t.after(async () => {
    process.env = before;
    await hub[Symbol.asyncDispose]();
    shop.close();
  });
  process.env = { ...before, HF_ENDPOINT: hub.endpoint, HF_TOKEN: TEST_TOKEN };

  const pushed = await runAll(shop.run("style", { push_to_hub: true, hub_model_id: "me/style", max_train_steps: 1 }));
  assert.deepEqual(
    pushed.slice(-2).map((e) => e.type),
    ["published", "run_finished"],
  );
  const files = Object.keys(hub.repo("me/style").texts());
  for (const file of ["README.md", "manifest.json", "pytorch_lora_weights.safetensors"])
    assert.ok(files.includes(file), file);
  assert.ok(!files.some((f) => /events|checkpoints|run\.yaml|logs/.test(f)), files.join());

  process.env = { ...process.env, HF_TOKEN: "hf_of_nobody" };
  const refused = await runAll(
    shop.run("refused", { push_to_hub: true, hub_model_id: "me/other", max_train_steps: 1 }),
  );
  const [warning, end] = refused.slice(-2);
  assert.equal(end?.type, "run_finished");
  assert.ok(warning?.type === "warning");
  assert.match(warning.message, /the run is finished and was not published: .*Later: npx stillframe publish/);
  assert.ok(!warning.message.includes("hf_of_nobody"));
});
