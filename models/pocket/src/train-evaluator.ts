#!/usr/bin/env node
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import {
  backward,
  crossEntropyLoss,
  Generator,
  lrSchedule,
  noGrad,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import { answers, Evaluator, QUESTION_NAMES, type Question } from "./evaluator.js";
import { Random } from "./random.js";
import { PixelStore } from "./training/pixel-store.js";
import { TrainingState } from "./training/training-state.js";

/** Trains the classifier that scores pictures, and tells how often it is right on held-out drawings. */
const { values: args } = parseArgs({
  options: {
    state_dir: { type: "string" },
    pictures: { type: "string" },
    held_out: { type: "string" },
    output: { type: "string", default: "models/pocket/evaluator/evaluator.safetensors" },
    steps: { type: "string", default: "3000" },
    minutes: { type: "string", default: "60" },
    batch: { type: "string", default: "32" },
    lr: { type: "string", default: "0.001" },
    seed: { type: "string", default: "0" },
  },
});
if (!args.state_dir || !args.pictures || !args.held_out)
  throw new Error("expected --state_dir, --pictures and --held_out");
const [batch, steps, seed] = [Number(args.batch), Number(args.steps), Number(args.seed)];
const SIZE = 96;
const DECAY = 0.995;

const evaluator = Evaluator.fresh(new Generator(seed));
const state = new TrainingState(evaluator, { weightDecay: 0.05 });
state.restore(join(args.state_dir, "evaluator"));
const store = await PixelStore.read(args.pictures, { size: SIZE });
const truth = store.rows.map((r) => answers(r.labels));
const rate = lrSchedule("cosine", { warmupSteps: 100, totalSteps: steps });

function step(n: number): number {
  const random = new Random(`evaluator/${seed}/${n}`);
  const which = Array.from({ length: batch }, () => random.integer(0, store.count - 1));
  state.parameters.zeroGrad();
  return scope(() => {
    const scores = evaluator.scores(evaluator.embed(store.batch(which)));
    const losses = QUESTION_NAMES.map((q) =>
      crossEntropyLoss(
        scores[q],
        tensor(
          which.map((i) => (truth[i] as Record<Question, number>)[q]),
          { dtype: "int64" },
        ),
      ),
    );
    const loss = losses.reduce((a, b) => a.add(b)).mul(1 / losses.length);
    backward(loss);
    return noGrad(() => {
      state.update(Number(args.lr) * rate(n), DECAY);
      return loss.item();
    });
  });
}

/** Share of right answers on a folder of drawings. */
function accuracy(held: PixelStore): Record<Question, number> {
  const right = Object.fromEntries(QUESTION_NAMES.map((q) => [q, 0])) as Record<Question, number>;
  for (let from = 0; from < held.count; from += batch) {
    const which = Array.from({ length: Math.min(batch, held.count - from) }, (_, i) => from + i);
    noGrad(() =>
      scope(() => {
        const scores = evaluator.scores(evaluator.embed(held.batch(which)));
        for (const q of QUESTION_NAMES) {
          const best = (scores[q] as Tensor).argmax(1).toArray();
          for (const [i, index] of which.entries())
            if (best[i] === answers((held.rows[index] as PixelStore["rows"][number]).labels)[q])
              right[q] += 1 / held.count;
        }
      }),
    );
  }
  return right;
}

const began = performance.now();
let [sum, count] = [0, 0];
while (state.step < steps && performance.now() - began < Number(args.minutes) * 60_000) {
  sum += step(state.step);
  count += 1;
  if (count === 100) {
    console.log(JSON.stringify({ step: state.step, loss: sum / count, seconds: (performance.now() - began) / 1000 }));
    [sum, count] = [0, 0];
    state.save(join(args.state_dir, "evaluator"));
  }
}
state.save(join(args.state_dir, "evaluator"));
const held = await PixelStore.read(args.held_out, { size: SIZE });
await state.withAverage(() => {
  const shares = accuracy(held);
  console.log(
    Object.entries(shares)
      .map(([q, share]) => `${q}: ${(share * 100).toFixed(1)} %`)
      .join("\n"),
  );
  mkdirSync(dirname(args.output), { recursive: true });
  noGrad(() =>
    scope(() =>
      writeSafetensors(
        args.output,
        [...evaluator.stateDict()].map(([k, t]): [string, Tensor] => [k, t.to("float16")]),
      ),
    ),
  );
});
