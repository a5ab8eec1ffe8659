import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  Conv2d,
  checkpointKey,
  Generator,
  GroupNorm,
  type Layer,
  Linear,
  liveTensors,
  Module,
  OperatorError,
  scope,
  type Tensor,
  tensor,
  zeros,
} from "../index.js";

class Block extends Module {
  readonly convIn = new Conv2d(3, 4, { kernel: 3 });
  readonly norm_1 = new GroupNorm(2, 4);
  readonly toOut: (Layer | null)[] = [new Linear(4, 5), null, new Linear(5, 4, { bias: false })];
  readonly scaleShift: Tensor = zeros([2]);
  readonly size = 3;
  readonly empty: Layer | null = null;
  forward(x: Tensor): Tensor {
    return this.norm_1.forward(this.convIn.forward(x));
  }
}
const KEYS = [
  "conv_in.weight",
  "conv_in.bias",
  "norm_1.weight",
  "norm_1.bias",
  "to_out.0.weight",
  "to_out.0.bias",
  "to_out.2.weight",
  "scale_shift",
];

describe("a module", () => {
  it("names its weights as a checkpoint does, in the order of its properties", () => {
    const block = new Block();
    assert.deepEqual(
      [...block.weights()].map((w) => w.key),
      KEYS,
    );
    assert.deepEqual(
      [...block.stateDict("unet.").keys()],
      KEYS.map((k) => `unet.${k}`),
    );
    assert.deepEqual(
      [...block.modules()].map((m) => m.path),
      ["", "conv_in", "norm_1", "to_out.0", "to_out.2"],
    );
    assert.equal(block.parameterCount, 3 * 4 * 9 + 4 + 4 + 4 + 20 + 5 + 20 + 2);
  });

  it("turns properties into keys by one rule", () => {
    assert.deepEqual(["downBlocks", "linear_1", "toQ", "q_proj", "weight"].map(checkpointKey), [
      "down_blocks",
      "linear_1",
      "to_q",
      "q_proj",
      "weight",
    ]);
  });

  it("has weights without memory until they are loaded or drawn", () => {
    const block = new Block();
    assert.equal(block.convIn.weight.device, "meta");
    assert.throws(
      () => block.forward(zeros([1, 3, 4, 4])),
      (e) =>
        e instanceof OperatorError &&
        e.message.startsWith("conv2d: a weight was declared but never loaded or initialized (device meta)."),
    );
  });

  it("draws the same weights from the same seed", () => {
    const draw = (seed: number) => {
      const block = new Block().initialize(new Generator(seed));
      return [...block.weights()].map((w) => w.tensor.toArray());
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
    const block = new Block().initialize(new Generator(1));
    const bound = 1 / Math.sqrt(27);
    const conv = block.convIn.weight.toArray();
    assert.ok(conv.every((w) => w >= -bound && w < bound) && Math.max(...conv) > bound / 2);
    assert.deepEqual(
      [block.norm_1.weight.toArray(), block.norm_1.bias.toArray()],
      [
        [1, 1, 1, 1],
        [0, 0, 0, 0],
      ],
    );
  });

  it("is trained as a whole or in parts", () => {
    const block = new Block().initialize(new Generator(1));
    assert.equal(block.trainable().length, 0);
    block.requiresGrad_(true);
    assert.equal(block.trainable().length, KEYS.length);
    block.convIn.requiresGrad_(false);
    assert.equal(block.trainable().length, KEYS.length - 2);
  });

  it("casts what changes thereby and leaves the rest in its place", () => {
    const block = new Block().initialize(new Generator(1));
    block.convIn.requiresGrad_(true);
    const before = new Map([...block.weights()].map((w) => [w.key, w.tensor]));
    assert.equal(block.to({ dtype: "float32", device: "cpu" }), block);
    for (const { key, tensor } of block.weights()) assert.equal(tensor, before.get(key));

    block.to({ dtype: "bfloat16" });
    for (const { key, tensor } of block.weights())
      assert.deepEqual(
        [tensor.dtype, before.get(key)?.disposed, tensor.requiresGrad],
        ["bfloat16", true, key.startsWith("conv_in")],
      );
    assert.throws(() => block.convIn.weight.requiresGrad_(false).requiresGrad_(true).add_(1), /leaf Variable/); // still a leaf
  });

  it("keeps integer weights as they are", () => {
    class Ids extends Module {
      ids = tensor([1, 2], { dtype: "int64" });
    }
    assert.equal(new Ids().to({ dtype: "float16" }).ids.dtype, "int64");
  });

  it("owns its weights: scopes do not free them, dispose does", () => {
    const before = liveTensors();
    let block: Block | undefined;
    scope(() => {
      const made = new Block();
      made.scaleShift.dispose();
      block = made.initialize(new Generator(1));
    });
    assert.deepEqual(
      scope(() => block?.convIn.forward(zeros([1, 3, 4, 4])).shape),
      [1, 4, 4, 4],
    );
    assert.equal(liveTensors(), before + 7);
    block?.dispose();
    assert.equal(liveTensors(), before);
  });
});
