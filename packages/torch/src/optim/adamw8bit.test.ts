import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  AdamW,
  AdamW8bit,
  backward,
  Generator,
  liveTensors,
  mseLoss,
  type Optimizer,
  type OptimizerState,
  randn,
  readSafetensors,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
  zeros,
} from "../index.js";
import { reference } from "./optim-reference.test.js";

const BYTES: Record<string, number> = { uint8: 1, float32: 4 };
const bytesOf = ({ tensors }: OptimizerState) =>
  [...tensors.values()].reduce((sum, t) => sum + t.numel * (BYTES[t.dtype] as number), 0);
const bits = ({ tensors, numbers }: OptimizerState) => ({
  numbers: { ...numbers },
  tensors: [...tensors].map(([name, t]) => [name, t.data()]),
});
const drawn = (seed: number, ...shape: number[]) => randn(shape, { generator: new Generator(seed) });
const parameter = (seed: number, ...shape: number[]) => drawn(seed, ...shape).requiresGrad_();
/** Gradients that depend on the parameters, so that a wrong step shows in all that follow. */
function descend(
  optimizer: Optimizer,
  parameters: readonly Tensor[],
  { from = 0, steps }: { from?: number; steps: number },
) {
  for (let i = from; i < from + steps; i++)
    scope(() => {
      for (const [k, p] of parameters.entries()) p.grad = drawn(100 * i + k, ...p.shape).add(p.detach());
      optimizer.step();
    });
}

describe("AdamW8bit", () => {
  it("makes the steps of the paper's algorithm", () => {
    const { size, blockSize, steps, every, parameters, mean, square, lr, betas, eps, weightDecay } =
      reference.adamw8bit;
    const at = Array.from({ length: size }, (_, i) => i);
    const p = tensor(Float32Array.from(at, (i) => Math.cos(0.3 * i))).requiresGrad_();
    const optimizer = new AdamW8bit([p], { lr, betas, eps, weightDecay, blockSize, chunkSize: 1000 });
    for (let t = 1; t <= steps; t++) {
      p.grad = tensor(Float32Array.from(at, (i) => Math.sin(0.7 * i + 1.3 * t) * 10 ** -(i % 4) * (1 + (i % 23) / 5)));
      optimizer.step();
    }
    const some = (t: Tensor) => t.toArray().filter((_, i) => i % every === 0);
    for (const [i, v] of some(p).entries()) assert.ok(Math.abs(v - (parameters[i] as number)) < 1e-5, `parameter ${i}`);
    const { tensors } = optimizer.state();
    for (const [name, want] of Object.entries({ mean, square })) {
      const scales = (tensors.get(`0.${name}.scales`) as Tensor).toArray();
      assert.equal(scales.length, want.scales.length);
      for (const [i, v] of scales.entries())
        assert.ok(Math.abs(v / (want.scales[i] as number) - 1) < 1e-5, `scale ${i}`);
      // a last bit may put a number on the other side of the middle between two codes
      const codes = some(tensors.get(`0.${name}.codes`) as Tensor);
      const other = codes.filter((c, i) => c !== want.codes[i]);
      assert.ok(other.length <= 1, `${other.length} of ${codes.length} codes differ`);
      assert.ok(new Set(codes).size > 30, `only ${new Set(codes).size} codes are in use`);
    }
  });

  it("is AdamW to the bit for parameters of less than 4096 elements", () => {
    const [a, b] = [parameter(1, 63, 65), parameter(1, 63, 65)];
    const options = { lr: 0.05, weightDecay: 0.1 };
    const [one, two] = [new AdamW([a], options), new AdamW8bit([b], options)];
    descend(one, [a], { steps: 5 });
    descend(two, [b], { steps: 5 });
    assert.deepEqual(b.data(), a.data());
    assert.deepEqual([...two.state().tensors.keys()], ["0.mean", "0.square"]);
    const larger = parameter(1, 64, 64);
    const third = new AdamW8bit([larger], options);
    descend(third, [larger], { steps: 1 });
    assert.deepEqual(
      [...third.state().tensors.keys()],
      ["0.mean.codes", "0.mean.scales", "0.square.codes", "0.square.scales"],
    );
  });

  it("keeps a quarter of AdamW's bytes", () => {
    const n = 65_536;
    const p = parameter(2, n);
    const [full, small] = [new AdamW([p], { lr: 0.1 }), new AdamW8bit([p], { lr: 0.1 })];
    descend(full, [p], { steps: 1 });
    descend(small, [p], { steps: 1 });
    assert.equal(bytesOf(full.state()), 8 * n);
    // two bytes an element and two scales of four bytes for each block of 256: 25.4 %
    assert.equal(bytesOf(small.state()), 2 * n + (2 * 4 * n) / 256);
    const large = new AdamW8bit([p], { lr: 0.1, blockSize: 2048 });
    descend(large, [p], { steps: 1 });
    assert.equal(bytesOf(large.state()), 2 * n + (2 * 4 * n) / 2048);
  });

  it("solves least squares as AdamW does", () => {
    const [x, solution] = [drawn(3, 512, 96), drawn(4, 96, 64)];
    const y = x.matmul(solution).add(drawn(5, 512, 64).mul(0.1));
    const solve = (make: (p: Tensor) => Optimizer) => {
      const w = zeros([96, 64]).requiresGrad_();
      const optimizer = make(w);
      const losses: number[] = [];
      for (let i = 0; i < 300; i++)
        scope(() => {
          const rows = (i * 64) % 512;
          for (const g of optimizer.groups) g.lr = 0.05 * (1 - i / 300);
          w.grad = null;
          backward(mseLoss(x.narrow(0, rows, 64).matmul(w), y.narrow(0, rows, 64)));
          optimizer.step();
          losses.push(mseLoss(x.matmul(w), y).item());
        });
      return losses;
    };
    const options = { lr: 0.05, weightDecay: 0 };
    const full = solve((p) => new AdamW([p], options));
    const small = solve((p) => new AdamW8bit([p], options));
    assert.ok((full[0] as number) > 50 && (full.at(-1) as number) < 0.02, "AdamW solves it");
    // how much larger the loss may be at each step: 8 bits cost a little on the way, and little at the end
    for (const [step, share] of [
      [20, 0.02],
      [50, 0.04],
      [100, 0.15],
      [299, 0.15],
    ] as const) {
      const [got, want] = [small[step] as number, full[step] as number];
      assert.ok(got / want < 1 + share, `step ${step}: ${got} against ${want}`);
    }
  });

  it("does not leap where a block's squares are of very different size", () => {
    const p = zeros([4096]).requiresGrad_();
    const optimizer = new AdamW8bit([p], { lr: 1, weightDecay: 0 });
    // one large gradient in each block; the small ones' squares are far below the smallest code
    const g = zeros([16, 256]).fill_(1e-4);
    g.narrow(1, 0, 1).fill_(1);
    p.grad = g.view(-1);
    optimizer.step();
    const before = p.toArray();
    const rest = g.clone();
    rest.narrow(1, 1, 255).fill_(0);
    p.grad = rest.view(-1);
    optimizer.step();
    // the mean is still there: divided by a square of 0 it would be a leap of thousands
    for (const [i, v] of p.toArray().entries()) assert.ok(Math.abs(v - (before[i] as number)) <= 1, `element ${i}`);
  });

  it("goes on bit for bit from its state, through a file", () => {
    const folder = mkdtempSync(join(tmpdir(), "adamw8bit-"));
    try {
      const start = () => [parameter(6, 5000), parameter(7, 30), parameter(8, 64, 70)];
      const options = { lr: 0.02, weightDecay: 0.1 };
      const whole = start();
      const straight = new AdamW8bit(whole, options);
      descend(straight, whole, { steps: 6 });

      const parts = start();
      const first = new AdamW8bit(parts, options);
      descend(first, parts, { steps: 3 });
      const { tensors, numbers } = first.state();
      const path = join(folder, "state.safetensors");
      writeSafetensors(path, [...tensors]);
      const read = { tensors: readSafetensors(path).tensors, numbers: JSON.parse(JSON.stringify(numbers)) };
      const second = new AdamW8bit(parts, options);
      second.loadState(read);
      descend(second, parts, { from: 3, steps: 3 });

      assert.deepEqual(
        parts.map((p) => p.data()),
        whole.map((p) => p.data()),
      );
      assert.deepEqual(bits(second.state()), bits(straight.state()));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("can load its own state", () => {
    const p = parameter(9, 5000);
    const optimizer = new AdamW8bit([p], { lr: 0.1 });
    descend(optimizer, [p], { steps: 2 });
    const before = bits(optimizer.state());
    optimizer.loadState(optimizer.state());
    assert.deepEqual(bits(optimizer.state()), before);
  });

  it("decays weights by rate times decay, apart from the gradient", () => {
    const [p, q] = [parameter(10, 5000), parameter(10, 5000)];
    const grads = drawn(11, 5000);
    for (const [x, weightDecay] of [
      [p, 0],
      [q, 0.5],
    ] as const) {
      x.grad = grads;
      new AdamW8bit([x], { lr: 0.1, weightDecay }).step();
    }
    const start = drawn(10, 5000).toArray();
    const [plain, decayed] = [p.toArray(), q.toArray()];
    for (const [i, v] of decayed.entries())
      assert.ok(Math.abs(v - ((plain[i] as number) - 0.05 * (start[i] as number))) < 1e-6, `element ${i}`);
  });

  it("passes over parameters without a gradient", () => {
    const [p, still] = [parameter(12, 5000), parameter(13, 5000)];
    const optimizer = new AdamW8bit([p, still], { lr: 0.1, weightDecay: 0.5 });
    p.grad = drawn(14, 5000);
    optimizer.step();
    assert.deepEqual(still.data(), drawn(13, 5000).data());
    assert.deepEqual(Object.keys(optimizer.state().numbers), ["blockSize", "0.step"]);
    const other = new AdamW8bit([p, still], { lr: 0.1 });
    other.loadState(optimizer.state());
    assert.deepEqual(bits(other.state()), bits(optimizer.state()));
  });

  it("takes the rate of each group", () => {
    const [p, q] = [parameter(15, 5000), parameter(15, 5000)];
    const optimizer = new AdamW8bit(
      [
        { parameters: [p], lr: 0.1 },
        { parameters: [q], lr: 0 },
      ],
      { lr: 1 },
    );
    descend(optimizer, [p, q], { steps: 1 });
    assert.notDeepEqual(p.data(), drawn(15, 5000).data());
    assert.deepEqual(q.data(), drawn(15, 5000).data());
  });

  it("does not depend on how much is taken at a time", () => {
    const results = [1, 3000, 2 ** 20].map((chunkSize) => {
      const p = parameter(16, 70, 100);
      const optimizer = new AdamW8bit([p], { lr: 0.1, chunkSize });
      descend(optimizer, [p], { steps: 3 });
      return { p: p.data(), state: bits(optimizer.state()) };
    });
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
  });

  it("leaves nothing behind in a step, nor after dispose", () => {
    const p = parameter(17, 5000);
    const q = parameter(18, 50);
    const grads = [drawn(19, 5000), drawn(20, 50)] as const;
    const live = liveTensors();
    scope(() => {
      const optimizer = new AdamW8bit([p, q], { lr: 0.1 });
      [p.grad, q.grad] = grads;
      optimizer.step();
      // codes and scales of two moments, two float32 moments, two code books
      assert.equal(liveTensors(), live + 4 + 2 + 4);
      optimizer.step();
      assert.equal(liveTensors(), live + 4 + 2 + 4);
      optimizer.dispose();
      assert.equal(liveTensors(), live);
    });
  });

  it("refuses another optimizer's state, and keeps its own", () => {
    const make = (options = {}, size = 5000) => {
      const p = parameter(21, size);
      const optimizer = new AdamW8bit([p], { lr: 0.1, ...options });
      descend(optimizer, [p], { steps: 1 });
      return optimizer;
    };
    const optimizer = make();
    const before = bits(optimizer.state());
    const refused = (state: OptimizerState, message: string) => {
      assert.throws(() => optimizer.loadState(state), { name: "InvalidArgumentError", message });
      assert.deepEqual(bits(optimizer.state()), before);
    };
    refused(make({ blockSize: 128 }).state(), "expected 256 for blockSize but received 128");
    refused(make({}, 4999).state(), "expected a tensor of shape [5000] for 0.mean.codes but received [4999]");
    refused(make({}, 9).state(), "expected a tensor of shape [5000] for 0.mean.codes but received undefined");
    const { tensors, numbers } = make().state();
    refused(
      { tensors, numbers: { blockSize: 256 } },
      'expected the state of 1 parameters for optimizer state but received "0.mean.codes"',
    );
    refused(
      { tensors, numbers: { ...numbers, "0.step": 1.5 } },
      "expected an integer from 1 for 0.step but received 1.5",
    );
    refused(
      { tensors, numbers: { ...numbers, "1.step": 1 } },
      'expected the state of 1 parameters for optimizer state but received "1.step"',
    );
    const wide = new Map(tensors).set("0.mean.codes", zeros([5000]));
    refused({ tensors: wide, numbers }, 'expected uint8 for the element type of 0.mean.codes but received "float32"');
    const cut = new Map(tensors).set("0.square.scales", zeros([19]));
    refused({ tensors: cut, numbers }, "expected a tensor of shape [20] for 0.square.scales but received [19]");
  });

  it("refuses what it cannot train", () => {
    const p = parameter(22, 4, 3);
    const half = zeros([4], { dtype: "bfloat16" });
    const refuses = (make: () => unknown, message: RegExp) => assert.throws(make, message);
    refuses(
      () => new AdamW8bit([half], { lr: 1 }),
      /expected float32 for the element type of parameters but received "bfloat16"/,
    );
    refuses(
      () => new AdamW8bit([p.t()], { lr: 1 }),
      /expected those of C order for the strides of parameters but received \[1, 3\]/,
    );
    refuses(
      () => new AdamW8bit([p, p], { lr: 1 }),
      /expected each tensor once for parameters but received "a tensor that is there twice"/,
    );
    refuses(
      () => new AdamW8bit([p, { parameters: [], lr: 1 }] as never, { lr: 1 }),
      /expected tensors alone or groups alone for parameters/,
    );
    refuses(() => new AdamW8bit([p], { lr: -1 }), /expected a number from 0 for lr but received -1/);
    refuses(
      () => new AdamW8bit([{ parameters: [p], lr: Number.NaN }], { lr: 1 }),
      /expected a number from 0 for lr but received NaN/,
    );
    refuses(
      () => new AdamW8bit([p], { lr: 1, betas: [0.9, 1] }),
      /expected two numbers from 0 to below 1 for betas but received \[0.9, 1\]/,
    );
    refuses(() => new AdamW8bit([p], { lr: 1, eps: -1 }), /expected a number from 0 for eps but received -1/);
    refuses(
      () => new AdamW8bit([p], { lr: 1, weightDecay: -1 }),
      /expected a number from 0 for weightDecay but received -1/,
    );
    refuses(
      () => new AdamW8bit([p], { lr: 1, blockSize: 0 }),
      /expected an integer from 1 for blockSize but received 0/,
    );
    refuses(
      () => new AdamW8bit([p], { lr: 1, chunkSize: 2.5 }),
      /expected an integer from 1 for chunkSize but received 2.5/,
    );
  });
});
