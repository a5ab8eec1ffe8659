import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTrainOptions, type TrainOptionsInput } from "@stillframe/schema";
import { type PlanInput, StepPlan } from "./step-plan.js";

const options = (more: Partial<TrainOptionsInput> = {}) =>
  parseTrainOptions({
    pretrained_model_name_or_path: "base",
    train_data_dir: "data",
    train_batch_size: 4,
    num_train_epochs: 3,
    ...more,
  });
const input = (n: number, more: Partial<PlanInput> = {}): PlanInput => ({
  seed: 1,
  captionCounts: new Array<number>(n).fill(1),
  buckets: new Array<number>(n).fill(0),
  crops: 1,
  ...more,
});
const shown = (plan: StepPlan, epoch: number) =>
  [...plan.steps()].filter((s) => s.epoch === epoch).flatMap((s) => s.batches.flat());

describe("StepPlan", () => {
  it("counts steps and epochs as the options say", () => {
    const count = (n: number, more: Partial<TrainOptionsInput>) => {
      const { stepsPerEpoch, totalSteps, totalEpochs } = new StepPlan(options(more), input(n));
      return [stepsPerEpoch, totalSteps, totalEpochs];
    };
    assert.deepEqual(count(10, {}), [3, 9, 3]);
    assert.deepEqual(count(10, { gradient_accumulation_steps: 2 }), [2, 6, 3]);
    assert.deepEqual(count(10, { max_train_steps: 7 }), [3, 7, 3]);
    assert.deepEqual(
      count(1790, { train_batch_size: 1, gradient_accumulation_steps: 8, num_train_epochs: 10 }),
      [224, 2240, 10],
    );
  });

  it("shows each picture once an epoch, in another order each time", () => {
    const plan = new StepPlan(options(), input(30));
    const orders = [0, 1, 2].map((e) => shown(plan, e).map((s) => s.picture));
    for (const order of orders)
      assert.deepEqual(
        [...order].sort((a, b) => a - b),
        Array.from({ length: 30 }, (_, i) => i),
      );
    assert.equal(new Set(orders.map(String)).size, 3);
    assert.notDeepEqual(
      orders[0],
      shown(new StepPlan(options(), input(30, { seed: 2 })), 0).map((s) => s.picture),
    );
  });

  it("puts pictures of one bucket in a batch, all batches full but the last of each bucket, buckets mixed", () => {
    const buckets = Array.from({ length: 50 }, (_, i) => (i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2)); // 30, 15, 5
    const plan = new StepPlan(options(), input(50, { buckets }));
    const batches = [...plan.steps()].filter((s) => s.epoch === 0).flatMap((s) => s.batches);
    for (const b of batches) assert.equal(new Set(b.map((s) => buckets[s.picture])).size, 1);
    assert.deepEqual(batches.map((b) => b.length).sort(), [1, 2, 3, ...new Array(11).fill(4)].sort());
    const order = batches.map((b) => buckets[(b[0] as { picture: number }).picture]);
    assert.notDeepEqual(order, [...order].sort(), "not one bucket after the other");
  });

  it("knows any step by its number, as the iteration gives it, from any beginning", () => {
    const plan = new StepPlan(options({ random_flip: true, caption_dropout: 0.3 }), input(10, { crops: 4 }));
    const all = [...plan.steps()];
    for (const step of all) assert.deepEqual(plan.at(step.step), step);
    const backwards = all.toReversed().map((s) => plan.at(s.step));
    assert.deepEqual(backwards.toReversed(), all);
    assert.deepEqual(
      [...new StepPlan(options({ random_flip: true, caption_dropout: 0.3 }), input(10, { crops: 4 })).steps(5)],
      all.slice(4),
    );
    assert.deepEqual([plan.at(0), plan.at(10)], [null, null]);
    assert.deepEqual(
      all.map((s) => s.endsEpoch),
      [false, false, true, false, false, true, false, false, true],
    );
  });

  it("flips, drops and chooses captions as often as it should, anew each epoch", () => {
    const n = 4000;
    const captionCounts = new Array<number>(n).fill(4);
    const plan = new StepPlan(
      options({ random_flip: true, caption_dropout: 0.1, num_train_epochs: 2, train_batch_size: 100 }),
      input(n, { captionCounts, crops: 4 }),
    );
    const [first, second] = [shown(plan, 0), shown(plan, 1)];
    const share = (list: typeof first, of: (s: (typeof first)[0]) => boolean) => list.filter(of).length / n;
    assert.ok(Math.abs(share(first, (s) => s.flipped) - 0.5) < 0.03);
    assert.ok(Math.abs(share(first, (s) => s.dropCaption) - 0.1) < 0.02);
    for (let c = 0; c < 4; c++) assert.ok(Math.abs(share(first, (s) => s.caption === c) - 0.25) < 0.03);
    assert.deepEqual(
      [new Set(first.map((s) => s.crop)), new Set(second.map((s) => s.crop))],
      [new Set([0]), new Set([1])],
    );
    const flips = new Map(first.map((s) => [s.picture, s.flipped]));
    assert.ok(Math.abs(share(second, (s) => s.flipped === flips.get(s.picture)) - 0.5) < 0.03);
  });

  it("leaves the same pictures without a caption for the whole run", () => {
    const plan = new StepPlan(options({ proportion_empty_prompts: 0.25 }), input(40));
    const empty = (epoch: number) =>
      new Set(
        shown(plan, epoch)
          .filter((s) => s.dropCaption)
          .map((s) => s.picture),
      );
    assert.equal(empty(0).size, 10);
    assert.deepEqual([...empty(0)].sort(), [...empty(2)].sort());
  });
});
