import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AdamW, InvalidArgumentError, keep, liveTensors, scope, type Tensor, tensor, zeros } from "../index.js";
import { near, reference, tensorOf, valuesOf } from "../near.test.js";

type Case = (typeof reference.adamw)[0];

function start(c: Case): { parameters: Tensor[]; optimizer: AdamW } {
  const parameters = c.initial.map((p) => tensorOf(p).requiresGrad_());
  const { betas, eps, weight_decay: weightDecay } = c.options;
  return { parameters, optimizer: new AdamW(parameters, { lr: 1, betas, eps, weightDecay }) };
}
function step(optimizer: AdamW, parameters: readonly Tensor[], { lr, grads }: Case["steps"][0]): void {
  for (const [i, p] of parameters.entries()) {
    const g = grads[i];
    p.grad = g ? tensorOf(g) : null;
  }
  (optimizer.groups[0] as { lr: number }).lr = lr;
  optimizer.step();
}

describe("AdamW", () => {
  for (const [i, c] of reference.adamw.entries())
    it(`takes the steps of Python's torch (${i}): decay, changing rates, gradients that are missing or come later`, () => {
      const { parameters, optimizer } = start(c);
      for (const s of c.steps) {
        step(optimizer, parameters, s);
        for (const [k, p] of parameters.entries()) near(p, s.parameters[k] as (typeof s.parameters)[0], 1e-6);
      }
      // no gradient, no step: not even weight decay
      assert.deepEqual(parameters[1]?.toArray(), tensor(valuesOf(c.initial[1] as (typeof c.initial)[0])).toArray());
      optimizer.dispose();
    });

  it("continues exactly from a saved state", () => {
    const c = reference.adamw[0] as Case;
    const whole = start(c);
    for (const s of c.steps) step(whole.optimizer, whole.parameters, s);

    const first = start(c);
    for (const s of c.steps.slice(0, 3)) step(first.optimizer, first.parameters, s);
    const state = first.optimizer.state();
    assert.deepEqual(state.numbers, { "0.step": 3, "2.step": 1 });
    assert.deepEqual([...state.tensors.keys()], ["0.mean", "0.square", "2.mean", "2.square"]);

    const second = start(c);
    step(second.optimizer, second.parameters, c.steps[0] as Case["steps"][0]); // what it had is replaced
    for (const [i, p] of second.parameters.entries()) p.detach().copy_((first.parameters[i] as Tensor).detach());
    second.optimizer.loadState(state);
    first.optimizer.dispose();
    for (const s of c.steps.slice(3)) step(second.optimizer, second.parameters, s);
    for (const [i, p] of second.parameters.entries()) assert.deepEqual(p.data(), whole.parameters[i]?.data());
  });

  it("refuses the state of another optimizer, and is unchanged", () => {
    const p = zeros([2]).requiresGrad_();
    const optimizer = new AdamW([p], { lr: 0.1 });
    p.grad = tensor([1, 1]);
    optimizer.step();
    const good = optimizer.state();
    const refused = (
      change: (s: { tensors: Map<string, Tensor>; numbers: Record<string, number> }) => void,
      message: RegExp,
    ) => {
      const state = { tensors: new Map(good.tensors), numbers: { ...good.numbers } };
      change(state);
      assert.throws(
        () => optimizer.loadState(state),
        (e) => e instanceof InvalidArgumentError && message.test(e.message),
      );
    };
    refused(
      (s) => s.tensors.delete("0.square"),
      /^expected a tensor of shape \[2\] for 0\.square but received undefined$/,
    );
    refused(
      (s) => s.tensors.set("0.mean", tensor([1])),
      /^expected a tensor of shape \[2\] for 0\.mean but received \[1\]$/,
    );
    refused(
      (s) => s.tensors.set("1.mean", tensor([1])),
      /^expected the state of 1 parameters for optimizer state but received "1\.mean"$/,
    );
    refused((s) => {
      s.numbers["5.step"] = 2;
    }, /received "5\.step"$/);
    refused((s) => {
      s.numbers["0.step"] = 0.5;
    }, /^expected an integer from 1 for 0\.step but received 0\.5$/);
    refused((s) => {
      delete s.numbers["0.step"];
    }, /received "0\.mean"$/);
    assert.deepEqual(
      [optimizer.state().numbers, optimizer.state().tensors.get("0.mean")?.disposed],
      [{ "0.step": 1 }, false],
    );
  });

  it("gives each group its own rate", () => {
    const [a, b] = [zeros([1]).requiresGrad_(), zeros([1]).requiresGrad_()];
    const optimizer = new AdamW(
      [
        { parameters: [a], lr: 0.1 },
        { parameters: [b], lr: 0.01 },
      ],
      { lr: 1, weightDecay: 0 },
    );
    a.grad = tensor([3]);
    b.grad = tensor([-3]);
    optimizer.step();
    near(a, [-0.1]);
    near(b, [0.01]);
    optimizer.zeroGrad();
    assert.deepEqual([a.grad, b.grad], [null, null]);
  });

  it("a rate of 0 changes nothing, but counts the step", () => {
    const p = tensor([5]).requiresGrad_();
    const optimizer = new AdamW([p], { lr: 0 });
    p.grad = tensor([1]);
    optimizer.step();
    assert.deepEqual([p.item(), optimizer.state().numbers], [5, { "0.step": 1 }]);
  });

  it("keeps its moments out of scopes, and makes nothing else that stays", () => {
    const before = liveTensors();
    scope(() => {
      const p = keep(zeros([3])).requiresGrad_();
      const optimizer = new AdamW([p], { lr: 0.1 });
      const step = () =>
        scope(() => {
          p.grad = tensor([1, 2, 3]);
          optimizer.step();
        });
      step();
      const after = liveTensors();
      for (let i = 0; i < 20; i++) step();
      assert.equal(liveTensors(), after);
      optimizer.dispose();
      p.dispose();
    });
    assert.equal(liveTensors(), before);
  });

  it("refuses options and parameters that make no sense", () => {
    const p = zeros([1]).requiresGrad_();
    const refused = (parameters: unknown, options: object, message: string) =>
      assert.throws(() => new AdamW(parameters as Tensor[], { lr: 0.1, ...options }), {
        name: "InvalidArgumentError",
        message,
      });
    refused([p], { lr: -1 }, "expected a number from 0 for lr but received -1");
    refused([p], { lr: Number.NaN }, "expected a number from 0 for lr but received NaN");
    refused([{ parameters: [p], lr: -2 }], {}, "expected a number from 0 for lr but received -2");
    refused([p], { betas: [0.9, 1] }, "expected two numbers from 0 to below 1 for betas but received [0.9, 1]");
    refused([p], { eps: -1e-8 }, "expected a number from 0 for eps but received -1e-8");
    refused([p], { weightDecay: Number.NaN }, "expected a number from 0 for weightDecay but received NaN");
    refused([p, p], {}, 'expected each tensor once for parameters but received "a tensor that is there twice"');
    refused(
      [p, { parameters: [zeros([1])], lr: 1 }],
      {},
      "expected tensors alone or groups alone for parameters but received [an object of type Tensor, an object of type Object]",
    );
  });
});
