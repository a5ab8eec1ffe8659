import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { backward, Generator, Linear, noGrad, randn, scope } from "@stillframe/torch";
import { TrainingState } from "./training-state.js";

const root = mkdtempSync(join(tmpdir(), "training-state-"));
after(() => rmSync(root, { recursive: true }));

const fresh = () => new TrainingState(new Linear(3, 2).initialize(new Generator(5)));

/** One step towards outputs that double the first input; what it sees depends on the step alone. */
function train(linear: Linear, state: TrainingState): void {
  state.parameters.zeroGrad();
  scope(() => {
    const x = randn([4, 3], { generator: new Generator(state.step) });
    backward(
      linear
        .forward(x)
        .sub(x.narrow(1, 0, 1).mul(2))
        .square()
        .mean(),
    );
    noGrad(() => state.update(0.05, 0.9));
  });
}

function made(): { linear: Linear; state: TrainingState } {
  const linear = new Linear(3, 2).initialize(new Generator(5));
  return { linear, state: new TrainingState(linear) };
}

test("training that was stopped and went on ends in the same numbers", () => {
  const [whole, first] = [made(), made()];
  for (let i = 0; i < 6; i++) train(whole.linear, whole.state);
  for (let i = 0; i < 3; i++) train(first.linear, first.state);
  const folder = join(root, "checkpoint");
  first.state.save(folder);
  const second = made();
  assert.equal(second.state.restore(folder), true);
  assert.equal(second.state.step, 3);
  for (let i = 0; i < 3; i++) train(second.linear, second.state);
  assert.deepEqual(second.state.parameters.values.toArray(), whole.state.parameters.values.toArray());
  assert.deepEqual(second.state.average.toArray(), whole.state.average.toArray());
});

test("the average takes the weights' place only inside", async () => {
  const { linear, state } = made();
  for (let i = 0; i < 3; i++) train(linear, state);
  const own = linear.weight.toArray();
  const inside = await state.withAverage(() => linear.weight.toArray());
  assert.notDeepEqual(inside, own);
  assert.deepEqual(inside, state.average.toArray().slice(0, 6));
  assert.deepEqual(linear.weight.toArray(), own);
});

test("a folder without a state restores nothing, and another model's is refused", () => {
  const state = fresh();
  assert.equal(state.restore(join(root, "nothing")), false);
  const folder = join(root, "other");
  state.save(folder);
  const other = new TrainingState(new Linear(3, 2, { bias: false }).initialize(new Generator(0)));
  assert.throws(() => other.restore(folder), /it holds other parameters than are trained here/);
});
