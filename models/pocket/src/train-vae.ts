#!/usr/bin/env node
import { appendFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Vae } from "@stillframe/diffusion";
import { backward, Generator, lrSchedule, noGrad, randn, scope, type Tensor } from "@stillframe/torch";
import sharp from "sharp";
import { Random } from "./random.js";
import { vaeModelConfig, WIDTHS } from "./training/architecture.js";
import { initializeVae } from "./training/initialize.js";
import { PixelStore } from "./training/pixel-store.js";
import { TrainingState } from "./training/training-state.js";
import { type VaeLossWeights, vaeLoss } from "./training/vae-loss.js";
import { isDecoder, trainedVae } from "./training/vae-state.js";

/** Trains the autoencoder on drawings of every look. Stops after `--minutes` and goes on where it stopped. */
const { values: args } = parseArgs({
  options: {
    state_dir: { type: "string" },
    pictures: { type: "string" },
    limit: { type: "string", default: "1000000" },
    channels: { type: "string" },
    groups: { type: "string" },
    steps: { type: "string", default: "20000" },
    minutes: { type: "string", default: "60" },
    batch: { type: "string", default: "8" },
    lr: { type: "string", default: "0.001" },
    seed: { type: "string", default: "0" },
    edges: { type: "string", default: "0.5" },
    divergence: { type: "string", default: "0.0002" },
    decoder_only: { type: "boolean", default: false },
    channels_last: { type: "boolean", default: false },
    sheet_every: { type: "string", default: "500" },
  },
});
if (!args.state_dir || !args.pictures) throw new Error("expected --state_dir and --pictures");
const [batch, seed, steps] = [Number(args.batch), Number(args.seed), Number(args.steps)];
const weights: VaeLossWeights = { edges: Number(args.edges), divergence: Number(args.divergence) };
const EMA = 0.998;
const CLIP = 1;

const folder = join(args.state_dir, args.decoder_only ? "decoder" : "vae");
mkdirSync(folder, { recursive: true });
rmSync(join(folder, "stop"), { force: true });
const config = vaeModelConfig({
  ...(args.channels ? { channels: args.channels.split(",").map(Number) } : {}),
  ...(args.groups ? { groups: Number(args.groups) } : {}),
});
const vae = initializeVae(new Vae(config), new Generator(seed));
if (args.decoder_only) {
  const trained = trainedVae(args.state_dir).stateDict();
  noGrad(() => {
    for (const { key, tensor: weight } of vae.weights()) weight.copy_(trained.get(key) as Tensor);
  });
}
const state = new TrainingState(vae, args.decoder_only ? { trains: isDecoder } : {});
state.restore(join(folder, "checkpoint"));
const store = await PixelStore.read(args.pictures, { size: WIDTHS.size, limit: Number(args.limit) });
const rate = lrSchedule("cosine", { warmupSteps: 100, totalSteps: steps });
const log = (line: Record<string, unknown>) => appendFileSync(join(folder, "log.jsonl"), `${JSON.stringify(line)}\n`);
console.log(`${vae.parameterCount} parameters, ${store.count} pictures, from step ${state.step}`);

/** The pictures of a step: a function of the seed and the step. */
function picturesOf(step: number): number[] {
  const random = new Random(`vae/${seed}/${step}`);
  return Array.from({ length: batch }, () => random.integer(0, store.count - 1));
}

const layout = (x: Tensor): Tensor => (args.channels_last ? x.to({ channelsLast: true }) : x);

function step(n: number): { loss: number; pixels: number; kl: number } {
  state.parameters.zeroGrad();
  return scope(() => {
    const x = layout(store.batch(picturesOf(n)));
    const posterior = args.decoder_only ? noGrad(() => vae.encode(x)) : vae.encode(x);
    const z = posterior.mean.add(
      posterior.std.mul(randn(posterior.mean.shape, { generator: new Generator(seed * 1_000_003 + n) })),
    );
    const made = vae.decode(z.mul(config.scalingFactor));
    const { loss, pixels, kl } = vaeLoss(made, x, { posterior, weights });
    backward(loss);
    return noGrad(() => {
      const norm = state.parameters.gradNorm().item();
      if (!Number.isFinite(norm)) throw new Error(`the gradient of step ${n} is not finite`);
      if (norm > CLIP) state.parameters.grads.mul_(CLIP / norm);
      state.update(Number(args.lr) * rate(n), EMA);
      return { loss: loss.item(), pixels: pixels.item(), kl: kl.item() };
    });
  });
}

/** Originals above, reconstructions of the means below. */
async function sheet(path: string, count = 12): Promise<void> {
  const indices = Array.from({ length: count }, (_, i) => Math.floor((i * store.count) / count));
  const { size } = store;
  const cells = noGrad(() =>
    scope(() => {
      const x = store.batch(indices);
      const y = vae.decode(vae.encode(x).mean.mul(config.scalingFactor));
      const bytes = (t: Tensor, i: number) =>
        Buffer.from(
          t
            .select(0, i)
            .mul(127.5)
            .add(127.5)
            .clamp(0, 255)
            .round()
            .to("uint8")
            .permute(1, 2, 0)
            .contiguous()
            .data() as Uint8Array,
        );
      return indices.flatMap((_, i) =>
        [x, y].map((t, row) => ({
          input: bytes(t, i),
          raw: { width: size, height: size, channels: 3 as const },
          left: i * size,
          top: row * size,
        })),
      );
    }),
  );
  await sharp({ create: { width: count * size, height: 2 * size, channels: 3, background: "#fff" } })
    .composite(cells)
    .png()
    .toFile(path);
}

const began = performance.now();
let since = performance.now();
let shown = 0;
let sums = { loss: 0, pixels: 0, kl: 0 };
const EVERY = 50;
const before = state.seconds;
while (
  state.step < steps &&
  performance.now() - began < Number(args.minutes) * 60_000 &&
  !existsSync(join(folder, "stop"))
) {
  const r = step(state.step);
  shown += 1;
  for (const k of ["loss", "pixels", "kl"] as const) sums[k] += r[k];
  if (state.step % EVERY === 0) {
    state.seconds = before + (performance.now() - began) / 1000;
    const line = {
      step: state.step,
      loss: sums.loss / shown,
      pixels: sums.pixels / shown,
      kl: sums.kl / shown,
      pictures_per_second: (shown * batch * 1000) / (performance.now() - since),
      seconds: state.seconds,
    };
    log(line);
    console.log(JSON.stringify(line));
    sums = { loss: 0, pixels: 0, kl: 0 };
    shown = 0;
    since = performance.now();
  }
  if (state.step % Number(args.sheet_every) === 0) {
    state.save(join(folder, "checkpoint"));
    await state.withAverage(() => sheet(join(folder, "sheet.png")));
  }
}
state.seconds = before + (performance.now() - began) / 1000;
state.save(join(folder, "checkpoint"));
await state.withAverage(() => sheet(join(folder, "sheet.png")));
