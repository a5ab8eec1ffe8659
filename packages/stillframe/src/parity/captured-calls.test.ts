import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Generator, Linear, liveTensors, Module, noGrad, ones, scope, type Tensor } from "@stillframe/torch";
import { withCapturedCalls } from "./captured-calls.js";

class Pair extends Module {
  readonly layers = [new Linear(2, 3), new Linear(3, 2)] as const;
  forward(x: Tensor): Tensor {
    return scope(() => this.layers[1].forward(this.layers[0].forward(x)));
  }
}

describe("withCapturedCalls", () => {
  it("shows inputs and outputs by path, also those of an inner scope, and leaves nothing behind", () => {
    const model = new Pair().initialize(new Generator(1));
    const before = liveTensors();
    scope(() =>
      noGrad(() => {
        let seen: string[] = [];
        const x = ones([1, 2]);
        withCapturedCalls(
          model,
          () => model.forward(x),
          (calls) => {
            seen = [...calls].map(([path, { inputs, output }]) => `${path}: ${inputs[0]?.shape} → ${output.shape}`);
          },
        );
        assert.deepEqual(seen, ["layers.0: 1,2 → 1,3", "layers.1: 1,3 → 1,2", ": 1,2 → 1,2"]);
      }),
    );
    assert.equal(liveTensors(), before);
    assert.ok(!Object.hasOwn(model, "forward"));
    model.dispose();
  });

  it("takes the wrappers off when the body throws", () => {
    const model = new Pair();
    const broken = () => {
      throw new Error("stop");
    };
    assert.throws(() => withCapturedCalls(model, broken, () => assert.fail("nothing to look at")), /stop/);
    assert.ok(!Object.hasOwn(model.layers[0], "forward"));
  });
});
