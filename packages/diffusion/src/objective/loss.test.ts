import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tensor } from "@stillframe/torch";
import { diffusionLoss } from "./loss.js";

// two pictures of one channel, 1 × 2; squared errors 1, 4 and 9, 0
const prediction = tensor([[[[1, 2]]], [[[3, 4]]]]);
const target = tensor([[[[0, 0]]], [[[0, 4]]]]);

describe("diffusionLoss", () => {
  it("is the mean squared error", () => assert.equal(diffusionLoss(prediction, target).item(), 14 / 4));

  it("weighs pictures, places, and both", () => {
    const weights = tensor([1, 3]);
    const regions = tensor([[[[2, 0]]], [[[0.5, 1.5]]]]);
    assert.equal(diffusionLoss(prediction, target, { weights }).item(), (5 + 3 * 9) / 4);
    assert.equal(diffusionLoss(prediction, target, { regions }).item(), (2 + 4.5) / 4);
    assert.equal(diffusionLoss(prediction, target, { weights, regions }).item(), (2 + 3 * 4.5) / 4);
  });

  it("is taken in float32", () => {
    const half = diffusionLoss(prediction.to("bfloat16"), target.to("bfloat16"));
    assert.deepEqual([half.dtype, half.item()], ["float32", 14 / 4]);
  });
});
