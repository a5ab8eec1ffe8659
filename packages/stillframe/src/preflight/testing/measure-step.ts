/**
 * Prints as JSON what a training step takes of memory and time beside what the estimate says, in a process of its own,
 * because a peak never falls: `node measure-step.js '{"channels": [96, 192], …}'`.
 */
import { readFileSync } from "node:fs";
import {
  type ClipTextConfig,
  ClipTextModel,
  NoiseSchedule,
  type Sdxl,
  Unet,
  type UnetConfig,
  Vae,
  type VaeConfig,
} from "@stillframe/diffusion";
import { parseTrainOptions } from "@stillframe/schema";
import { Generator, noGrad, randn, trimMemory } from "@stillframe/torch";
import { makeOptimizer } from "../../train/optimizer.js";
import { resolvePrecision } from "../../train/precision.js";
import { type MicroBatch, type StepState, trainStep } from "../../train/train-step.js";
import { makeTrainable } from "../../train/trainable.js";
import { fastKernels, type MachineSpeed, measureMachine } from "../machine-speed.js";
import { activationBytes, CPU_HABITS, trainedBytes } from "../memory.js";
import { stepSeconds } from "../step-time.js";

/** What is measured. */
export interface StepMeasurement {
  channels: number[];
  heads: number[];
  /** transformer layers at each resolution, 0 for none */
  transformers: number[];
  layers: number;
  context: number;
  batch: number;
  /** side of the latents */
  side: number;
  checkpointing: boolean;
  precision: "no" | "bf16";
  targets: string[] | null;
}

/** What came of it. */
export interface StepMeasured {
  /** bytes by which a step raises the peak over the loaded model's, and the estimate */
  bytes: number;
  estimatedBytes: number;
  /** seconds of the second step, and the estimate */
  seconds: number;
  estimatedSeconds: number;
  speed: MachineSpeed;
}

const m = JSON.parse(process.argv[2] as string) as StepMeasurement;
const TOKENS = 77;

const unetConfig: UnetConfig = {
  inChannels: 4,
  outChannels: 4,
  levels: m.channels.map((channels, i) => {
    const layers = m.transformers[i] === 0 ? null : (m.transformers[i] as number);
    return {
      channels,
      layers: m.layers,
      downTransformers: layers,
      upTransformers: layers,
      heads: m.heads[i] as number,
    };
  }),
  midTransformers: m.transformers.at(-1) as number,
  groups: 32,
  normEps: 1e-5,
  crossAttentionDim: m.context,
  additionTimeEmbedDim: 8,
  additionInputDim: 32 + 48,
  sampleSize: m.side,
};
const textConfig: ClipTextConfig = {
  vocabSize: 8,
  maxPositions: 77,
  hiddenSize: 8,
  intermediateSize: 8,
  layers: 2,
  heads: 1,
  activation: "gelu",
  layerNormEps: 1e-5,
  eosTokenId: 2,
  projectionDim: 8,
};
const vaeConfig: VaeConfig = {
  inChannels: 3,
  outChannels: 3,
  latentChannels: 4,
  channels: [8],
  layers: 1,
  groups: 8,
  scalingFactor: 0.13025,
  sampleSize: 64,
  forceUpcast: true,
  quantConv: true,
  postQuantConv: true,
};

const peak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
const now = (): number => process.memoryUsage.rss();

const options = parseTrainOptions({
  pretrained_model_name_or_path: "none",
  train_data_dir: "none",
  rank: 4,
  train_batch_size: m.batch,
  mixed_precision: m.precision,
  gradient_checkpointing: m.checkpointing,
  target_modules: m.targets,
});
const precision = resolvePrecision({ ...options, device: "cpu" });
const generator = new Generator(1);
const made = noGrad(() => ({
  unet: new Unet(unetConfig).initialize(generator).to({ dtype: precision.compute }),
  vae: new Vae(vaeConfig),
  textEncoders: [new ClipTextModel(textConfig), new ClipTextModel(textConfig)] as const,
}));
const model = { ...made, scheduler: {} } as unknown as Sdxl;
const trainable = makeTrainable(model, options, { seed: 1, device: "cpu" });
const state: StepState = {
  model,
  trainable,
  optimizer: makeOptimizer(options, trainable),
  lossScale: null,
  settings: {
    seed: 1,
    schedule: NoiseSchedule.fromConfig({
      beta_start: 0.00085,
      beta_end: 0.012,
      beta_schedule: "scaled_linear",
      num_train_timesteps: 1000,
    }),
    snrGamma: undefined,
    noiseOffset: 0,
    maxGradNorm: 1,
    gradientCheckpointing: m.checkpointing,
    precision,
  },
};
const batch: MicroBatch = {
  posteriors: Array.from({ length: m.batch }, () => ({
    mean: randn([1, 4, m.side, m.side], { generator }),
    std: randn([1, 4, m.side, m.side], { generator }).abs(),
  })),
  timeIds: Array.from({ length: m.batch }, () => [512, 512, 0, 0, 512, 512]),
  prompts: {
    embeddings: Array.from({ length: m.batch }, () => ({
      promptEmbeds: randn([1, TOKENS, m.context], { generator }),
      textEmbeds: randn([1, 32], { generator }),
    })),
  },
  names: Array.from({ length: m.batch }, (_, i) => `${i}`),
};
trimMemory();
const before = now();
trainStep(state, [batch], { step: 1, lr: [1e-4] });
const bytes = peak() - before;
const began = performance.now();
trainStep(state, [batch], { step: 2, lr: [1e-4] });
const seconds = (performance.now() - began) / 1000;
// after the step, so that its memory does not count
const speed = measureMachine({ device: "cpu", dtype: precision.compute });
const shape = {
  batch: m.batch,
  height: m.side,
  width: m.side,
  tokens: TOKENS,
  trained: (trainable.adapter?.unet ?? []).map((l) => l.path),
  checkpointing: m.checkpointing,
  elementBytes: precision.compute === "float32" ? 4 : 2,
  ...fastKernels({ device: "cpu", dtype: precision.compute }),
};
const moments = trainedBytes(trainable.size, { use8bitAdam: false, ema: false }).optimizer;
const measured: StepMeasured = {
  bytes,
  estimatedBytes: activationBytes(unetConfig, shape, CPU_HABITS) + moments,
  seconds,
  estimatedSeconds: stepSeconds(unetConfig, shape, speed),
  speed,
};
console.log(JSON.stringify(measured));
