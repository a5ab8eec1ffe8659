import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  backward,
  Conv2d,
  Generator,
  Module,
  noGrad,
  randn,
  readSafetensors,
  silu,
  type Tensor,
} from "@stillframe/torch";
import { LoraConv2d } from "./conv2d.js";
import { injectLora, removeLora, setLoraMultiplier } from "./inject.js";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/lora/${name}`, import.meta.url));
const { tensors: peft } = readSafetensors(fixture("conv2d.safetensors"));
const theirs = (key: string): Tensor => {
  const found = peft.get(key);
  assert.ok(found, key);
  return found;
};

/** The three convolutions of the fixture. */
class Convolutions extends Module {
  same = new Conv2d(6, 8, { kernel: 3 });
  down = new Conv2d(8, 8, { kernel: 3, stride: 2, padding: 1 });
  point = new Conv2d(8, 5, { kernel: 1, bias: false });

  forward(x: Tensor): Tensor {
    return this.point.forward(silu(this.down.forward(silu(this.same.forward(x)))));
  }
}
const LAYERS = ["same", "down", "point"] as const;

function plain(): Convolutions {
  const model = new Convolutions();
  for (const name of LAYERS) {
    model[name].weight = theirs(`base.${name}.weight`);
    if (model[name].bias !== null) model[name].bias = theirs(`base.${name}.bias`);
  }
  return model;
}

/** The fixture's model with its adapter on it. */
function adaptedModel() {
  const model = plain();
  const layers = injectLora(model, { rank: 3, alpha: 2, targets: LAYERS });
  for (const { path, layer } of layers) {
    noGrad(() => layer.loraA.copy_(theirs(`adapter.${path}.lora_A.weight`)));
    noGrad(() => layer.loraB.copy_(theirs(`adapter.${path}.lora_B.weight`)));
  }
  return { model, layers };
}

const largest = (t: Tensor): number => t.abs().amax().item();
function near(actual: Tensor, expected: Tensor, { within = 2e-6 }: { within?: number } = {}): void {
  assert.deepEqual(actual.shape, expected.shape);
  const error = largest(noGrad(() => actual.to("float32").sub(expected)));
  assert.ok(error <= within * Math.max(1, largest(expected)), `differs by ${error}`);
}

describe("LoraConv2d beside peft", () => {
  it("gives the same output and gradients", () => {
    const { model, layers } = adaptedModel();
    const x = theirs("x").clone().requiresGrad_();
    for (const { layer } of layers) for (const t of [layer.loraA, layer.loraB]) t.requiresGrad_();
    const y = model.forward(x);
    near(y, theirs("y"));
    backward(y.mul(theirs("g")).sum());
    near(x.grad as Tensor, theirs("x.grad"));
    for (const { path, layer } of layers) {
      near(layer.loraA.grad as Tensor, theirs(`grad.${path}.lora_A.weight`), { within: 1e-5 });
      near(layer.loraB.grad as Tensor, theirs(`grad.${path}.lora_B.weight`), { within: 1e-5 });
    }
  });

  it("has the same weights when merged, with stride, padding and bias kept", () => {
    const { model, layers } = adaptedModel();
    for (const { path, layer } of layers) {
      near(layer.delta(), theirs(`delta.${path}.weight`));
      const fused = layer.fuse();
      near(fused.weight, theirs(`merged.${path}.weight`));
      (model as unknown as Record<string, unknown>)[path] = fused;
    }
    near(model.forward(theirs("x")), theirs("y"), { within: 1e-5 });
  });
});

describe("LoraConv2d", () => {
  it("is the base to the last bit at strength 0, before training and when taken off", () => {
    const x = theirs("x");
    const expected = plain().forward(x).toArray();
    const { model } = adaptedModel();
    setLoraMultiplier(model, 0);
    assert.deepEqual(model.forward(x).toArray(), expected);
    removeLora(model);
    assert.deepEqual(model.forward(x).toArray(), expected);
    injectLora(model, { rank: 4, targets: LAYERS, generator: new Generator(1) });
    near(model.forward(x), plain().forward(x), { within: 0 });
  });

  it("begins as peft's gaussian does: A with deviation 1 / rank, B zero", () => {
    const layer = new LoraConv2d(new Conv2d(64, 64, { kernel: 3 }), { rank: 8 });
    layer.initializeAdapter(new Generator(2));
    assert.deepEqual(
      [layer.loraA.shape, layer.loraB.shape],
      [
        [8, 64, 3, 3],
        [64, 8, 1, 1],
      ],
    );
    const { loraA } = layer;
    const deviation = Math.sqrt(loraA.mul(loraA).mean().item());
    assert.ok(Math.abs(deviation - 1 / 8) < 0.004, `${deviation}`);
    assert.equal(largest(layer.loraB), 0);
  });

  it("drops a part of A's input from a generator of its own, and none of the base's", () => {
    const run = (seed: number, dropout: number) => {
      const { model, layers } = adaptedModel();
      for (const { layer } of layers) {
        layer.dropout = dropout;
        layer.dropoutGenerator = new Generator(seed);
      }
      return model.forward(theirs("x")).toArray();
    };
    assert.deepEqual(run(1, 0.5), run(1, 0.5));
    assert.notDeepEqual(run(1, 0.5), run(2, 0.5));
    assert.notDeepEqual(run(1, 0.5), run(1, 0));
    const { layers } = adaptedModel();
    const [{ layer }] = layers as [(typeof layers)[0]];
    layer.dropout = 0.5;
    assert.throws(() => layer.forward(theirs("x")), { name: "InvalidArgumentError", message: /dropoutGenerator/ });
  });

  it("computes in the input's type with factors in float32, over a weight kept in half precision", () => {
    const wide = adaptedModel();
    const narrow = adaptedModel();
    const x = randn([2, 6, 8, 8], { generator: new Generator(5) });
    for (const [i, { layer }] of narrow.layers.entries()) {
      const half = layer.base.weight.to("float16");
      layer.base.weight = half;
      (wide.layers[i] as (typeof wide.layers)[0]).layer.base.weight = half.to("float32");
    }
    near(narrow.model.forward(x), wide.model.forward(x), { within: 0 });
    const half = adaptedModel();
    for (const { layer } of half.layers) {
      layer.base.weight = layer.base.weight.to("bfloat16");
      layer.base.bias = layer.base.bias?.to("bfloat16") ?? null;
      layer.loraA.requiresGrad_();
    }
    const y = half.model.forward(theirs("x").to("bfloat16"));
    assert.equal(y.dtype, "bfloat16");
    near(y, theirs("y"), { within: 0.03 });
    backward(y.to("float32").mul(theirs("g")).sum());
    const { layer } = half.layers[0] as (typeof half.layers)[0];
    assert.equal(layer.loraA.grad?.dtype, "float32");
    near(layer.loraA.grad as Tensor, theirs("grad.same.lora_A.weight"), { within: 0.05 });
  });

  it("refuses a rank above the weight's own, naming the layer", () => {
    assert.throws(() => injectLora(plain(), { rank: 6, targets: LAYERS }), {
      name: "InvalidArgumentError",
      message: "expected an integer from 1 to 5, the full rank of point for rank but received 6",
    });
    assert.equal(injectLora(plain(), { rank: 8, targets: ["same", "down"] }).length, 2);
    assert.throws(() => injectLora(plain(), { rank: 2, targets: ["conv9"] }), {
      name: "InvalidArgumentError",
      message: /names of linear layers or convolutions of Convolutions for target_modules but received "conv9"/,
    });
    const { model } = adaptedModel();
    assert.throws(() => injectLora(model, { rank: 2, targets: LAYERS }), /a layer without an adapter for same/);
  });
});
