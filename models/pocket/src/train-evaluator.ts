#!/usr/bin/env node
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { loadVae } from "@stillframe/diffusion";
import {
  backward,
  cat,
  crossEntropyLoss,
  Generator,
  lrSchedule,
  noGrad,
  scope,
  type Tensor,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import { answers, EVALUATOR_SIZE, Evaluator, QUESTION_NAMES, type Question } from "./evaluator.js";
import { type Accuracy, accuracyOn, featureDeviation } from "./evaluator-accuracy.js";
import { augmented } from "./evaluator-augmentation.js";
import { writeReconstructions } from "./evaluator-reconstructions.js";
import { Random } from "./random.js";
import { PixelStore } from "./training/pixel-store.js";
import { TrainingState } from "./training/training-state.js";

/**
 * Trains the classifier that scores pictures, on drawings and on what an autoencoder makes of them, and measures how often
 * it is right on held-out drawings.
 */
const { values: args } = parseArgs({
  options: {
    state_dir: { type: "string" },
    /** Drawings of the sets `evaluator` and `evaluator-held-out`, from seed 0. */
    pictures: { type: "string" },
    held_out: { type: "string" },
    /** The model whose autoencoder is used. */
    model: { type: "string", default: "models/pocket/model" },
    output_dir: { type: "string", default: "models/pocket/evaluator" },
    steps: { type: "string", default: "10000" },
    minutes: { type: "string", default: "60" },
    batch: { type: "string", default: "32" },
    lr: { type: "string", default: "0.002" },
    seed: { type: "string", default: "0" },
  },
});
if (!args.state_dir || !args.pictures || !args.held_out)
  throw new Error("expected --state_dir, --pictures and --held_out");
const [batch, steps, seed] = [Number(args.batch), Number(args.steps), Number(args.seed)];
const DECAY = 0.998;
/** Gradients are scaled down to this norm. */
const CLIP = 1;
/** How much a question counts, where it is not once: what is small in the picture is learnt late. */
const WEIGHTS: Partial<Record<Question, number>> = { expression: 6, kind: 3, eyes: 3, hair: 2, pose: 2 };
const weightOf = (q: Question): number => WEIGHTS[q] ?? 1;
const TOTAL_WEIGHT = QUESTION_NAMES.reduce((sum, q) => sum + weightOf(q), 0);
/** Largest noise on the latents of the reconstructions to train on; those to measure on have none. */
const LATENT_NOISE = 0.3;

const state = (name: string): string => join(args.state_dir as string, name);
const read = (folder: string) => PixelStore.read(folder, { size: EVALUATOR_SIZE });
const { model: vae } = loadVae(args.model);
await writeReconstructions(args.held_out, state("held-out-reconstructions"), { vae, noise: 0, seed });
await writeReconstructions(args.pictures, state("reconstructions"), { vae, noise: LATENT_NOISE, seed });
vae.dispose();

const evaluator = Evaluator.fresh(new Generator(seed));
const training = new TrainingState(evaluator, { weightDecay: 0.05 });
training.restore(state("evaluator"));
const rate = lrSchedule("cosine", { warmupSteps: 100, totalSteps: steps });
console.log(`${evaluator.parameterCount} weights, from step ${training.step}`);

interface Material {
  readonly drawings: PixelStore;
  readonly reconstructions: PixelStore;
  readonly truth: readonly Record<Question, number>[];
}

async function material(): Promise<Material> {
  const drawings = await read(args.pictures as string);
  const reconstructions = await read(state("reconstructions"));
  return { drawings, reconstructions, truth: drawings.rows.map((r) => answers(r.labels)) };
}

function step(n: number, { drawings, reconstructions, truth }: Material): number {
  const random = new Random(`evaluator/${seed}/${n}`);
  const which = Array.from({ length: batch }, () => random.integer(0, drawings.count - 1));
  // Half and half.
  const cut = batch >> 1;
  training.parameters.zeroGrad();
  return scope(() => {
    const x = cat([drawings.batch(which.slice(0, cut)), reconstructions.batch(which.slice(cut))], 0);
    const scores = evaluator.scores(evaluator.embed(augmented(x, `augment/${seed}/${n}`)));
    const losses = QUESTION_NAMES.map((q) => {
      const right = which.map((i) => (truth[i] as Record<Question, number>)[q]);
      return crossEntropyLoss(scores[q], tensor(right, { dtype: "int64" })).mul(weightOf(q) / TOTAL_WEIGHT);
    });
    const loss = losses.reduce((a, b) => a.add(b));
    backward(loss);
    return noGrad(() => {
      const norm = training.parameters.gradNorm().item();
      if (!Number.isFinite(norm)) throw new Error(`the gradient of step ${n} is not finite`);
      if (norm > CLIP) training.parameters.grads.mul_(CLIP / norm);
      training.update(Number(args.lr) * rate(n), DECAY);
      return loss.item();
    });
  });
}

const percent = ({ right, of }: { right: number; of: number }): string =>
  `${((100 * right) / of).toFixed(1)} % of ${of}`;

function tell(name: string, { style, name: named, attributes, questions }: Accuracy): void {
  console.log(`${name}: style ${percent(style)}, name ${percent(named)}, attributes ${percent(attributes)}`);
  console.log(QUESTION_NAMES.map((q) => `  ${q}: ${percent(questions[q])}`).join("\n"));
}

const minutes = Number(args.minutes);
// With 0 minutes it only measures.
const pictures = training.step < steps && minutes > 0 ? await material() : null;
const began = performance.now();
let [sum, count] = [0, 0];
while (pictures !== null && training.step < steps && performance.now() - began < minutes * 60_000) {
  sum += step(training.step, pictures);
  count += 1;
  if (count === 100) {
    const seconds = (performance.now() - began) / 1000;
    console.log(JSON.stringify({ step: training.step, loss: sum / count, seconds }));
    [sum, count] = [0, 0];
    if (training.step % 500 === 0) training.save(state("evaluator"));
  }
}
training.save(state("evaluator"));

const held = { set: "evaluator-held-out", seed: 0 } as const;
const [crisp, soft] = [await read(args.held_out), await read(state("held-out-reconstructions"))];
await training.withAverage(() => {
  // What is measured is what is written: weights in half precision.
  noGrad(() => training.parameters.values.copy_(training.parameters.values.to("float16").to("float32")));
  const accuracy = {
    set: held.set,
    steps: training.step,
    feature_deviation: featureDeviation(evaluator, crisp),
    drawings: accuracyOn(evaluator, crisp, held),
    reconstructions: accuracyOn(evaluator, soft, held),
  };
  tell("drawings", accuracy.drawings);
  tell("through the autoencoder", accuracy.reconstructions);
  const file = join(args.output_dir, "evaluator.safetensors");
  mkdirSync(dirname(file), { recursive: true });
  noGrad(() =>
    scope(() =>
      writeSafetensors(
        file,
        [...evaluator.stateDict()].map(([k, t]): [string, Tensor] => [k, t.to("float16")]),
      ),
    ),
  );
  writeFileSync(join(args.output_dir, "accuracy.json"), `${JSON.stringify(accuracy, null, 2)}\n`);
});
