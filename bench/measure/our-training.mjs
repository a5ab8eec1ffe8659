// Our side of `bench train`: a process of its own, so that its peak of memory is its own; one request a line.
import { join } from "node:path";
import { createInterface } from "node:readline";
import { NoiseSchedule, Unet, unetConfig } from "@stillframe/diffusion";
import {
  AdamW,
  engineInfo,
  full,
  Generator,
  loadWeights,
  noGrad,
  randn,
  readSafetensors,
  scope,
  setThreads,
  tensor,
  writeSafetensors,
} from "@stillframe/torch";
import { derivedSeed, uniformNumbers } from "../../packages/stillframe/dist/train/randomness.js";
import { trainStep } from "../../packages/stillframe/dist/train/train-step.js";
import { makeTrainable } from "../../packages/stillframe/dist/train/trainable.js";
import { ensureRandomWeights } from "./random-weights.mjs";
import { secondsOf } from "./rounds.mjs";
import { SCHEDULE } from "./training-cases.mjs";

const SEED = 1;
const OPTIONS = {
  method: "lora",
  lora_alpha: null,
  use_rslora: false,
  lora_dropout: 0,
  target_modules: null,
  train_text_encoder: false,
  mixed_precision: "no",
};

let state;
let micro;
let taken = 0;

/** What a step draws, for the other side: the seeds and the order are those of `trainStep`. */
function drawsOf(step, shape) {
  const generator = new Generator(derivedSeed(SEED, "noise", step, 0));
  const [posterior, noise] = [randn(shape, { generator }), randn(shape, { generator })];
  const uniform = uniformNumbers(SEED, "noise", step, 0, -1);
  const timesteps = Array.from({ length: shape[0] }, () => Math.floor(uniform() * SCHEDULE.num_train_timesteps));
  return [
    [`${step}.posterior`, posterior],
    [`${step}.noise`, noise],
    [`${step}.timesteps`, tensor(timesteps, { dtype: "int64" })],
  ];
}

/** Cached latents and text embeddings, as a run feeds them to its steps. */
function makeMicroBatch(config, { batch, side, pixels }) {
  const generator = new Generator(2);
  const pooled = config.additionInputDim - 6 * config.additionTimeEmbedDim;
  const each = (make) => Array.from({ length: batch }, make);
  const latents = [1, config.inChannels, side, side];
  return {
    posteriors: each(() => ({ mean: randn(latents, { generator }), std: full(latents, 0.1) })),
    timeIds: each(() => [pixels, pixels, 0, 0, pixels, pixels]),
    prompts: {
      embeddings: each(() => ({
        promptEmbeds: randn([1, 77, config.crossAttentionDim], { generator }),
        textEmbeds: randn([1, pooled], { generator }),
      })),
    },
    names: each((_, i) => `picture ${i}`),
  };
}

function load({ configs, weights, rank, lr, batch, side, pixels, folder, checkedSteps }) {
  const config = unetConfig(configs.unet);
  const unet = noGrad(() => new Unet(config));
  ensureRandomWeights(unet, weights);
  loadWeights(unet, readSafetensors(weights).tensors, { frozen: true });
  const model = { unet, textEncoders: [], vae: { config: { scalingFactor: configs.vae.scaling_factor } } };
  const trainable = makeTrainable(model, { ...OPTIONS, rank }, { seed: SEED, device: "cpu" });
  const [group] = trainable.groups;
  micro = makeMicroBatch(config, { batch, side, pixels });
  state = {
    model,
    trainable,
    optimizer: new AdamW([{ parameters: [group.parameters.parameter], lr }], { lr }),
    lossScale: null,
    settings: {
      seed: SEED,
      schedule: NoiseSchedule.fromConfig(SCHEDULE),
      snrGamma: undefined,
      noiseOffset: 0,
      maxGradNorm: 1,
      gradientCheckpointing: false,
      precision: { device: "cpu", compute: "float32", weights: "float32" },
    },
    lr,
  };
  scope(() => {
    const { views, names } = group.parameters;
    writeSafetensors(
      join(folder, "adapter.safetensors"),
      names.map((name, i) => [name, views[i]]),
    );
    const rows = (list, key) => list.map((row, i) => [`${key}.${i}`, row[key]]);
    const shape = [batch, config.inChannels, side, side];
    writeSafetensors(join(folder, "inputs.safetensors"), [
      ...rows(micro.posteriors, "mean"),
      ...rows(micro.posteriors, "std"),
      ...rows(micro.prompts.embeddings, "promptEmbeds"),
      ...rows(micro.prompts.embeddings, "textEmbeds"),
      ["timeIds", tensor(micro.timeIds, { dtype: "float32" })],
      ...Array.from({ length: checkedSteps }, (_, i) => drawsOf(i + 1, shape)).flat(),
    ]);
  });
  return { trained: trainable.size };
}

function takeStep() {
  taken += 1;
  return trainStep(state, [micro], { step: taken, lr: [state.lr] });
}

const COMMANDS = {
  load,
  /** loss and norm of the gradient of the first steps */
  check: ({ checkedSteps }) => ({
    steps: Array.from({ length: checkedSteps }, () => {
      const { loss, gradNorm } = takeStep();
      return { loss, norm: gradNorm };
    }),
  }),
  run: () => ({ seconds: secondsOf(takeStep) }),
};

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
setThreads(Number(process.env.OMP_NUM_THREADS ?? "1"));
answer(engineInfo());
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  answer(COMMANDS[request.command](request));
}
