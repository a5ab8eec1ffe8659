import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import {
  parseEventLine,
  parseManifest,
  type TrainEvent,
  type TrainEventOf,
  type TrainOptionsInput,
} from "@stillframe/schema";
import { liveTensors, readSafetensors, readSafetensorsHeader, type Tensor, writeSafetensors } from "@stillframe/torch";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { train } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
});
after(() => shop.close());

const ADAPTER = "pytorch_lora_weights.safetensors";
const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

async function runAll(options: TrainOptionsInput, signal?: AbortSignal): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  for await (const e of train(options, signal === undefined ? {} : { signal })) events.push(e);
  return events;
}
const stepsOf = (events: readonly TrainEvent[]) => events.filter((e): e is TrainEventOf<"step"> => e.type === "step");
const curve = (events: readonly TrainEvent[]) => stepsOf(events).map((e) => [e.step, e.loss, e.lr, e.grad_norm]);

test("the same options and seed give the same bytes, another seed gives others", async () => {
  const one = await runAll(shop.run("same-1"));
  const two = await runAll(shop.run("same-2"));
  await runAll(shop.run("other", { seed: 8 }));
  assert.equal(sha(shop.at("same-1", ADAPTER)), sha(shop.at("same-2", ADAPTER)));
  assert.notEqual(sha(shop.at("same-1", ADAPTER)), sha(shop.at("other", ADAPTER)));
  assert.deepEqual(curve(one), curve(two));
});

test("the adapter has the reference script's keys, metadata and element type", async () => {
  await runAll(shop.run("keys", { rank: 3, train_text_encoder: true, max_train_steps: 1 }));
  const { tensors, metadata } = readSafetensorsHeader(shop.at("keys", ADAPTER));
  assert.deepEqual(metadata, { format: "pt" });
  const names = [...tensors.keys()];
  for (const name of names)
    assert.match(
      name,
      /^(unet\..*\.lora\.(down|up)|text_encoder(_2)?\.text_model\..*\.lora_linear_layer\.(down|up))\.weight$/,
    );
  const down = tensors.get("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_out.0.lora.down.weight");
  assert.deepEqual([down?.dtype, down?.shape], ["float32", [3, 64]]);
  assert.ok(names.includes("text_encoder.text_model.encoder.layers.1.self_attn.out_proj.lora_linear_layer.up.weight"));
  const kohya = [...readSafetensorsHeader(shop.at("keys", "kohya_lora.safetensors")).tensors.keys()];
  assert.ok(
    kohya.includes("lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_q.lora_down.weight"),
    kohya.slice(0, 3).join(),
  );
  assert.equal(kohya.length, (names.length / 2) * 3);
});

test("events and manifest say what happened, and are what the schema says", async () => {
  const events = await runAll(shop.run("told"));
  assert.deepEqual(
    events.map((e) => e.type).filter((t) => t !== "preparing"),
    ["data_prepared", "estimated", "run_started", "step", "step", "step", "step", "run_finished"],
  );
  const lines = readFileSync(shop.at("told", "events.jsonl"), "utf8").trim().split("\n");
  const read = lines.map((l) => parseEventLine(l).event);
  assert.deepEqual(curve(read), curve(events));
  const manifest = parseManifest(JSON.parse(readFileSync(shop.at("told", "manifest.json"), "utf8")));
  assert.equal(manifest.results[0]?.sha256, sha(shop.at("told", ADAPTER)));
  assert.deepEqual([manifest.data.pictures, manifest.steps, manifest.adapter.rank, manifest.seed], [6, 4, 4, 7]);
  assert.equal(manifest.options["learning_rate"], 1e-3);
  assert.equal(manifest.model.weights.length, 4);
});

test("gradients of accumulated batches are those of one batch of all pictures", async () => {
  // the draws differ by micro-batch, so what is compared is the size of the change: equal schedules, equal counts
  const one = stepsOf(await runAll(shop.run("accumulate-1", { train_batch_size: 6, max_train_steps: 3 })));
  const three = stepsOf(
    await runAll(shop.run("accumulate-3", { train_batch_size: 2, gradient_accumulation_steps: 3, max_train_steps: 3 })),
  );
  assert.deepEqual(
    one.map((e) => [e.step, e.epoch]),
    three.map((e) => [e.step, e.epoch]),
  );
  for (const [i, e] of one.entries())
    assert.ok(Math.abs(e.loss - (three[i]?.loss ?? 0)) < 0.5, `${e.loss} and ${three[i]?.loss}`);
});

test("regions change what is learned and not what is judged, and go on bit for bit", async () => {
  const lines = readFileSync(shop.at("stills", "metadata.jsonl"), "utf8").trim().split("\n");
  cpSync(shop.stills, shop.at("boxed"), { recursive: true });
  const boxed = lines.map((line, i) => {
    const objects = i % 2 === 0 ? { bbox: [[4 * i, 12, 24, 24]], weight: [9] } : null;
    return JSON.stringify({ ...JSON.parse(line), objects });
  });
  writeFileSync(shop.at("boxed", "metadata.jsonl"), `${boxed.join("\n")}\n`);
  const settings = { train_data_dir: shop.at("boxed"), validation_split: 0.34, regions_column: "objects" };
  const judged = (events: readonly TrainEvent[]) =>
    events.flatMap((e) => (e.type === "validation" && e.step === 0 ? [e.loss] : []));
  const plain = await runAll(shop.run("boxed-plain", { ...settings, regions_column: null }));
  const whole = await runAll(shop.run("boxed-whole", settings));
  assert.notEqual(stepsOf(plain)[0]?.loss, stepsOf(whole)[0]?.loss);
  assert.deepEqual(judged(plain), judged(whole));
  assert.equal(judged(plain).length, 1);
  const prepared = whole.find((e) => e.type === "data_prepared");
  assert.ok(prepared?.type === "data_prepared" && prepared.with_regions !== undefined && prepared.with_regions > 0);
  // a weight of one is no weight
  const ones = boxed.map((line) => line.replace("[9]", "[1]"));
  writeFileSync(shop.at("boxed", "metadata.jsonl"), `${ones.join("\n")}\n`);
  const same = stepsOf(await runAll(shop.run("boxed-ones", settings)));
  for (const [i, { loss }] of stepsOf(plain).entries())
    assert.ok(Math.abs(loss - (same[i]?.loss ?? 0)) < 1e-5 * loss, `${loss} and ${same[i]?.loss}`);
  writeFileSync(shop.at("boxed", "metadata.jsonl"), `${boxed.join("\n")}\n`);
  await runAll(shop.run("boxed-parts", { ...settings, max_train_steps: 2, checkpointing_steps: 2 }));
  const resumed = shop.run("boxed-parts", { ...settings, resume_from_checkpoint: "latest" });
  assert.deepEqual(curve(await runAll(resumed)), curve(whole).slice(2));
});

test("warm-up counts optimizer steps", async () => {
  const steps = stepsOf(
    await runAll(
      shop.run("warm", {
        lr_scheduler: "constant_with_warmup",
        lr_warmup_steps: 2,
        gradient_accumulation_steps: 3,
        max_train_steps: 4,
      }),
    ),
  );
  assert.deepEqual(
    steps.map((e) => e.lr),
    [0, 5e-4, 1e-3, 1e-3],
  );
});

test("gradient checkpointing changes no bit, nor does reading the pictures anew", async () => {
  const options = {
    train_text_encoder: true,
    lora_dropout: 0.2,
    random_flip: true,
    center_crop: true,
    max_train_steps: 3,
  };
  await runAll(shop.run("plain", options));
  await runAll(shop.run("checkpointed", { ...options, gradient_checkpointing: true }));
  await runAll(shop.run("uncached", { ...options, cache_latents: false }));
  assert.equal(sha(shop.at("plain", ADAPTER)), sha(shop.at("checkpointed", ADAPTER)));
  assert.equal(sha(shop.at("plain", ADAPTER)), sha(shop.at("uncached", ADAPTER)));
});

test("a base in half precision trains to the same bytes as the same numbers in a float32 file", async () => {
  const files = ["unet/diffusion_pytorch_model", "text_encoder/model", "text_encoder_2/model"];
  for (const dtype of ["float16", "float32"] as const) {
    cpSync(shop.at("base"), shop.at(`base-${dtype}`), { recursive: true });
    for (const file of files) {
      const path = shop.at(`base-${dtype}`, `${file}.safetensors`);
      const { tensors } = readSafetensors(shop.at("base", `${file}.safetensors`));
      writeSafetensors(
        path,
        [...tensors].map(([key, t]): [string, Tensor] => [key, t.to("float16").to(dtype)]),
      );
    }
    const base = { pretrained_model_name_or_path: shop.at(`base-${dtype}`) };
    await runAll(shop.run(`half-${dtype}`, { ...base, train_text_encoder: true, max_train_steps: 3 }));
  }
  assert.equal(sha(shop.at("half-float16", ADAPTER)), sha(shop.at("half-float32", ADAPTER)));
});

test("half precision stays near float32", async () => {
  const losses = async (mixed_precision: "no" | "bf16" | "fp16") =>
    stepsOf(await runAll(shop.run(`precision-${mixed_precision}`, { mixed_precision, max_train_steps: 6 }))).map(
      (e) => e.loss,
    );
  const [full, bf16, fp16] = [await losses("no"), await losses("bf16"), await losses("fp16")];
  for (const [i, loss] of full.entries()) {
    assert.ok(
      Math.abs((bf16[i] as number) - loss) < 0.02 * loss,
      `step ${i + 1}: ${bf16[i]} in bf16, ${loss} in float32`,
    );
    assert.ok(
      Math.abs((fp16[i] as number) - loss) < 0.005 * loss,
      `step ${i + 1}: ${fp16[i]} in fp16, ${loss} in float32`,
    );
  }
});

test("a signal ends the run after the step in hand, with a checkpoint to go on from", async () => {
  await runAll(shop.run("whole", { max_train_steps: 6, use_ema: true }));
  const stop = new AbortController();
  const events: TrainEvent[] = [];
  const options = shop.run("stopped", { max_train_steps: 6, use_ema: true });
  for await (const e of train(options, { signal: stop.signal })) {
    events.push(e);
    if (e.type === "step" && e.step === 2) stop.abort();
  }
  assert.deepEqual(
    events.slice(-2).map((e) => e.type),
    ["checkpoint", "run_interrupted"],
  );
  assert.ok(!existsSync(shop.at("stopped", ADAPTER)));
  await runAll({ ...options, resume_from_checkpoint: "latest" });
  assert.equal(sha(shop.at("stopped", ADAPTER)), sha(shop.at("whole", ADAPTER)));
  const told = readFileSync(shop.at("stopped", "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((l) => parseEventLine(l).event);
  assert.deepEqual(
    stepsOf(told).map((e) => e.step),
    [1, 2, 3, 4, 5, 6],
  );
});

test("the oldest checkpoints go when the limit is reached", async () => {
  await runAll(shop.run("rotated", { max_train_steps: 6, checkpointing_steps: 2, checkpoints_total_limit: 2 }));
  assert.deepEqual(readdirSync(shop.at("rotated", "checkpoints")).sort(), ["step-000004", "step-000006"]);
});

test("the last layer of the first encoder is in the file as it was drawn", async () => {
  await runAll(shop.run("unused", { train_text_encoder: true, max_train_steps: 3 }));
  const { tensors } = readSafetensors(shop.at("unused", ADAPTER));
  const up = (key: string) => tensors.get(`${key}.lora_linear_layer.up.weight`)?.abs().amax().item();
  assert.equal(up("text_encoder.text_model.encoder.layers.1.self_attn.q_proj"), 0);
  assert.notEqual(up("text_encoder.text_model.encoder.layers.0.self_attn.q_proj"), 0);
  for (const t of tensors.values()) t.dispose();
});

test("a thousand steps leave no tensor behind", async () => {
  const counts: number[] = [];
  for await (const e of train(
    shop.run("long", { max_train_steps: 1000, resolution: 16, train_batch_size: 1, checkpointing_steps: 5000 }),
  ))
    if (e.type === "step" && e.step % 250 === 0) counts.push(liveTensors());
  assert.equal(counts.length, 4);
  assert.equal(new Set(counts).size, 1, counts.join());
});
