import assert from "node:assert/strict";
import { test } from "node:test";
import { ManifestSchema } from "@stillframe/schema";
import { boardPower } from "./board-power.js";
import { hardwareOf } from "./hardware.js";

test("this machine is what a manifest takes", async () => {
  const here = await hardwareOf("cpu");
  assert.deepEqual(ManifestSchema.shape.hardware.parse(here), here);
  assert.equal(here.accelerator, null);
  assert.notEqual((await hardwareOf("cuda:99")).accelerator, "");
  assert.match((await hardwareOf("mps")).accelerator ?? "", / GPU$/);
});

test("board power is known by the whole name", () => {
  assert.equal(boardPower("NVIDIA H100 80GB HBM3"), 700);
  assert.equal(boardPower("NVIDIA A100-SXM4-80GB"), 400);
  assert.equal(boardPower("NVIDIA GeForce RTX 3090 Ti"), 450);
  assert.equal(boardPower("NVIDIA L40S"), 350);
  assert.equal(boardPower("NVIDIA L4000"), undefined);
  assert.equal(boardPower("Some GPU"), undefined);
});
