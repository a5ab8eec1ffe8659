import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { type TrainOptionsInput, trainOptions } from "@stillframe/schema";
import {
  AdamW,
  AdamW8bit,
  FlatParameters,
  Generator,
  Prodigy,
  readSafetensors,
  scope,
  tensor,
} from "@stillframe/torch";
import { flagsOf, openWorkshop, runCli } from "../testing/workshop.js";
import { makeOptimizer } from "./optimizer.js";
import type { Trainable } from "./trainable.js";

const optionsOf = (options: Partial<TrainOptionsInput>) =>
  trainOptions.parse({
    pretrained_model_name_or_path: "base",
    train_data_dir: "stills",
    output_dir: "run",
    train_text_encoder: true,
    ...options,
  });

function trainable(): Trainable {
  const group = (name: "unet" | "text_encoders", values: number[]) => ({
    name,
    parameters: new FlatParameters([{ name: "p", tensor: tensor(values), replace: () => undefined }]),
  });
  const groups = [group("unet", [1, 2]), group("text_encoders", [3])];
  return { groups, adapter: null, size: 3, generator: new Generator(0) };
}

describe("makeOptimizer", () => {
  const adam = { adam_beta1: 0.8, adam_beta2: 0.99, adam_epsilon: 1e-6, adam_weight_decay: 0.3 };
  const settings = { betas: [0.8, 0.99], eps: 1e-6, weightDecay: 0.3 };

  it("makes AdamW with the options' settings and a rate for each group", () => {
    const parts = trainable();
    const optimizer = makeOptimizer(optionsOf({ ...adam, learning_rate: 0.1, text_encoder_lr: 0.02 }), parts);
    assert.ok(optimizer instanceof AdamW);
    assert.deepEqual([optimizer.betas, optimizer.eps, optimizer.weightDecay], Object.values(settings));
    assert.deepEqual(
      optimizer.groups.map((g) => g.lr),
      [0.1, 0.02],
    );
    assert.deepEqual(
      optimizer.groups.map((g) => g.parameters),
      parts.groups.map((g) => [g.parameters.parameter]),
    );
  });

  it("makes AdamW in 8 bits", () => {
    const optimizer = makeOptimizer(optionsOf({ ...adam, use_8bit_adam: true, text_encoder_lr: 5e-5 }), trainable());
    assert.ok(optimizer instanceof AdamW8bit);
    assert.deepEqual(optimizer.settings, settings);
    assert.deepEqual(
      optimizer.groups.map((g) => g.lr),
      [1e-4, 5e-5],
    );
  });

  it("makes Prodigy", () => {
    const prodigy = { optimizer: "prodigy" as const, learning_rate: 1 };
    const own = { prodigy_d_coef: 0.5, prodigy_use_bias_correction: false, prodigy_safeguard_warmup: false };
    const optimizer = makeOptimizer(optionsOf({ ...adam, ...prodigy, ...own }), trainable());
    assert.ok(optimizer instanceof Prodigy);
    assert.deepEqual(optimizer.settings, {
      ...settings,
      beta3: Math.sqrt(0.99),
      dCoef: 0.5,
      d0: 1e-6,
      growthRate: Number.POSITIVE_INFINITY,
      useBiasCorrection: false,
      safeguardWarmup: false,
    });
    assert.deepEqual(
      optimizer.groups.map((g) => g.lr),
      [1, 1],
    );
    const usual = makeOptimizer(optionsOf(prodigy), trainable()) as Prodigy;
    assert.deepEqual(
      [usual.settings.useBiasCorrection, usual.settings.safeguardWarmup, usual.settings.dCoef],
      [true, true, 1],
    );
  });

  it("refuses two rates for Prodigy, but lets a group rest", () => {
    const options = { optimizer: "prodigy" as const, learning_rate: 1 };
    assert.throws(() => makeOptimizer(optionsOf({ ...options, text_encoder_lr: 0.5 }), trainable()), {
      name: "InvalidArgumentError",
      message: "expected learning_rate (1), or 0, with optimizer=prodigy for text_encoder_lr but received 0.5",
    });
    const optimizer = makeOptimizer(optionsOf({ ...options, text_encoder_lr: 0 }), trainable());
    assert.deepEqual(
      optimizer.groups.map((g) => g.lr),
      [1, 0],
    );
  });

  it("refuses Prodigy in 8 bits", () => {
    const options = { ...optionsOf({ optimizer: "prodigy", learning_rate: 1 }), use_8bit_adam: true };
    assert.throws(() => makeOptimizer(options, trainable()), {
      name: "InvalidArgumentError",
      message: "expected false with optimizer=prodigy for use_8bit_adam but received true",
    });
  });
});

const WEIGHTS = "pytorch_lora_weights.safetensors";
const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

for (const { name, choice, kept } of [
  { name: "AdamW in 8 bits", choice: { use_8bit_adam: true }, kept: "optimizer.0.mean.codes uint8" },
  { name: "Prodigy", choice: { optimizer: "prodigy" as const, learning_rate: 1 }, kept: "optimizer.0.start float32" },
])
  it(`a run with ${name} goes on from a checkpoint bit for bit`, { timeout: 120_000 }, async () => {
    const shop = await openWorkshop();
    try {
      // rank 16, so that there are enough parameters for 8 bits
      const options = { rank: 16, max_train_steps: 6, checkpointing_steps: 3, train_text_encoder: true, ...choice };
      const flags = flagsOf(shop.run("whole", options));
      const whole = await runCli(["train", ...flags]);
      assert.equal(whole.code, 0, whole.err);
      const state = (step: number) => shop.at("whole", "checkpoints", `step-00000${step}`, "state.safetensors");
      const done = { weights: sha(shop.at("whole", WEIGHTS)), state: sha(state(6)) };
      const saved = scope(() => [...readSafetensors(state(6)).tensors].map(([key, t]) => `${key} ${t.dtype}`));
      assert.ok(saved.includes(kept), `${kept} is not among ${saved.join(", ")}`);

      rmSync(dirname(state(6)), { recursive: true });
      rmSync(shop.at("whole", WEIGHTS));
      // a run that began anew would write this checkpoint anew
      writeFileSync(join(dirname(state(3)), "mark"), "");
      const again = await runCli(["train", ...flags, "--resume_from_checkpoint=latest"]);
      assert.equal(again.code, 0, again.err);
      assert.ok(existsSync(join(dirname(state(3)), "mark")));
      assert.deepEqual({ weights: sha(shop.at("whole", WEIGHTS)), state: sha(state(6)) }, done);
    } finally {
      shop.close();
    }
  });
