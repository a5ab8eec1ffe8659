import assert from "node:assert/strict";
import { test } from "node:test";
import { Generator, Linear, liveTensors, Module, noGrad, ones, scope, type Tensor } from "@stillframe/torch";
import { firstNotFinite } from "./first-not-finite.js";

class Pair extends Module {
  readonly first = new Linear(3, 3);
  readonly second = new Linear(3, 3);
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x));
  }
}
const fill = (t: Tensor, value: number): void => noGrad(() => scope(() => void t.fill_(value)));
const made = (): Pair => new Pair().initialize(new Generator(1));

test("the innermost layer that gives the first NaN is named, and whether its weights are to blame", () => {
  const pair = made();
  const x = ones([1, 3]);
  const alive = liveTensors();
  const look = () => firstNotFinite({ pair }, () => pair.forward(x));
  assert.equal(look(), null);
  fill(pair.second.bias as Tensor, Number.NaN);
  assert.deepEqual(look(), { path: "pair.second", weightsFinite: false });
  fill(pair.first.weight, 3e38);
  assert.deepEqual(look(), { path: "pair.first", weightsFinite: true });
  assert.equal(liveTensors(), alive, "nothing is kept");
  assert.ok(!Object.hasOwn(pair.first, "forward"), "the layers are as they were");
  pair.dispose();
});
