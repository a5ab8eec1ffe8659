import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatEventLine, type Manifest, parseTrainOptions, type TrainEvent, trainOptions } from "@stillframe/schema";
import type { Evaluation } from "../../evaluate/evaluation.js";
import { encodePng } from "../../generate/png.js";
import { ADAPTER } from "../../publish/testing/adapter-file.js";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

export const BASE = "stabilityai/stable-diffusion-xl-base-1.0";
export const VAE = "madebyollin/sdxl-vae-fp16-fix";
export const DATASET = "someone/anime-stills";
export const PREFIX = "Still from the Anime,";

const OPTIONS = parseTrainOptions({
  pretrained_model_name_or_path: BASE,
  pretrained_vae_model_name_or_path: VAE,
  dataset_name: DATASET,
  validation_prompt: `${PREFIX} a boy in a blue jacket`,
  train_text_encoder: true,
  train_batch_size: 1,
  gradient_accumulation_steps: 8,
  num_train_epochs: 10,
  learning_rate: 1e-5,
  rank: 16,
  mixed_precision: "bf16",
  output_dir: "runs/first",
});

/** A manifest such as a whole run of 1,790 stills on one GPU leaves. */
export const MANIFEST: Manifest = {
  format: "stillframe-manifest",
  version: 1,
  stillframe: "0.1.0",
  node: "v20.19.0",
  platform: "linux x64",
  engine: { version: "2.6.0", source: "LIBTORCH", device: "cuda:0", dtype: "bfloat16", threads: 16 },
  hardware: {
    processor: "AMD EPYC 9554",
    cores: 16,
    memory_bytes: 137_438_953_472,
    accelerator: "NVIDIA H100 80GB HBM3",
  },
  model: {
    name_or_path: BASE,
    commit: "462165984030d82259a11f4367a4eed129e94a7b",
    weights: ["unet/diffusion_pytorch_model", "text_encoder/model", "text_encoder_2/model"].map((name, i) => ({
      path: `${name}.safetensors`,
      bytes: [10_270_077_736, 492_265_168, 2_778_702_264][i] as number,
      sha256: hash(name),
    })),
  },
  vae: {
    name_or_path: VAE,
    commit: "207b116dae70ace3637169f1ddd2434b91b3a8cd",
    weights: [{ path: "diffusion_pytorch_model.safetensors", bytes: 334_643_238, sha256: hash("vae") }],
  },
  data: {
    name_or_path: DATASET,
    commit: "0123456789abcdef0123456789abcdef01234567",
    pictures: 1611,
    held_out: 179,
    skipped: [{ reason: "truncated JPEG", count: 2, examples: ["12.jpg", "407.jpg"] }],
    content_sha256: hash("data"),
    captions: {
      captions: 1611,
      empty: 0,
      cut: 34,
      tokens: { least: 14, median: 52, most: 96 },
      openings: [{ text: PREFIX, captions: 1604 }],
    },
    picture_sizes: {
      width: { least: 890, median: 1280, most: 1300 },
      height: { least: 640, median: 720, most: 960 },
    },
  },
  adapter: { method: "lora", rank: 16, alpha: 16, parameters: 29_646_848, keys: ["unet.a.lora.down.weight"] },
  seed: 7,
  options: trainOptions.shown(OPTIONS) as Manifest["options"],
  steps: 2010,
  epochs: 10,
  results: ["pytorch_lora_weights.safetensors", "kohya_lora.safetensors"].map((path) => ({
    path,
    bytes: 118_659_072,
    sha256: hash(path),
  })),
  timing: { started: "2025-01-02T10:00:00.000Z", finished: "2025-01-02T13:20:00.000Z", seconds: 12_000 },
};

const interval = (value: number, width: number) => ({
  low: value - width,
  high: value + width,
  level: 0.95,
  standard_error: width / 2,
  resamples: 200,
});

/** An evaluation such as two arms and a checkpoint leave. */
export const EVALUATION: Evaluation = {
  format: "stillframe-evaluation-1",
  created: "2025-01-02T15:00:00.000Z",
  title: "first",
  real: { name: "held-out", folder: "/data/stills/held-out", pictures: 179 },
  arms: [
    { name: "base", kind: "base", folder: "/data/eval/base", pictures: 358 },
    { name: "base, style words", kind: "base_with_style", folder: "/data/eval/style", pictures: 358 },
    { name: "LoRA", kind: "lora", folder: "/data/eval/lora", pictures: 358 },
    { name: "step 1000", kind: "checkpoint", step: 1000, folder: "/data/eval/1000", pictures: 358 },
  ],
  generation: {
    prompts: 179,
    seeds_per_prompt: 2,
    seed: 7,
    sampler: "euler",
    steps: 50,
    guidance_scale: 5,
    size: { width: 1024, height: 1024 },
    precision: "bf16",
    base: BASE,
    lora: "/data/runs/first",
  },
  networks: [
    { name: "inception", dimension: 2048 },
    { name: "dinov2", dimension: 1024 },
  ],
  values: [
    { arm: "base", metric: "fid", network: "inception", value: 117.41, interval: interval(117.41, 2.1) },
    { arm: "base, style words", metric: "fid", network: "inception", value: 109.2, interval: interval(109.2, 2) },
    { arm: "LoRA", metric: "fid", network: "inception", value: 99.74, interval: interval(99.74, 1.9) },
    { arm: "step 1000", metric: "fid", network: "inception", value: 103.3 },
    { arm: "base", metric: "kid", network: "inception", value: 0.0312, std: 0.002 },
    { arm: "LoRA", metric: "kid", network: "inception", value: 0.0187, std: 0.0018 },
    { arm: "base", metric: "clip_score", value: 31.4 },
    { arm: "LoRA", metric: "clip_score", value: 30.9 },
  ],
  differences: [
    { metric: "fid", network: "inception", from: "base", to: "LoRA", value: -17.67, interval: interval(-17.67, 1.5) },
    { metric: "kid", network: "inception", from: "base", to: "LoRA", value: -0.0125 },
    { metric: "clip_score", from: "base", to: "LoRA", value: -0.5 },
  ],
  floors: [{ metric: "fid", network: "inception", mean: 61.2, std: 1.1, size: 89, reference: 90 }],
  curves: [],
  gallery: [{ prompt: `${PREFIX} a street at night`, seed: 7, pictures: [{ arm: "LoRA", file: "lora/0.png" }] }],
  copies: {
    network: "dinov2",
    mean: 0.41,
    held_out_most: 0.93,
    beyond_held_out: 3,
    top: [{ picture: "a", training: "b", similarity: 0.95 }],
  },
  caveats: ["N is below 2,048: FID's covariance has no full rank, and only the difference at equal N means something."],
};

/** What a test changes of the run. */
export interface RunFolderChanges {
  readonly manifest?: Partial<Manifest>;
  /** `null` leaves `evaluation.json` out. */
  readonly evaluation?: Evaluation | null;
  readonly samples?: boolean;
}

const SEEDS = [11, 12, 13, 14, 15];

/** Writes a finished run's folder: manifest, evaluation, events, samples, curves and (very small) adapters. */
export async function writeRunFolder(
  folder: string,
  { manifest, evaluation = EVALUATION, samples = true }: RunFolderChanges = {},
): Promise<void> {
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const whole = { ...MANIFEST, ...manifest };
  write("manifest.json", JSON.stringify(whole, null, 2));
  if (evaluation !== null) write("evaluation.json", JSON.stringify(evaluation));
  for (const { path } of whole.results) write(path, ADAPTER);
  write("run.yaml", "rank: 16\n");
  write("checkpoints/step-001000/state.safetensors", "x");
  const events: TrainEvent[] = lossEvents();
  for (const step of samples ? [0, 1000, whole.steps] : [])
    for (const [index, seed] of SEEDS.entries()) {
      const path = `samples/step-${String(step).padStart(6, "0")}/000${index}-seed-${seed}.png`;
      const text = `x\nModel: ${folder}/base, Lora: none`;
      write(path, await encodePng(gradient(step + seed), { parameters: text }));
      events.push({ type: "sample", step, path, prompt: OPTIONS.validation_prompt as string, seed });
    }
  write("loss.png", await encodePng(gradient(1)));
  const lines = events.map((event, i) => formatEventLine(event, new Date(Date.UTC(2025, 0, 2, 10, 0, i))));
  write("events.jsonl", lines.map((line) => `${line}\n`).join(""));
}

function lossEvents(): TrainEvent[] {
  const steps = Array.from(
    { length: 40 },
    (_, i): TrainEvent => ({
      type: "step",
      step: i + 1,
      epoch: 0,
      loss: 0.2 - i / 400,
      lr: 1e-5,
      grad_norm: 1,
      images_per_second: 1,
      steps_per_second: 1,
      memory_bytes: 1,
      eta_seconds: 0,
    }),
  );
  const validation = (step: number, loss: number): TrainEvent => ({
    type: "validation",
    step,
    epoch: 0,
    loss,
    pictures: 179,
  });
  return [validation(0, 0.1402), ...steps, validation(2010, 0.1313)];
}

function gradient(seed: number) {
  const data = new Uint8Array(32 * 32 * 3).map((_, i) => (i * (1 + (seed % 7)) + seed) & 255);
  return { width: 32, height: 32, data };
}
