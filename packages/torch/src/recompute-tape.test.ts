import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  backward,
  cat,
  Generator,
  gelu,
  keep,
  Linear,
  layerNorm,
  liveTensors,
  noGrad,
  RecomputeTape,
  rand,
  randn,
  scope,
  type Tensor,
} from "./index.js";

type Six = [Linear, Linear, Linear, Linear, Linear, Linear];
/** How a network runs its parts. */
type Runner = <X extends Tensor[]>(part: (...x: X) => Tensor, ...x: X) => Tensor;
/** A small network: its trained tensors, and its loss when parts are run by `at`. */
interface Network {
  leaves: readonly Tensor[];
  loss(at: Runner): Tensor;
}

const recorded: Runner = (part, ...x) => part(...x);
const on =
  (tape: RecomputeTape): Runner =>
  (part, ...x) =>
    tape.run(part as (...x: Tensor[]) => Tensor, ...x);

const WIDTH = 12;
const seeded = (seed: number) => new Generator(seed);

/** Trained layers, the same for each seed. The type promises six, so that tests can take the first ones apart. */
function layers(count: number, seed: number): Six {
  const generator = seeded(seed);
  return Array.from({ length: count }, () => {
    const layer = new Linear(WIDTH, WIDTH);
    layer.reset(generator);
    layer.requiresGrad_(true);
    return layer;
  }) as Six;
}
const leavesOf = (list: readonly Linear[]) => list.flatMap((l) => l.trainable());
const input = (seed = 5, trained = false) => {
  const x = randn([3, WIDTH], { generator: seeded(seed) });
  return trained ? x.requiresGrad_() : x;
};
/** Uses its input three times: in a norm, in a product, and in the residual path. */
const block = (layer: Linear, x: Tensor): Tensor =>
  x.add(gelu(layer.forward(layerNorm(x, WIDTH))).mul(x.mul(0.3).sigmoid()));
/** Loss and gradients; `tape` null for a recorded run. Gradients are left as they are when `onto` is set. */

function run({ leaves, loss }: Network, tape: RecomputeTape | null, { onto = false } = {}) {
  if (!onto) for (const p of leaves) p.grad = null;
  return scope(() => {
    const l = loss(tape === null ? recorded : on(tape));
    const value = l.item();
    if (tape === null) backward(l);
    else tape.backward(l);
    return { value, grads: leaves.map((p) => p.grad?.data() ?? null) };
  });
}

function sameBits(
  network: Network,
  { generator = null, leaves = network.leaves.length }: { generator?: Generator | null; leaves?: number } = {},
) {
  const plain = run(network, null);
  const replayed = run(network, new RecomputeTape({ generator }));
  assert.equal(replayed.value, plain.value);
  assert.deepEqual(replayed.grads, plain.grads);
  const given = plain.grads.filter((g) => g?.some((v) => Number(v) !== 0));
  assert.equal(given.length, leaves, "a gradient that is nothing shows nothing");
}

describe("RecomputeTape gives the gradients of a recorded run, bit for bit, for", () => {
  it("a chain", () => {
    const list = layers(4, 1);
    const x = input();
    sameBits({
      leaves: leavesOf(list),
      loss: (at) =>
        list
          .reduce((h, l) => at((y) => block(l, y), h), x)
          .square()
          .mean(),
    });
  });

  it("an input that is trained, and recorded operations before, between and after parts", () => {
    const list = layers(5, 2);
    const x = input(6, true);
    const [first, a, between, b, last] = list;
    sameBits({
      leaves: [x, ...leavesOf(list)],
      loss: (at) => {
        let h = at((y) => block(a, y), first.forward(x));
        h = gelu(between.forward(h));
        h = at((y) => block(b, y), h);
        return last.forward(h).square().mean();
      },
    });
  });

  it("one tensor that many parts take, as a time embedding is", () => {
    const list = layers(6, 3);
    const [embed, ...rest] = list;
    const x = input();
    const t = input(7);
    sameBits({
      leaves: leavesOf(list),
      loss: (at) => {
        const temb = gelu(embed.forward(t));
        const part = (l: Linear) => (y: Tensor, e: Tensor) => block(l, y.add(e.sigmoid().mul(e)));
        return rest
          .reduce((h, l) => at(part(l), h, temb), x)
          .square()
          .mean();
      },
    });
  });

  it("skip connections, whose gradients come from two parts and several uses in each", () => {
    const list = layers(6, 4);
    const x = input();
    const joined = (y: Tensor, s: Tensor) => cat([y, s], 1).view(3, 2, WIDTH).mean([1]);
    sameBits({
      leaves: leavesOf(list),
      loss: (at) => {
        const skips: Tensor[] = [];
        let h = x;
        for (const l of list.slice(0, 3)) {
          h = at((y) => block(l, y), h);
          skips.push(h);
        }
        for (const l of list.slice(3))
          h = at((y, s) => block(l, joined(y, s)).add(s.square()), h, skips.pop() as Tensor);
        return h.square().mean();
      },
    });
  });

  it("a parameter used twice in one part", () => {
    const [l, m] = layers(2, 5);
    const x = input();
    sameBits({
      leaves: leavesOf([l, m]),
      loss: (at) => {
        const h = at((y) => block(l, gelu(l.forward(y))), x);
        return at((y) => block(m, m.forward(m.forward(y))), h)
          .square()
          .mean();
      },
    });
  });

  it("a parameter of two parts, one use in each", () => {
    const [l] = layers(1, 6);
    const x = input();
    sameBits({
      leaves: leavesOf([l]),
      loss: (at) =>
        at(
          (y) => block(l, y),
          at((y) => block(l, y), x),
        )
          .square()
          .mean(),
    });
  });

  it("one tensor as both inputs of a part, and a parameter as an input", () => {
    const list = layers(2, 8);
    const [l, m] = list;
    const x = input();
    const w = randn([WIDTH], { generator: seeded(9) }).requiresGrad_();
    sameBits({
      leaves: [w, ...leavesOf(list)],
      loss: (at) => {
        const h = at((y, scale) => block(l, y).mul(scale), x, w);
        return at((a, b, scale) => block(m, a.mul(b)).mul(scale), h, h, w)
          .square()
          .mean();
      },
    });
  });

  it("draws, replayed from the generator's state, which then goes on as if there had been no second run", () => {
    const list = layers(4, 10);
    const x = input();
    const generator = seeded(0);
    const dropped = (y: Tensor) => y.mul(noGrad(() => rand(y.shape, { generator }).gt(0.3).to("float32")).div(0.7));
    const network: Network = {
      leaves: leavesOf(list),
      loss: (at) => {
        generator.reseed(11);
        return list
          .reduce((h, l) => at((y) => block(l, dropped(y)), h), x)
          .square()
          .mean();
      },
    };
    const draws = (tape: RecomputeTape | null) => {
      run(network, tape);
      return rand([4], { generator }).toArray();
    };
    const after = draws(null);
    assert.deepEqual(draws(new RecomputeTape({ generator })), after);
    sameBits(network, { generator });
  });

  it("parts through which there is no gradient: they run once", () => {
    const list = layers(3, 12);
    const [frozen, middle, last] = list;
    frozen.requiresGrad_(false);
    const x = input();
    const runs = { frozen: 0, last: 0 };
    const counted = (name: keyof typeof runs, y: Tensor) => {
      runs[name] += 1;
      return block(name === "last" ? last : frozen, y);
    };
    const network: Network = {
      leaves: leavesOf(list),
      loss: (at) => {
        const before = at((y) => counted("frozen", y), x);
        const h = at((y) => block(middle, y), before);
        return at((y, s) => counted("last", y.mul(s)), h, before)
          .square()
          .mean();
      },
    };
    run(network, new RecomputeTape());
    assert.deepEqual(runs, { frozen: 1, last: 2 });
    sameBits(network);
  });

  it("a part whose output the loss does not need", () => {
    const list = layers(2, 13);
    const x = input();
    sameBits(
      {
        leaves: leavesOf(list),
        loss: (at) => {
          at((y) => block(list[0], y), x);
          return at((y) => block(list[1], y), x)
            .square()
            .mean();
        },
      },
      { leaves: 2 },
    );
  });
});

describe("RecomputeTape", () => {
  const chain = (list: readonly Linear[], x: Tensor): Network => ({
    leaves: leavesOf(list),
    loss: (at) =>
      list
        .reduce((h, l) => at((y) => block(l, y), h), x)
        .square()
        .mean(),
  });

  it("adds to gradients that are there", () => {
    const network = chain(layers(3, 20), input());
    const { grads } = run(network, new RecomputeTape());
    const twice = run(network, new RecomputeTape(), { onto: true });
    assert.deepEqual(
      twice.grads,
      grads.map((g) => (g as Float32Array).map((v) => 2 * v)),
    );
  });

  it("can be used again after a backward pass", () => {
    const network = chain(layers(3, 21), input());
    const tape = new RecomputeTape();
    assert.deepEqual(run(network, tape), run(network, tape));
  });

  it("differs by rounding alone where a parameter has several uses in several parts", () => {
    const [l] = layers(1, 22);
    const x = input();
    const twice = (y: Tensor) => block(l, gelu(l.forward(y)));
    const network: Network = { leaves: leavesOf([l]), loss: (at) => at(twice, at(twice, x)).square().mean() };
    const [plain, replayed] = [run(network, null), run(network, new RecomputeTape())];
    for (const [i, g] of plain.grads.entries())
      for (const [j, want] of (g as Float32Array).entries())
        assert.ok(Math.abs((replayed.grads[i]?.[j] as number) - want) <= 1e-6 * Math.max(1, Math.abs(want)));
  });

  it("records nothing where nothing is to be recorded", () => {
    const network = chain(layers(2, 23), input());
    const tape = new RecomputeTape();
    const live = liveTensors();
    scope(() => assert.equal(noGrad(() => network.loss(on(tape))).requiresGrad, false));
    tape.dispose();
    assert.equal(liveTensors(), live);
  });

  it("frees each output before its part runs again, so that what is alive falls with every part", () => {
    const list = layers(6, 24);
    const x = input();
    const live: number[] = [];
    const part = (l: Linear) => (y: Tensor) => {
      live.push(liveTensors());
      return block(l, y);
    };
    const generator = seeded(1);
    scope(() => {
      const tape = new RecomputeTape({ generator });
      const h = list.reduce((y, l) => on(tape)(part(l), y), x);
      tape.backward(h.square().mean());
    });
    const second = live.slice(6);
    assert.equal(second.length, 6);
    // of each part that is done, the output and the generator's state are gone
    const falls = second.slice(1).map((n, i) => (second[i] as number) - n);
    assert.ok(
      falls.every((n) => n >= 2),
      second.join(", "),
    );
  });

  it("frees the leaf of a recorded tensor as soon as the first part that took it is done", () => {
    const [embed, a, b, c] = layers(4, 25);
    const x = input();
    const t = input(7);
    let atFirst = 0;
    let calls = 0;
    const tape = new RecomputeTape();
    const at = on(tape);
    const before = liveTensors();
    scope(() => {
      const early = at((y) => {
        if (++calls === 2) atFirst = liveTensors();
        return block(a, y);
      }, x);
      const temb = keep(embed.forward(t));
      let h = at((y, e) => block(b, y.add(e)), early, temb);
      h = at((y, e) => block(c, y.mul(e)), h, temb);
      const loss = keep(h.square().mean());
      tape.backward(loss);
      temb.dispose();
      loss.dispose();
    });
    assert.equal(calls, 2);
    // temb, the square, the loss, and the gradient that this part goes on with; no output and no leaf
    assert.equal(atFirst - before, 4);
    assert.equal(liveTensors(), before);
  });

  for (const when of ["first", "second"] as const)
    it(`leaves no tensor behind when a part fails in its ${when} run`, () => {
      const list = layers(4, 26);
      const x = input();
      const generator = seeded(3);
      const state = () => generator.getState().toArray();
      let runs = 0;
      const live = liveTensors();
      const tape = new RecomputeTape({ generator });
      const at = on(tape);
      const failing = (y: Tensor) => {
        rand([1], { generator });
        const h = block(list[2], y);
        if (++runs === (when === "first" ? 1 : 2)) throw new Error("this part fails");
        return h;
      };
      let end: number[] = [];
      const body = () =>
        scope(() => {
          let h = at((y) => block(list[0], y), x);
          h = at(failing, gelu(h));
          h = at((y) => block(list[3], y), h);
          end = state();
          tape.backward(h.square().mean());
        });
      assert.throws(body, /this part fails/);
      if (when === "first") tape.dispose(); // `backward` does it itself
      for (const p of leavesOf(list)) p.grad = null;
      assert.equal(liveTensors(), live);
      if (when === "second") assert.deepEqual(scope(state), end, "the generator stands where the first run left it");
    });

  it("refuses recorded paths that fork before two parts", () => {
    const [l, a, b] = layers(3, 27);
    const x = input();
    scope(() => {
      const tape = new RecomputeTape();
      const at = on(tape);
      const shared = gelu(l.forward(x));
      const one = at((y) => block(a, y), shared.sigmoid());
      const two = at((y) => block(b, y), shared.square());
      const loss = one.mul(two).mean();
      assert.throws(
        () => tape.backward(loss),
        /^OperatorError: backward: Trying to backward through the graph a second time/,
      );
    });
  });
});
