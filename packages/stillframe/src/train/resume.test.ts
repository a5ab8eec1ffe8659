import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseEventLine } from "@stillframe/schema";
import { flagsOf, openWorkshop, runCli } from "../testing/workshop.js";

const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const curve = (folder: string) =>
  readFileSync(`${folder}/events.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((l) => parseEventLine(l).event)
    .flatMap((e) => (e.type === "step" ? [[e.step, e.loss, e.lr, e.grad_norm]] : []));

test("a run that is killed again and again ends like one that never was", { timeout: 300_000 }, async () => {
  const shop = await openWorkshop();
  try {
    const options = {
      max_train_steps: 40,
      checkpointing_steps: 3,
      checkpoints_total_limit: 2,
      train_text_encoder: true,
      gradient_accumulation_steps: 2,
      lora_dropout: 0.1,
      target_modules: ["to_q", "conv1", "conv", "conv_out"],
      random_flip: true,
      use_ema: true,
      lr_scheduler: "cosine" as const,
      lr_warmup_steps: 5,
    };
    const whole = await runCli(["train", ...flagsOf(shop.run("whole", options))]);
    assert.equal(whole.code, 0, whole.err);

    const killed = flagsOf(shop.run("killed", { ...options, cache_dir: shop.at("cache-2") }));
    const moments: number[] = [];
    for (let kills = 0; kills < 6; kills++) {
      // from the loading of the first libraries to the last steps
      const wait = 500 + kills * 350 + Math.floor(Math.random() * 400);
      const resume = existsSync(shop.at("killed", "run.yaml")) ? ["--resume_from_checkpoint=latest"] : [];
      const part = await runCli(["train", ...killed, ...resume], { killAfterMs: wait });
      moments.push(wait);
      if (part.code === 0) break;
      assert.equal(part.code, null, `killed after ${moments.join(", ")} ms: ${part.err}`);
    }
    const last = await runCli(["train", ...killed, "--resume_from_checkpoint=latest"]);
    assert.equal(last.code, 0, `killed after ${moments.join(", ")} ms: ${last.err}`);
    const file = "pytorch_lora_weights.safetensors";
    assert.equal(sha(shop.at("killed", file)), sha(shop.at("whole", file)), `killed after ${moments.join(", ")} ms`);
    assert.deepEqual(curve(shop.at("killed")), curve(shop.at("whole")));
    const left = readdirSync(shop.at("killed"), { recursive: true }).map(String);
    assert.deepEqual(
      left.filter((f) => /partial|\.old/.test(f)),
      [],
    );
  } finally {
    shop.close();
  }
});
