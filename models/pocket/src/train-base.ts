#!/usr/bin/env node
import { appendFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  diffusionLoss,
  encodeIds,
  loadSdxl,
  loadVae,
  NoiseSchedule,
  type Sdxl,
  tokenizePrompts,
  trainingExample,
} from "@stillframe/diffusion";
import {
  backward,
  type Device,
  defaultDevice,
  Generator,
  lrSchedule,
  noGrad,
  randn,
  scope,
  type Tensor,
  tensor,
} from "@stillframe/torch";
import { STYLE_PREFIX } from "./caption.js";
import { Random } from "./random.js";
import { item, phrasings } from "./sets.js";
import { WIDTHS } from "./training/architecture.js";
import { AttentionLimit } from "./training/attention-limit.js";
import { BaseParts, isTrained, writeFreshModel } from "./training/base-model.js";
import { drawPrompts } from "./training/draw-prompts.js";
import { exportModel } from "./training/export-model.js";
import { latentsOf } from "./training/latent-store.js";
import { sheetOf } from "./training/picture-sheet.js";
import { PixelStore, readRows } from "./training/pixel-store.js";
import { regionsOf } from "./training/regions.js";
import { TrainingState } from "./training/training-state.js";
import { trainedVae } from "./training/vae-state.js";

/**
 * Trains UNet and both text encoders together on the base set: full training with a moving average. Stops after
 * `--minutes` and goes on where it stopped; the same options give the same weights however often it was stopped.
 */
const { values: args } = parseArgs({
  options: {
    state_dir: { type: "string" },
    pictures: { type: "string" },
    limit: { type: "string", default: "12000" },
    output_dir: { type: "string" },
    minutes: { type: "string", default: "60" },
    steps: { type: "string", default: "1000000" },
    batch: { type: "string", default: "16" },
    lr: { type: "string", default: "0.0005" },
    warmup: { type: "string", default: "200" },
    /** of the moving average */
    decay: { type: "string", default: "0.9995" },
    /** the step from which the learning rate falls to nothing, in a straight line of so many steps */
    fall_from: { type: "string", default: "1000000" },
    fall_steps: { type: "string", default: "2500" },
    drop: { type: "string", default: "0.1" },
    timestep_shift: { type: "string", default: "1" },
    timestep_spread: { type: "string", default: "0.8" },
    /** how far a head's largest score may stand above the mean of its scores */
    attention_limit: { type: "string", default: "5" },
    /** what mouths, the rest of faces, and the rest of people count in the loss beside 1 for the place behind them */
    mouth_weight: { type: "string", default: "100" },
    face_weight: { type: "string", default: "10" },
    figure_weight: { type: "string", default: "2" },
    seed: { type: "string", default: "0" },
    /** captions of each picture, one of which is taken at random; the pictures are those of the base set from `set_seed` */
    phrasings: { type: "string", default: "4" },
    set_seed: { type: "string", default: "0" },
    save_minutes: { type: "string", default: "5" },
    sheet_minutes: { type: "string", default: "10" },
    device: { type: "string", default: "auto" },
    channels_last: { type: "boolean", default: false },
  },
});
if (!args.state_dir || !args.pictures) throw new Error("expected --state_dir and --pictures");
const [batch, seed, steps, drop] = [Number(args.batch), Number(args.seed), Number(args.steps), Number(args.drop)];
const device: Device = args.device === "auto" ? defaultDevice() : (args.device as Device);
const root = args.state_dir;
const at = (name: string) => join(root, name);
mkdirSync(root, { recursive: true });
const CLIP = 1;
const PROMPTS = [
  "a render of Mara at the beach, smiling",
  "a render of Otto in the city at night, waving",
  "a render of Juno in the classroom",
  "a render of Kazo in the snow, looking surprised",
  "a render of Brond in the kitchen, holding an ice cream",
  "a pencil sketch of Vela in the park",
  "a watercolour of Lumi in the mountains",
  "a clay figure of Pim in the forest, waving",
  "a render of a girl with a pink ponytail and round glasses, in a blue hoodie, in the library",
  "a render of a man with a green mohawk and a beard, in a red jacket with a black top hat, in the desert",
  "a render of a woman with curly brown hair, in a yellow dress, looking sad, in the park",
  "a clay figure of a boy with spiky blond hair and sunglasses, in a white t-shirt, at the beach",
];

/** The model to go on with: the fresh one, whose latents have the deviation 1. */
async function freshModel(): Promise<void> {
  if (existsSync(at("fresh/model_index.json"))) return;
  // the style's words get tokens too, which training never shows
  const captions = [...readRows(args.pictures as string).map((r) => r.text), STYLE_PREFIX];
  const vae = trainedVae(root);
  const { mean, std } = await latentsOf(at("latents.safetensors"), {
    vae,
    pictures: () => PixelStore.read(args.pictures as string, { size: WIDTHS.size, limit: Number(args.limit) }),
    onProgress: (n) => n % 2000 === 0 && console.log(`encoded ${n}`),
  });
  const deviation = noGrad(() =>
    scope(() => Math.sqrt(mean.square().add(std.square()).mean().item() - mean.mean().item() ** 2)),
  );
  writeFreshModel(at("fresh"), { captions, vae, scalingFactor: 1 / deviation, seed });
}
await freshModel();

const model: Sdxl = loadSdxl(at("fresh"), { dtype: "float32", device });
/** The decoder may have been trained further since the fresh model was written. */
noGrad(() => {
  const trained = trainedVae(root).stateDict();
  for (const { key, tensor: weight } of model.vae.weights()) weight.copy_(trained.get(key) as Tensor);
});
const parts = new BaseParts(model);
const state = new TrainingState(parts, {
  trains: (key) => isTrained(key, { layers: WIDTHS.textLayers }),
  betas: [0.9, 0.99],
});
state.restore(at("base/checkpoint"));
const attentionLimit = new AttentionLimit(parts, Number(args.attention_limit));
/** steps between two looks at the attention */
const LOOK_EVERY = 10;
const rows = readRows(args.pictures);
const latents = await latentsOf(at("latents.safetensors"), {
  vae: loadVae(at("fresh")).model,
  pictures: () => PixelStore.read(args.pictures as string, { size: WIDTHS.size, limit: Number(args.limit) }),
});
const count = Math.min(rows.length, latents.mean.size(0));
const said = Number(args.phrasings);
const captions = rows.slice(0, count).flatMap(({ text }, index) => {
  const all = phrasings("base", { seed: Number(args.set_seed), index, count: said });
  if (all[0] !== text)
    throw new Error(`picture ${index} of ${args.pictures} is not that of the base set from --set_seed`);
  return all;
});
const ids = tokenizePrompts(model, [...captions, ""]);
const schedule = NoiseSchedule.fromConfig(model.scheduler.config);
const warm = lrSchedule("constant_with_warmup", { warmupSteps: Number(args.warmup), totalSteps: steps });
const rate = (n: number) =>
  warm(n) * Math.min(1, Math.max(0, 1 - (n - Number(args.fall_from)) / Number(args.fall_steps)));
const longest = Math.max(...captions.map((text) => model.tokenizers[0].tokenize(text).length));
console.log(
  `${state.parameters.size} trained parameters, ${model.tokenizers[0].eosTokenId + 1} tokens, captions up to ${longest}, ${count} pictures, scaling factor ${model.vae.config.scalingFactor}, from step ${state.step}`,
);

/**
 * A timestep whose logit is `shift + spread · logit(u)` with u uniform: at 0 and 1 every timestep is as likely; below,
 * those where a small picture's composition is decided come more often than pure noise and the last grain.
 */
function drawnTimestep(random: Random): number {
  const u = random.between(1e-6, 1 - 1e-6);
  const logit = Number(args.timestep_shift) + Number(args.timestep_spread) * Math.log(u / (1 - u));
  return Math.min(schedule.trainSteps - 1, Math.floor(schedule.trainSteps / (1 + Math.exp(-logit))));
}

/** What a step shows: pictures, captions (the empty one is the last), timesteps; a function of the seed and the step. */
function planned(n: number): { pictures: number[]; captions: number[]; timesteps: number[] } {
  const random = new Random(`base/${seed}/${n}`);
  const pictures = Array.from({ length: batch }, () => random.integer(0, count - 1));
  return {
    pictures,
    captions: pictures.map((p) => (random.chance(drop) ? captions.length : p * said + random.integer(0, said - 1))),
    timesteps: pictures.map(() => drawnTimestep(random)),
  };
}

const REGIONS = {
  mouth: Number(args.mouth_weight),
  face: Number(args.face_weight),
  figure: Number(args.figure_weight),
  place: 1,
};

/** `[b, 1, h, w]`: what each place of these pictures counts. */
function regionsFor(pictures: readonly number[]): Tensor {
  const side = latents.mean.size(-1);
  const values = pictures.flatMap((index) => [
    ...regionsOf(item("base", { seed: Number(args.set_seed), index }).scene, side, REGIONS),
  ]);
  return tensor(values, { device }).view(pictures.length, 1, side, side);
}

function lossOf(n: number): Tensor {
  const { pictures, captions, timesteps } = planned(n);
  const generator = new Generator(seed * 1_000_003 + n);
  const pick = (from: Tensor, which: readonly number[]) =>
    from.indexSelect(0, tensor(which, { dtype: "int64" })).to({ device });
  const { noisy, target } = noGrad(() => {
    const [mean, std] = [pick(latents.mean, pictures), pick(latents.std, pictures)];
    const draw = () => randn(mean.shape, { generator, device });
    const x = mean.add(std.mul(draw())).mul(model.vae.config.scalingFactor);
    return trainingExample(x, draw(), { timesteps, schedule });
  });
  const text = encodeIds(model, { one: pick(ids.one, captions), two: pick(ids.two, captions) });
  const { size } = WIDTHS;
  const timeIds = tensor(
    pictures.map(() => [size, size, 0, 0, size, size]),
    { device },
  );
  const x = args.channels_last ? noisy.to({ channelsLast: true }) : noisy;
  const prediction = model.unet.forward(x, tensor(timesteps, { dtype: "int64", device }), { ...text, timeIds });
  return diffusionLoss(prediction, target, { regions: regionsFor(pictures) });
}

/** the greatest lead when attention was looked at last */
let lead = 0;

function step(n: number): number {
  state.parameters.zeroGrad();
  return scope(() => {
    const looks = n % LOOK_EVERY === 0;
    const loss = looks ? attentionLimit.watch(() => lossOf(n)) : lossOf(n);
    backward(loss);
    return noGrad(() => {
      const norm = state.parameters.gradNorm().item();
      if (!Number.isFinite(norm)) throw new Error(`the gradient of step ${n} is not finite`);
      if (norm > CLIP) state.parameters.grads.mul_(CLIP / norm);
      state.update(Number(args.lr) * rate(n + 1), Number(args.decay));
      if (looks) lead = attentionLimit.apply();
      return loss.item();
    });
  });
}

async function drawSheet(): Promise<void> {
  const pictures = drawPrompts(model, PROMPTS);
  await sheetOf(pictures, { path: at("base/sheet.png"), columns: 6 });
  pictures.dispose();
}

/** Weights on disk: what training needs to go on, and the averaged model. */
async function save({ sheet }: { sheet: boolean }): Promise<void> {
  state.save(at("base/checkpoint"));
  await state.withAverage(async () => {
    exportModel(model, args.output_dir ?? at("model"), { source: at("fresh") });
    if (sheet) await drawSheet();
  });
}

const minutes = (since: number) => (performance.now() - since) / 60_000;
const EVERY = 50;
const [began, before] = [performance.now(), state.seconds];
let [sum, shown, since, saved, drawn] = [0, 0, performance.now(), performance.now(), performance.now()];
mkdirSync(at("base"), { recursive: true });
rmSync(at("base/stop"), { force: true });
const end = Math.min(steps, Number(args.fall_from) + Number(args.fall_steps));
while (state.step < end && minutes(began) < Number(args.minutes) && !existsSync(at("base/stop"))) {
  sum += step(state.step);
  shown += 1;
  if (state.step % EVERY === 0) {
    state.seconds = before + minutes(began) * 60;
    const line = {
      step: state.step,
      loss: sum / shown,
      attention_lead: lead,
      pictures_per_second: (shown * batch * 1000) / (performance.now() - since),
      cpu_seconds: process.cpuUsage().user / 1e6,
      seconds: state.seconds,
    };
    appendFileSync(at("base/log.jsonl"), `${JSON.stringify(line)}\n`);
    console.log(JSON.stringify(line));
    [sum, shown, since] = [0, 0, performance.now()];
  }
  if (minutes(saved) >= Number(args.save_minutes)) {
    const sheet = minutes(drawn) >= Number(args.sheet_minutes);
    await save({ sheet });
    saved = performance.now();
    if (sheet) drawn = saved;
  }
}
state.seconds = before + minutes(began) * 60;
await save({ sheet: true });
