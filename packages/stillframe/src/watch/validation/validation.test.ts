import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TrainEvent, TrainEventOf, TrainOptionsInput } from "@stillframe/schema";
import sharp from "sharp";
import { generate } from "../../generate/index.js";
import { openWorkshop, type Workshop } from "../../testing/workshop.js";
import { train } from "../../train/index.js";
import { CONTACT_SHEET } from "./sample-files.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop();
});
after(() => shop.close());

const ADAPTER = "pytorch_lora_weights.safetensors";
const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
const LOOKS: Partial<TrainOptionsInput> = {
  validation_prompt: "a red circle",
  num_validation_images: 2,
  validation_inference_steps: 3,
  validation_steps: 2,
  validation_split: 0.34,
  max_train_steps: 5,
};

/** All events; `stop` says when the run is asked to end. */
async function runAll(options: TrainOptionsInput, stop?: (e: TrainEvent) => boolean): Promise<TrainEvent[]> {
  const events: TrainEvent[] = [];
  const controller = new AbortController();
  for await (const e of train(options, { signal: controller.signal })) {
    events.push(e);
    if (stop?.(e)) controller.abort();
  }
  return events;
}
const ofType = <T extends TrainEvent["type"]>(events: readonly TrainEvent[], type: T) =>
  events.filter((e): e is TrainEventOf<T> => e.type === type);
const pixels = (path: string) => sharp(path).raw().toBuffer();
const curve = (events: readonly TrainEvent[]) => ofType(events, "step").map((e) => [e.step, e.loss, e.grad_norm]);

test("looking changes nothing that is trained, whatever is trained and however", async () => {
  const kinds: Partial<TrainOptionsInput>[] = [
    { use_ema: true, lora_dropout: 0.2 },
    { train_text_encoder: true, lora_dropout: 0.2, gradient_checkpointing: true },
    { cache_latents: false, random_flip: true },
  ];
  for (const [i, kind] of kinds.entries()) {
    const unseen = { max_train_steps: 5, validation_split: 0.34, ...kind };
    const blind = await runAll(shop.run(`blind-${i}`, { ...unseen, validation_epochs: 100 }));
    const seen = await runAll(shop.run(`seen-${i}`, { ...LOOKS, ...kind }));
    assert.equal(sha(shop.at(`blind-${i}`, ADAPTER)), sha(shop.at(`seen-${i}`, ADAPTER)), JSON.stringify(kind));
    assert.deepEqual(curve(blind), curve(seen));
    assert.deepEqual(
      ofType(seen, "validation").map((e) => e.step),
      [0, 2, 4, 5],
    );
    assert.deepEqual(
      ofType(blind, "validation").map((e) => e.step),
      [0, 5],
    );
  }
});

test("pictures are those that generate makes of the base and of the result, from the same seeds", async () => {
  // the run before kept averages: they are what is drawn, and what is saved
  const folder = shop.at("seen-0");
  const steps = readdirSync(join(folder, "samples"))
    .filter((f) => f.startsWith("step-"))
    .sort();
  assert.deepEqual(steps, ["step-000000", "step-000002", "step-000004", "step-000005"]);
  const files = steps.map((s) => readdirSync(join(folder, "samples", s)).sort());
  for (const f of files) assert.deepEqual(f, files[0]);
  const seed = Number(/seed-(\d+)/.exec(files[0]?.[0] ?? "")?.[1]);
  assert.equal(files[0]?.[1], `0001-seed-${seed + 1}.png`);

  const output_dir = shop.at("generated");
  const options = {
    pretrained_model_name_or_path: shop.base,
    lora: folder,
    compare: true,
    output_dir,
    height: 32,
    width: 32,
  };
  for await (const _ of generate({
    ...options,
    prompt: ["a red circle"],
    num_images: 2,
    seed,
    steps: 3,
    scheduler: "euler",
  })) {
    // to its end
  }
  for (const [i, file] of files[0].entries()) {
    const [base, lora] = ["base", "lora"].map((side) => join(output_dir, `000${i}-seed-${seed + i}-${side}.png`)) as [
      string,
      string,
    ];
    assert.deepEqual(await pixels(join(folder, "samples/step-000000", file)), await pixels(base));
    assert.deepEqual(await pixels(join(folder, "samples/step-000005", file)), await pixels(lora));
    assert.notDeepEqual(await pixels(base), await pixels(lora));
  }
});

test("a picture says in itself how it was made, and the sheet has a row for each step", async () => {
  const folder = shop.at("seen-1");
  const [file] = readdirSync(join(folder, "samples/step-000004"));
  const png = readFileSync(join(folder, "samples/step-000004", file as string)).toString("latin1");
  assert.match(
    png,
    /parameters[\s\S]*a red circle\nSteps: 3, Sampler: EulerDiscreteScheduler, CFG scale: 5, Seed: \d+, Size: 32x32, .*Lora: seen-1 step 4/,
  );
  const { width, height } = await sharp(join(folder, CONTACT_SHEET)).metadata();
  assert.equal(width, 16 * 2 + 2 * 160 + 10);
  assert.ok((height ?? 0) > 4 * 160);
});

test("the validation loss does not depend on batch size, batches before it, or pictures drawn beside it", async () => {
  const losses = async (name: string, options: Partial<TrainOptionsInput>) =>
    ofType(
      await runAll(shop.run(name, { ...LOOKS, max_train_steps: 2, validation_prompt: null, ...options })),
      "validation",
    )[0];
  const one = await losses("alone", {});
  const many = await losses("batched", { train_batch_size: 4 });
  const drawn = await losses("drawn", { validation_prompt: "a" });
  const ahead = await losses("uncached", { cache_latents: false });
  assert.equal(one?.pictures, 2);
  assert.equal(drawn?.loss, one?.loss);
  assert.equal(ahead?.loss, one?.loss);
  assert.ok(Math.abs((many?.loss ?? 0) / (one?.loss ?? 1) - 1) < 1e-5, `${many?.loss} and ${one?.loss}`);
});

test("stopped while it looks, a run goes on where it was, and draws what was missing", async () => {
  const options = { ...LOOKS, max_train_steps: 4, train_text_encoder: true, lora_dropout: 0.1 };
  const whole = await runAll(shop.run("whole", options));
  const stops: ((e: TrainEvent) => boolean)[] = [
    (e) => e.type === "validating" && e.what === "loss" && e.step === 0,
    (e) => e.type === "sample" && e.step === 2,
    (e) => e.type === "validating" && e.what === "pictures" && e.step === 4,
  ];
  const parts: TrainEvent[][] = [];
  for (const stop of [...stops, undefined]) {
    const part = await runAll(
      shop.run("parts", { ...options, resume_from_checkpoint: parts.length === 0 ? null : "latest" }),
      stop,
    );
    assert.equal(part.at(-1)?.type, stop === undefined ? "run_finished" : "run_interrupted");
    parts.push(part);
  }
  // the first stop was before any checkpoint: the next part began anew; then each went on
  assert.deepEqual(
    parts.map((p) => curve(p).map(([step]) => step)),
    [[], [1, 2], [3, 4], []],
  );
  assert.equal(sha(shop.at("parts", ADAPTER)), sha(shop.at("whole", ADAPTER)));
  const samples = (name: string) =>
    readdirSync(shop.at(name, "samples"), { recursive: true })
      .map(String)
      .filter((f) => f.endsWith(".png"))
      .sort();
  assert.deepEqual(samples("parts"), samples("whole"));
  for (const f of samples("whole").filter((f) => f.includes("seed")))
    assert.deepEqual(await pixels(shop.at("parts", "samples", f)), await pixels(shop.at("whole", "samples", f)), f);
  const told = (name: string) =>
    readFileSync(shop.at(name, "events.jsonl"), "utf8")
      .split("\n")
      .filter((l) => /"type":"validation"/.test(l))
      .map((l) => JSON.parse(l) as { step: number; loss: number })
      .map(({ step, loss }) => [step, loss]);
  assert.deepEqual(told("parts"), told("whole"));
  assert.equal(ofType(whole, "sample").length, 6);
});

test("Ctrl-C while pictures are encoded ends the run, and what was encoded stays encoded", async () => {
  const cache = { cache_dir: shop.at("own-cache") };
  const first = await runAll(
    shop.run("early", cache),
    (e) => e.type === "preparing" && e.stage === "encode_pictures" && e.done === 3,
  );
  assert.deepEqual(
    first.slice(-1).map((e) => ({ ...e, seconds: 0 })),
    [{ type: "run_interrupted", step: 0, checkpoint: null, seconds: 0 }],
  );
  const again = await runAll(shop.run("early", cache));
  const start = ofType(again, "preparing").find((e) => e.stage === "encode_pictures");
  assert.ok((start?.done ?? 0) >= 3, JSON.stringify(start));
  assert.equal(again.at(-1)?.type, "run_finished");
});

test("a prompt given only when a run goes on is drawn with the base model too", async () => {
  const short = { max_train_steps: 2, checkpointing_steps: 2 };
  await runAll(shop.run("late", short));
  const pictures = { validation_prompt: "a", num_validation_images: 1, validation_inference_steps: 2 };
  const late = await runAll(
    shop.run("late", { ...short, ...pictures, max_train_steps: 3, resume_from_checkpoint: "latest" }),
  );
  assert.deepEqual(
    ofType(late, "sample").map((e) => e.step),
    [0, 3],
  );
  // another prompt: pictures of the one before would not be comparable
  const other = { ...pictures, validation_prompt: "b", max_train_steps: 4, resume_from_checkpoint: "latest" };
  assert.deepEqual(
    ofType(await runAll(shop.run("late", { ...short, ...other })), "sample").map((e) => e.step),
    [0, 3, 4],
  );
});

test("a prompt that is too long is cut, and the run says so", async () => {
  const events = await runAll(
    shop.run("long", { ...LOOKS, validation_prompt: "x".repeat(90), num_validation_images: 1, max_train_steps: 1 }),
  );
  const [warning] = ofType(events, "warning");
  assert.equal(
    warning?.message,
    "the validation prompt has 90 tokens and is cut after 75 (--max_token_length takes up to 225)",
  );
});

test("each picture's loss is told under its name, and their mean is the step's", async () => {
  const events = await runAll(
    shop.run("each", { debug_loss: true, gradient_accumulation_steps: 2, snr_gamma: 5, max_train_steps: 3 }),
  );
  const steps = ofType(events, "step");
  const losses = ofType(events, "picture_losses");
  assert.deepEqual(
    losses.map((l) => l.step),
    [1, 2, 3],
  );
  for (const [i, { losses: own }] of losses.entries()) {
    const mean = own.reduce((sum, l) => sum + l.loss, 0) / own.length;
    assert.ok(Math.abs(mean / (steps[i]?.loss ?? 0) - 1) < 1e-5);
    assert.ok(new Set(own.map((l) => l.loss)).size > 1, "they are not the batch's loss under every name");
    for (const { picture, timestep } of own) assert.ok(existsSync(join(shop.stills, picture)) && timestep < 1000);
  }
  const epoch = losses.slice(0, 2).flatMap((l) => l.losses.map((x) => x.picture));
  assert.deepEqual(epoch.sort(), ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png"]);
});

test("curves, sheet and losses are named at the end; TensorBoard's files are there unless unwanted", async () => {
  const finished = (await runAll(shop.run("told", { ...LOOKS, report_to: "wandb" }))).at(-1);
  assert.equal(finished?.type, "run_finished");
  if (finished?.type !== "run_finished") return;
  const { loss_plot, contact_sheet, validation, loss } = finished;
  assert.deepEqual([loss_plot, contact_sheet], ["loss.png", CONTACT_SHEET]);
  for (const f of ["loss.png", "loss.svg", CONTACT_SHEET]) assert.ok(existsSync(shop.at("told", f)), f);
  assert.deepEqual([validation?.first.step, validation?.last.step], [0, 5]);
  assert.ok((validation?.best.loss ?? 9) <= (validation?.first.loss ?? 0) && (loss ?? 0) > 0);
  assert.equal(readdirSync(shop.at("told", "logs")).length, 1);
  assert.ok(!existsSync(shop.at("seen-0", "logs")));
  rmSync(shop.at("told"), { recursive: true });
});
