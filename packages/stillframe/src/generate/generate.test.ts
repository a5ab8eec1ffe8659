import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { GenerateEvent, GenerateOptionsInput } from "@stillframe/schema";
import { liveTensors } from "@stillframe/torch";
import sharp from "sharp";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { train } from "../train/index.js";
import { generate } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
  const target_modules = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv_shortcut", "conv"];
  const run = { max_train_steps: 8, learning_rate: 0.02, train_text_encoder: true, target_modules };
  for await (const _ of train(shop.run("run", run))) {
    // to its end
  }
});
after(() => shop.close());

const options = (name: string, more: Partial<GenerateOptionsInput> = {}): GenerateOptionsInput => ({
  pretrained_model_name_or_path: shop.base,
  prompt: ["a red circle"],
  steps: 4,
  seed: 3,
  width: 32,
  height: 32,
  output_dir: shop.at(name),
  ...more,
});

async function runAll(o: GenerateOptionsInput): Promise<GenerateEvent[]> {
  const events: GenerateEvent[] = [];
  for await (const e of generate(o)) events.push(e);
  return events;
}
const pixels = (path: string) => sharp(path).raw().toBuffer();

test("a picture depends on its own seed alone", async () => {
  await runAll(options("one", { seed: 4 }));
  await runAll(options("two", { num_images: 2 }));
  assert.deepEqual(await pixels(shop.at("two", "0001-seed-4.png")), await pixels(shop.at("one", "0000-seed-4.png")));
  assert.notDeepEqual(await pixels(shop.at("two", "0000-seed-3.png")), await pixels(shop.at("two", "0001-seed-4.png")));
});

test("with compare, the base is what it is without a LoRA, and strength 0 is the base", async () => {
  await runAll(options("base"));
  await runAll(options("compared", { lora: shop.at("run"), compare: true }));
  await runAll(options("zero", { lora: shop.at("run"), lora_scale: 0 }));
  const base = await pixels(shop.at("base", "0000-seed-3.png"));
  assert.deepEqual(await pixels(shop.at("compared", "0000-seed-3-base.png")), base);
  assert.deepEqual(await pixels(shop.at("zero", "0000-seed-3.png")), base);
  assert.notDeepEqual(await pixels(shop.at("compared", "0000-seed-3-lora.png")), base);
  const sheet = await sharp(shop.at("compared", "contact-sheet.png")).metadata();
  assert.ok((sheet.width ?? 0) > 300 && (sheet.height ?? 0) > 150);
});

test("strengths and the prefix side by side: each picture is what it is when drawn by itself", async () => {
  const style = { lora: shop.at("run"), prefix: "in ink," };
  const events = await runAll(
    options("sweep", { ...style, prompt: ["a red circle", "in ink, a dot"], compare: true, lora_scales: "0.5,1.3" }),
  );
  const drawn = events.filter((e) => e.type === "picture");
  assert.deepEqual(
    drawn.map(({ path, prompt, scale, label }) => [path, prompt, scale, label]),
    [
      ["0000-seed-3-base.png", "in ink, a red circle", 0, "base"],
      ["0000-seed-3-lora-0.5.png", "in ink, a red circle", 0.5, "LoRA × 0.5"],
      ["0000-seed-3-lora-1.3.png", "in ink, a red circle", 1.3, "LoRA × 1.3"],
      ["0000-seed-3-lora-no-prefix.png", "a red circle", 1, "LoRA without the prefix"],
      ["0001-seed-4-base.png", "in ink, a dot", 0, "base"],
      ["0001-seed-4-lora-0.5.png", "in ink, a dot", 0.5, "LoRA × 0.5"],
      ["0001-seed-4-lora-1.3.png", "in ink, a dot", 1.3, "LoRA × 1.3"],
      ["0001-seed-4-lora-no-prefix.png", "a dot", 1, "LoRA without the prefix"],
    ],
  );
  const start = events.find((e) => e.type === "generation_started");
  assert.equal(start?.pictures, drawn.length);
  const alone = { lora: shop.at("run"), prompt: ["in ink, a red circle"] };
  await runAll(options("half", { ...alone, lora_scale: 0.5 }));
  await runAll(options("bare", { ...alone, prompt: ["a red circle"] }));
  const same = async (one: string, other: string) =>
    assert.deepEqual(await pixels(shop.at("sweep", one)), await pixels(shop.at(other, "0000-seed-3.png")), one);
  await same("0000-seed-3-lora-0.5.png", "half");
  await same("0000-seed-3-lora-no-prefix.png", "bare");
  const { width, height } = await sharp(shop.at("sweep", "contact-sheet.png")).metadata();
  assert.ok(width! > 4 * 160 && height! > 2 * 160, `${width} × ${height}`);
  assert.ok(width! < 5 * 180 && height! < 3 * 180, `${width} × ${height}`);
});

test("a sheet of one way has a row for each prompt, one that compares has a row for each seed", async () => {
  const size = async (name: string, more: Partial<GenerateOptionsInput>) => {
    await runAll(options(name, { num_images: 3, steps: 1, ...more }));
    const { width, height } = await sharp(shop.at(name, "contact-sheet.png")).metadata();
    return { width: width!, height: height! };
  };
  const plain = await size("plain-sheet", {});
  assert.ok(plain.width > 3 * 160 && plain.height < 2 * 160);
  const compared = await size("compared-sheet", { lora: shop.at("run"), compare: true });
  assert.ok(compared.width < 3 * 160 && compared.height > 3 * 160);
});

test("the kohya file draws what diffusers' file draws", async () => {
  await runAll(options("ours", { lora: shop.at("run") }));
  await runAll(options("kohya", { lora: shop.at("run", "kohya_lora.safetensors") }));
  assert.deepEqual(await pixels(shop.at("kohya", "0000-seed-3.png")), await pixels(shop.at("ours", "0000-seed-3.png")));
});

test("a PNG carries its parameters in a text chunk", async () => {
  await runAll(options("text", { negative_prompt: "gris, «flou»", scheduler: "dpmpp_2m_karras", guidance_scale: 4 }));
  const bytes = readFileSync(shop.at("text", "0000-seed-3.png"));
  const at = bytes.indexOf("iTXtparameters\0");
  assert.ok(at > 0);
  const length = bytes.readUInt32BE(at - 4);
  const text = bytes.subarray(at + 4 + "parameters".length + 5, at + 4 + length).toString("utf8");
  assert.match(
    text,
    /^a red circle\nNegative prompt: gris, «flou»\nSteps: 4, Sampler: dpmpp_2m_karras, CFG scale: 4, Seed: 3, Size: 32x32, /,
  );
});

test("every sampler draws", async () => {
  for (const scheduler of [
    "euler",
    "euler_ancestral",
    "ddim",
    "ddpm",
    "dpmpp_2m",
    "dpmpp_2m_karras",
    "dpmpp_2m_sde",
    "unipc",
    "lcm",
    "heun",
  ] as const) {
    const events = await runAll(options(`sampler-${scheduler}`, { scheduler }));
    assert.equal(events.at(-1)?.type, "generation_finished", scheduler);
  }
});

test("sizes that the model cannot make, a LoRA that is not there or of another model", async () => {
  await assert.rejects(
    runAll(options("bad", { width: 33 })),
    /expected a positive multiple of 2 for width but received 33/,
  );
  await assert.rejects(
    runAll(options("bad", { lora: shop.at("nowhere") })),
    /expected a safetensors file, or the folder of a run with one for lora/,
  );
  await assert.rejects(
    runAll(options("bad", { lora: shop.at("base", "unet", "diffusion_pytorch_model.safetensors") })),
    /keys fit no layer of this model/,
  );
});

test("nothing is left behind, also when it is stopped", async () => {
  const before = liveTensors();
  await runAll(options("left", { lora: shop.at("run") }));
  const stop = new AbortController();
  const events: GenerateEvent[] = [];
  for await (const e of generate(options("halted", { steps: 20 }), { signal: stop.signal })) {
    events.push(e);
    if (e.type === "denoised" && e.step === 3) stop.abort();
  }
  assert.equal(events.at(-1)?.type, "generation_interrupted");
  assert.equal(liveTensors(), before);
});
