import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type DType,
  Generator,
  liveTensors,
  type OptimizerState,
  Prodigy,
  type ProdigyOptions,
  randn,
  readSafetensors,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
  zeros,
} from "../index.js";
import { reference } from "./optim-reference.test.js";

const bits = ({ tensors, numbers }: OptimizerState) => ({
  numbers: { ...numbers },
  tensors: [...tensors].map(([name, t]) => [name, t.data()]),
});
const drawn = (seed: number, ...shape: number[]) => randn(shape, { generator: new Generator(seed) });
const parameter = (seed: number, ...shape: number[]) => drawn(seed, ...shape).requiresGrad_();

/** Steps along gradients that depend on the parameters. */
function descend(
  optimizer: Prodigy,
  parameters: readonly Tensor[],
  { from = 0, steps, noise = 0.1 }: { from?: number; steps: number; noise?: number },
) {
  for (let i = from; i < from + steps; i++)
    scope(() => {
      for (const [k, p] of parameters.entries())
        p.grad = drawn(100 * i + k, ...p.shape)
          .mul(noise)
          .add(p.detach());
      optimizer.step();
    });
}

/** The largest relative error of the estimate and the largest error of a parameter over the steps of a reference case. */
function compare({ options, start, curvature, target, steps }: (typeof reference.prodigy)[number], dtype: DType) {
  const lists = (values: number[][]) => values.map((v) => tensor(v, { dtype }));
  const [x, a, t] = [lists(start), lists(curvature), lists(target)];
  for (const p of x) p.requiresGrad_();
  const { growthRate, ...rest } = options;
  const given: ProdigyOptions = { ...rest, ...(growthRate === null ? {} : { growthRate }) };
  const optimizer = new Prodigy(
    x.map((p) => ({ parameters: [p], lr: 1 })),
    given,
  );
  const worst = { d: 0, x: 0 };
  for (const step of steps)
    scope(() => {
      for (const g of optimizer.groups) g.lr = step.lr;
      for (const [i, p] of x.entries()) p.grad = (a[i] as Tensor).mul(p.detach().sub(t[i] as Tensor));
      optimizer.step();
      worst.d = Math.max(worst.d, Math.abs(optimizer.d / step.d - 1));
      for (const [i, p] of x.entries())
        for (const [j, v] of p.toArray().entries())
          worst.x = Math.max(worst.x, Math.abs(v - (step.parameters[i]?.[j] as number)));
    });
  return worst;
}

describe("Prodigy", () => {
  for (const [i, c] of reference.prodigy.entries())
    it(`makes the steps of the paper's algorithm (case ${i})`, () => {
      const wide = compare(c, "float64");
      assert.ok(wide.d < 1e-9 && wide.x < 1e-9, `float64: ${JSON.stringify(wide)}`);
    });

  it("makes them in float32 too, where the first steps are not below its rounding", () => {
    const [tiny, , , larger] = reference.prodigy.map((c) => compare(c, "float32"));
    assert.ok((larger?.d as number) < 1e-4 && (larger?.x as number) < 1e-4, JSON.stringify(larger));
    // steps of 1e-6 on numbers near 1 are told to a tenth, and the estimate grows from them
    assert.ok((tiny?.d as number) < 0.1, JSON.stringify(tiny));
  });

  it("finds the step size of a quadratic by itself, whatever the distance to its solution", () => {
    for (const distance of [0.01, 1, 100]) {
      const target = drawn(1, 200).mul(distance);
      const curvature = drawn(2, 200).abs().add(0.1);
      const p = zeros([200]).requiresGrad_();
      const optimizer = new Prodigy([p], { lr: 1 });
      const loss = () => scope(() => p.detach().sub(target).square().mul(curvature).mean().item());
      const before = loss();
      for (let i = 0; i < 400; i++)
        scope(() => {
          // its estimate does not shrink, so the schedule brings it to rest
          for (const g of optimizer.groups) g.lr = Math.min(1, 2 - i / 200);
          p.grad = curvature.mul(p.detach().sub(target));
          optimizer.step();
        });
      assert.ok(loss() < 1e-4 * before, `distance ${distance}: ${before} became ${loss()}`);
      // the true distance, in the norm of the paper's bound, is about 3 times the standard deviation
      assert.ok(optimizer.d > distance / 30 && optimizer.d < distance * 3, `${optimizer.d} for ${distance}`);
    }
  });

  it("has one estimate for all groups", () => {
    const run = (split: boolean) => {
      const start = drawn(3, 60).to("float64");
      const parts = split ? [start.narrow(0, 0, 20).clone(), start.narrow(0, 20, 40).clone()] : [start.clone()];
      for (const p of parts) p.requiresGrad_();
      const optimizer = new Prodigy(parts.map((p) => ({ parameters: [p], lr: 1 })));
      for (let i = 0; i < 30; i++)
        scope(() => {
          for (const p of parts) p.grad = p.detach().mul(2);
          optimizer.step();
        });
      return { d: optimizer.d, values: parts.flatMap((p) => p.toArray()) };
    };
    const [whole, parts] = [run(false), run(true)];
    assert.ok(whole.d > 1e-3, "the estimate has grown");
    assert.ok(Math.abs(parts.d / whole.d - 1) < 1e-9);
    for (const [i, v] of parts.values.entries()) assert.ok(Math.abs(v - (whole.values[i] as number)) < 1e-9);
  });

  it("gives the same bits each time", () => {
    const run = () => {
      const p = parameter(4, 300);
      const optimizer = new Prodigy([p]);
      descend(optimizer, [p], { steps: 12 });
      return { p: p.data(), state: bits(optimizer.state()) };
    };
    assert.deepEqual(run(), run());
  });

  it("goes on bit for bit from its state, through a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "prodigy-"));
    try {
      const start = () => [parameter(5, 40), parameter(6, 3, 7), parameter(7, 2)];
      const options = { weightDecay: 0.1, useBiasCorrection: true, safeguardWarmup: true, dCoef: 2 };
      const whole = start();
      const straight = new Prodigy(whole, options);
      descend(straight, whole, { steps: 24 });

      const parts = start();
      const first = new Prodigy(parts, options);
      descend(first, parts, { steps: 11 });
      const { tensors, numbers } = first.state();
      const path = join(folder, "state.safetensors");
      writeSafetensors(path, [...tensors]);
      const second = new Prodigy(parts, options);
      second.loadState({ tensors: readSafetensors(path).tensors, numbers: JSON.parse(JSON.stringify(numbers)) });
      descend(second, parts, { from: 11, steps: 13 });

      assert.deepEqual(
        parts.map((p) => p.data()),
        whole.map((p) => p.data()),
      );
      assert.deepEqual(bits(second.state()), bits(straight.state()));
      assert.ok(second.d > 1e-6, "the estimate has moved");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("can load its own state", () => {
    const p = parameter(8, 30);
    const optimizer = new Prodigy([p]);
    descend(optimizer, [p], { steps: 5 });
    const before = bits(optimizer.state());
    optimizer.loadState(optimizer.state());
    assert.deepEqual(bits(optimizer.state()), before);
  });

  it("decays weights by step size times decay, apart from the gradient", () => {
    const [p, q] = [parameter(9, 50), parameter(9, 50)];
    const grads = drawn(10, 50);
    const options = { d0: 0.1, growthRate: 1 };
    for (const [x, weightDecay] of [
      [p, 0],
      [q, 0.5],
    ] as const) {
      x.grad = grads;
      new Prodigy([x], { ...options, weightDecay }).step();
    }
    const start = drawn(9, 50).toArray();
    const plain = p.toArray();
    for (const [i, v] of q.toArray().entries())
      assert.ok(Math.abs(v - ((plain[i] as number) - 0.05 * (start[i] as number))) < 1e-6, `element ${i}`);
  });

  it("passes over parameters without a gradient", () => {
    const [p, still] = [parameter(11, 20), parameter(12, 20)];
    const optimizer = new Prodigy([p, still], { weightDecay: 0.5 });
    p.grad = drawn(13, 20);
    optimizer.step();
    assert.deepEqual(still.data(), drawn(12, 20).data());
    assert.deepEqual([...optimizer.state().tensors.keys()], ["0.mean", "0.square", "0.start", "0.sum"]);
  });

  it("a group of rate 0 rests whole, and counts for nothing", () => {
    const [p, resting, alone] = [parameter(14, 20), parameter(15, 20), parameter(14, 20)];
    const both = new Prodigy(
      [
        { parameters: [p], lr: 1 },
        { parameters: [resting], lr: 0 },
      ],
      { weightDecay: 0.5 },
    );
    const one = new Prodigy([alone], { weightDecay: 0.5 });
    descend(both, [p, resting], { steps: 8, noise: 0 });
    descend(one, [alone], { steps: 8, noise: 0 });
    assert.deepEqual(resting.data(), drawn(15, 20).data());
    assert.deepEqual(p.data(), alone.data());
    assert.equal(both.d, one.d);
  });

  it("a step of rate 0 or with gradients of zero alone changes nothing", () => {
    const p = parameter(16, 20);
    const optimizer = new Prodigy([p], { weightDecay: 0.5, useBiasCorrection: true });
    p.grad = zeros([20]);
    optimizer.step();
    for (const g of optimizer.groups) g.lr = 0;
    p.grad = drawn(17, 20);
    optimizer.step();
    assert.deepEqual(p.data(), drawn(16, 20).data());
    assert.deepEqual(optimizer.state().numbers, { d: 1e-6, dMax: 1e-6, numerator: 0, step: 0 });
  });

  it("keeps four numbers for each parameter and leaves nothing else behind", () => {
    const p = parameter(18, 50);
    const grads = drawn(19, 50);
    const live = liveTensors();
    scope(() => {
      const optimizer = new Prodigy([p]);
      p.grad = grads;
      optimizer.step();
      assert.equal(liveTensors(), live + 4);
      optimizer.step();
      assert.equal(liveTensors(), live + 4);
      optimizer.dispose();
      assert.equal(liveTensors(), live);
    });
  });

  it("refuses different rates of groups that move", () => {
    const optimizer = new Prodigy([
      { parameters: [parameter(20, 2)], lr: 1 },
      { parameters: [parameter(21, 2)], lr: 0.5 },
    ]);
    assert.throws(() => optimizer.step(), {
      name: "InvalidArgumentError",
      message: "expected 1, or 0 to rest, for the lr of every group but received 0.5",
    });
  });

  it("refuses another optimizer's state, and keeps its own", () => {
    const make = (size: number) => {
      const p = parameter(22, size);
      const optimizer = new Prodigy([p]);
      descend(optimizer, [p], { steps: 2 });
      return optimizer;
    };
    const optimizer = make(5);
    const before = bits(optimizer.state());
    const refused = (state: OptimizerState, message: string) => {
      assert.throws(() => optimizer.loadState(state), { name: "InvalidArgumentError", message });
      assert.deepEqual(bits(optimizer.state()), before);
    };
    const { tensors, numbers } = make(5).state();
    refused(make(6).state(), "expected a tensor of shape [5] for 0.mean but received [6]");
    refused({ tensors, numbers: {} }, "expected a number above 0 for d but received undefined");
    refused(
      { tensors, numbers: { ...numbers, numerator: Number.NaN } },
      "expected a number for numerator but received NaN",
    );
    refused({ tensors, numbers: { ...numbers, step: -1 } }, "expected an integer from 0 for step but received -1");
    refused(
      { tensors, numbers: { ...numbers, "0.step": 1 } },
      'expected the state of 1 parameters for optimizer state but received "0.step"',
    );
    const less = new Map([...tensors].filter(([name]) => name !== "0.sum"));
    refused({ tensors: less, numbers }, "expected a tensor of shape [5] for 0.sum but received undefined");
    const wide = new Map(tensors).set("0.start", zeros([5], { dtype: "float64" }));
    refused({ tensors: wide, numbers }, 'expected float32 for the element type of 0.start but received "float64"');
  });

  it("refuses settings out of range", () => {
    const p = parameter(23, 3);
    const refuses = (options: ProdigyOptions, message: RegExp) =>
      assert.throws(() => new Prodigy([p], options), message);
    refuses({ lr: -1 }, /expected a number from 0 for lr but received -1/);
    refuses({ betas: [1, 0.9] }, /expected two numbers from 0 to below 1 for betas but received \[1, 0.9\]/);
    refuses({ beta3: 1 }, /expected a number from 0 to below 1 for beta3 but received 1/);
    refuses({ eps: -1 }, /expected a number from 0 for eps but received -1/);
    refuses({ weightDecay: -1 }, /expected a number from 0 for weightDecay but received -1/);
    refuses({ d0: 0 }, /expected a number above 0 for d0 but received 0/);
    refuses({ dCoef: 0 }, /expected a number above 0 for dCoef but received 0/);
    refuses({ growthRate: 0.9 }, /expected a number from 1 for growthRate but received 0.9/);
    assert.throws(() => new Prodigy([p, p]), /expected each tensor once for parameters/);
  });
});
