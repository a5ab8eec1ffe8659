import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Conv2d, Linear, loadWeights, Module, ones, type Tensor, tensor, WeightsError, zeros } from "../index.js";

class Pair extends Module {
  readonly first = new Linear(2, 3);
  readonly second = new Conv2d(1, 1, { kernel: 1 });
}
const good = (): Map<string, Tensor> =>
  new Map([
    ["first.weight", ones([3, 2])],
    ["first.bias", zeros([3])],
    ["second.weight", ones([1, 1, 1, 1])],
    ["second.bias", zeros([1])],
  ]);

describe("loadWeights", () => {
  it("takes the tensors as they are and owns them", () => {
    const pair = new Pair();
    const weights = good();
    loadWeights(pair, weights);
    for (const { key, tensor } of pair.weights()) assert.equal(tensor, weights.get(key));
    assert.deepEqual(pair.first.forward(tensor([1, 2])).toArray(), [3, 3, 3]);
    pair.dispose();
    assert.ok([...weights.values()].every((t) => t.disposed));
  });

  it("casts floating-point ones when asked, and frees what it was given", () => {
    const pair = new Pair();
    const weights = good();
    loadWeights(pair, weights, { dtype: "float16" });
    assert.ok([...pair.weights()].every((w) => w.tensor.dtype === "float16"));
    assert.ok([...weights.values()].every((t) => t.disposed));
  });

  it("lists everything that does not fit in one error and leaves the module as it was", () => {
    const pair = new Pair();
    loadWeights(pair, good());
    const before = [...pair.weights()].map((w) => w.tensor);
    const weights = good();
    weights.delete("first.bias");
    weights.set("first.weight", ones([2, 3]));
    weights.set("second.weight", ones([1, 1]));
    weights.set("third.weight", ones([1]));
    assert.throws(
      () => loadWeights(pair, weights, { source: "unet/model.safetensors" }),
      (e) => {
        assert.ok(e instanceof WeightsError);
        assert.equal(e.name, "WeightsError");
        assert.equal(
          e.message,
          "unet/model.safetensors does not fit the model:" +
            "\n  missing (1): first.bias" +
            "\n  unexpected (1): third.weight" +
            "\n  wrong shape (2): first.weight (expected [3, 2] but received [2, 3]), second.weight (expected [1, 1, 1, 1] but received [1, 1])",
        );
        assert.deepEqual([e.missing, e.unexpected, e.wrongShape.length], [["first.bias"], ["third.weight"], 2]);
        return true;
      },
    );
    assert.deepEqual(
      [...pair.weights()].map((w) => w.tensor),
      before,
    );
    assert.ok(before.every((t) => !t.disposed) && [...weights.values()].every((t) => !t.disposed));
  });

  it("shortens long lists and keeps them whole in the error", () => {
    const weights = new Map([...good(), ...Array.from({ length: 20 }, (_, i) => [`extra.${i}`, zeros([1])] as const)]);
    assert.throws(
      () => loadWeights(new Pair(), weights),
      (e) =>
        e instanceof WeightsError &&
        e.unexpected.length === 20 &&
        /^the checkpoint does not fit the model:\n {2}unexpected \(20\): extra\.0, .*extra\.7, …$/.test(e.message),
    );
  });

  it("refuses an empty checkpoint, and any weights for a module without", () => {
    assert.throws(() => loadWeights(new Pair(), new Map()), /missing \(4\)/);
    class Nothing extends Module {}
    loadWeights(new Nothing(), new Map());
    assert.throws(() => loadWeights(new Nothing(), good()), /unexpected \(4\)/);
  });
});
