import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parseEventLine, type TrainEvent, type TrainEventOf, type TrainOptionsInput } from "@stillframe/schema";
import { noGrad, readSafetensors, type Tensor, writeSafetensors } from "@stillframe/torch";
import { openWorkshop, type Workshop } from "../testing/workshop.js";
import { train } from "../train/index.js";
import { openSmallDisk, readOnly, type SmallDisk } from "./small-disk.test.support.js";

let shop: Workshop;
let disk: SmallDisk | null;
before(async () => {
  shop = await openWorkshop();
  disk = openSmallDisk(8);
});
after(() => {
  disk?.close();
  shop.close();
});

const ADAPTER = "pytorch_lora_weights.safetensors";
const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

interface Ended {
  events: TrainEvent[];
  failed: TrainEventOf<"run_failed">;
  error: Error;
}

/** A run that must fail: its events, the last of them, and what was thrown. `meddle` sees each event as it comes. */
async function failing(options: TrainOptionsInput, meddle: (e: TrainEvent) => void = () => {}): Promise<Ended> {
  const events: TrainEvent[] = [];
  try {
    for await (const e of train(options)) {
      events.push(e);
      meddle(e);
    }
  } catch (e) {
    const last = events.at(-1);
    assert.equal(last?.type, "run_failed");
    if (last?.type !== "run_failed") throw e;
    assert.equal(last.message, (e as Error).message);
    return { events, failed: last, error: e as Error };
  }
  return assert.fail("the run did not fail");
}

async function finishes(options: TrainOptionsInput): Promise<void> {
  let last: TrainEvent | undefined;
  for await (const e of train(options)) last = e;
  assert.equal(last?.type, "run_finished");
}

/** Nothing in a run's folder is half written. */
function assertWhole(folder: string): void {
  const files = readdirSync(folder, { recursive: true }).map(String);
  assert.deepEqual(
    files.filter((f) => /partial|\.old/.test(f)),
    [],
  );
  const events = readFileSync(join(folder, "events.jsonl"), "utf8");
  assert.ok(events.endsWith("\n"));
  for (const line of events.trim().split("\n")) parseEventLine(line);
  for (const c of readdirSync(join(folder, "checkpoints"))) {
    JSON.parse(readFileSync(join(folder, "checkpoints", c, "state.json"), "utf8"));
    for (const t of readSafetensors(join(folder, "checkpoints", c, "state.safetensors")).tensors.values()) t.dispose();
  }
}

/** Goes on with a run whose obstacle is gone, and compares its end with a run that had none. */
async function assertGoesOn(options: TrainOptionsInput): Promise<void> {
  await finishes({ ...options, resume_from_checkpoint: "latest" });
  const undisturbed = shop.run("undisturbed", {
    ...options,
    overwrite_output_dir: true,
    output_dir: shop.at("undisturbed"),
    report_to: "none",
  });
  await finishes({ ...undisturbed, validation_prompt: null, validation_steps: null });
  assert.equal(sha(join(options.output_dir as string, ADAPTER)), sha(shop.at("undisturbed", ADAPTER)));
}

const SIX = { max_train_steps: 6, checkpointing_steps: 2 };
const noDisk = "mounting a small disk is not permitted here";

test("a disk that fills up under a checkpoint: the one before it is whole, and the run goes on from it", async (t) => {
  if (disk === null) return t.skip(noDisk);
  const options = shop.run("", { ...SIX, output_dir: join(disk.folder, "a") });
  const { failed, error } = await failing(options, (e) => {
    if (e.type !== "step" || e.step !== 3) return;
    disk?.fill();
    // room for its events and nothing more
    disk?.resize(8.05);
  });
  assert.match(
    failed.message,
    /^no space is left on the disk of .*\/a \(0\.\d MB free\): make room there, then go on with --resume_from_checkpoint=latest$/,
  );
  assert.equal((error.cause as NodeJS.ErrnoException).code, "ENOSPC");
  assert.deepEqual([failed.step, failed.checkpoint], [4, "checkpoints/step-000002"]);
  assertWhole(options.output_dir as string);
  disk.empty();
  disk.resize(8);
  await assertGoesOn(options);
});

test("a full disk under events, logs and pictures", async (t) => {
  if (disk === null) return t.skip(noDisk);
  const looks = {
    validation_prompt: "a",
    num_validation_images: 1,
    validation_inference_steps: 1,
    validation_steps: 4,
  };
  const moments: [name: string, when: (e: TrainEvent) => boolean, step: number][] = [
    ["events", (e) => e.type === "step" && e.step === 3, 4],
    ["pictures", (e) => e.type === "validating" && e.step === 4, 4],
  ];
  for (const [name, when, step] of moments) {
    const options = shop.run("", { ...SIX, ...looks, report_to: "tensorboard", output_dir: join(disk.folder, name) });
    const { failed } = await failing(options, (e) => {
      if (when(e)) disk?.fill();
    });
    assert.match(failed.message, /^no space is left on the disk of /, name);
    assert.equal(failed.step, step, name);
    assert.match(failed.checkpoint ?? "", /step-00000[24]$/);
    assertWhole(options.output_dir as string);
    disk.empty();
    await assertGoesOn(options);
  }
});

test("an output folder that may not be written, from the start or from some moment on", async (t) => {
  if (disk === null) return t.skip(noDisk);
  mkdirSync(shop.at("sealed"));
  const { undo } = readOnly(shop.at("sealed"));
  try {
    await assert.rejects(
      async () => finishes(shop.run("", { output_dir: shop.at("sealed", "run") })),
      /^RunFailedError: .*sealed\/run.* may not be written: allow it, then go on with --resume_from_checkpoint=latest; or choose another --output_dir$/,
    );
  } finally {
    undo();
  }
  const options = shop.run("sealed-later", SIX);
  let sealed: { undo: () => void } | undefined;
  const { failed } = await failing(options, (e) => {
    if (e.type === "step" && e.step === 1) sealed = readOnly(shop.at("sealed-later", "checkpoints"));
  });
  sealed?.undo();
  assert.match(failed.message, /checkpoints\/step-000002\.partial may not be written: allow it, then go on/);
  assert.deepEqual([failed.step, failed.checkpoint], [2, null]);
  await assertGoesOn(options);
});

test("a picture that vanishes while it is trained on", async () => {
  cpSync(shop.stills, shop.at("stills-2"), { recursive: true });
  const options = shop.run("vanished", { ...SIX, train_data_dir: shop.at("stills-2"), cache_latents: false });
  const [from, to] = [shop.at("stills-2", "3.png"), shop.at("3.png")];
  const { failed } = await failing(options, (e) => {
    if (e.type === "step" && e.step === 3) renameSync(from, to);
  });
  assert.match(
    failed.message,
    /^the picture 3\.png could be read before and cannot now \(.*\): put it back, then go on with --resume_from_checkpoint=latest; or begin anew without it$/,
  );
  assert.match(failed.checkpoint ?? "", /step-00000[24]$/);
  assertWhole(shop.at("vanished"));
  await assert.rejects(
    async () => finishes({ ...options, resume_from_checkpoint: "latest" }),
    /expected the pictures and captions that .*step-00000[24] was made with for train_data_dir but received "others/,
  );
  renameSync(to, from);
  await assertGoesOn(options);
});

/** A copy of the base whose file has one weight changed. */
function spoiled(name: string, { file, key, value }: { file: string; key: string; value: number }): string {
  cpSync(shop.base, shop.at(name), { recursive: true });
  const path = shop.at(name, file);
  const weights = new Map([...readSafetensors(path).tensors].map(([k, t]): [string, Tensor] => [k, t.clone()]));
  noGrad(() => weights.get(key)?.flatten().narrow(0, 0, 1).fill_(value));
  writeSafetensors(path, weights, { metadata: { format: "pt" } });
  for (const t of weights.values()) t.dispose();
  return shop.at(name);
}

test("NaN in the loss names the step, the pictures and the first layer", async () => {
  const unet = "unet/diffusion_pytorch_model.safetensors";
  const base = spoiled("inf-base", {
    file: unet,
    key: "down_blocks.0.resnets.0.conv1.weight",
    value: Number.POSITIVE_INFINITY,
  });
  const { failed } = await failing(shop.run("inf", { pretrained_model_name_or_path: base }));
  assert.match(
    failed.message,
    /^the loss of step 1 \(pictures \d\.png, \d\.png\) is not finite: lower the learning rate.*\. The first layer that made it so is unet\.down_blocks\.0\.resnets\.0\.conv1, whose weights are not finite: the model's file may be damaged$/,
  );
  assert.deepEqual([failed.step, failed.checkpoint], [0, null]);
});

test("NaN in latents names the picture", async () => {
  const vae = "vae/diffusion_pytorch_model.safetensors";
  const base = spoiled("nan-vae", { file: vae, key: "encoder.conv_in.bias", value: Number.NaN });
  const { failed } = await failing(
    shop.run("nan", { pretrained_model_name_or_path: base, cache_dir: shop.at("nan-cache") }),
  );
  assert.match(failed.message, /^the VAE's latents of \d\.png is not finite: /);
});

test("a run that diverges ends before its weights do: the checkpoint before is finite", async () => {
  const options = shop.run("diverged", {
    max_train_steps: 60,
    checkpointing_steps: 1,
    checkpoints_total_limit: 1,
    learning_rate: 1e19,
    max_grad_norm: 1e9,
  });
  const { failed } = await failing(options);
  assert.match(failed.message, /^the (loss|gradient) of step \d+ .*is not finite: lower the learning rate/);
  assert.equal(failed.checkpoint, `checkpoints/step-${String(failed.step).padStart(6, "0")}`);
  assertWhole(shop.at("diverged"));
  const { tensors } = readSafetensors(shop.at("diverged", failed.checkpoint as string, "state.safetensors"));
  assert.ok([...tensors.values()].every((t) => t.isfinite().all().item()));
  assert.ok(!existsSync(shop.at("diverged", ADAPTER)));
});
