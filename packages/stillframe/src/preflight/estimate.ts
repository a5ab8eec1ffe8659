import { vaeFactor } from "@stillframe/diffusion";
import type { TrainOptions } from "@stillframe/schema";
import { piecesOf } from "../train/captions.js";
import { CACHED_CROPS } from "../train/prepare.js";
import { textEncodeOperations, textSavedElements, vaeBytes, vaeEncodeOperations } from "./encoder-cost.js";
import type { MachineSpeed } from "./machine-speed.js";
import { activationBytes, CPU_HABITS, GPU_HABITS, type StepShape, trainedBytes } from "./memory.js";
import { countParameters, type ModelConfigs, trainedLayers } from "./model-configs.js";
import { stepSeconds } from "./step-time.js";

/** The options that decide what a run takes. */
export type CostOptions = Pick<
  TrainOptions,
  | "cache_latents"
  | "center_crop"
  | "gradient_accumulation_steps"
  | "gradient_checkpointing"
  | "max_token_length"
  | "method"
  | "mixed_precision"
  | "pretrained_vae_model_name_or_path"
  | "random_flip"
  | "rank"
  | "resolution"
  | "target_modules"
  | "train_batch_size"
  | "train_text_encoder"
  | "use_8bit_adam"
  | "use_ema"
  | "validation_prompt"
  | "vae_tiling"
>;

/** What the estimate is for besides the options. */
export interface CostContext {
  /** `cpu`, `cuda`, `mps` */
  device: string;
  fusedAttention: boolean;
  ownKernels: boolean;
  pictures: number;
  captions: number;
  speed: MachineSpeed;
  /** bytes in which frozen weights are kept, see `storedBytes`; 4 unless said */
  stored?: { unet: 2 | 4; textEncoders: 2 | 4 } | undefined;
}

/** What a run takes, by the estimate. */
export interface Estimate {
  memoryBytes: number;
  /** where the most memory is needed: while pictures are encoded, or in a step */
  worst: "encode" | "step" | "validation";
  /** the parts of the worst moment */
  parts: { name: string; bytes: number }[];
  /** of one change of the weights */
  stepSeconds: number;
  /** of encoding pictures and captions, where nothing is cached yet */
  encodeSeconds: number;
}

/** Node, libtorch and what a process has before any model. */
const PROCESS_BYTES = 250e6;

interface Sizes {
  /** bytes of a number of UNet and text encoders, as they compute */
  compute: number;
  vae: number;
  /** as the weights are kept, where layers widen them for each use */
  unet: number;
  textEncoders: number;
}

/** As `resolvePrecision` decides: on the CPU there is no fp16, and the stock VAE computes in fp32. */
function sizesOf(
  { method, mixed_precision, pretrained_vae_model_name_or_path }: CostOptions,
  { device, stored }: CostContext,
): Sizes {
  const compute = mixed_precision === "no" || (mixed_precision === "fp16" && device === "cpu") ? 4 : 2;
  // fp16 on the CPU rounds the weights, whatever the file has
  const rounded = mixed_precision === "fp16" ? 2 : 4;
  const kept = (inFile: number) => (method === "lora" ? Math.min(compute, rounded, inFile) : compute);
  return {
    compute,
    vae: pretrained_vae_model_name_or_path === null ? 4 : compute,
    unet: kept(stored?.unet ?? 4),
    textEncoders: kept(stored?.textEncoders ?? 4),
  };
}

const sum = (parts: readonly { bytes: number }[]): number => parts.reduce((n, p) => n + p.bytes, 0);

/** Estimates memory and time from configurations and options alone. */
export function estimateCost(options: CostOptions, configs: ModelConfigs, context: CostContext): Estimate {
  const { device, fusedAttention, ownKernels, speed } = context;
  const size = sizesOf(options, context);
  const counts = countParameters(configs, options);
  const side = options.resolution / vaeFactor(configs.vae);
  const pieces = piecesOf(options.max_token_length);
  const shape: StepShape = {
    batch: options.train_batch_size,
    height: side,
    width: side,
    tokens: 77 * pieces,
    fusedAttention,
    ownKernels,
    trained: trainedLayers(configs, options),
    checkpointing: options.gradient_checkpointing,
    elementBytes: size.compute,
  };
  const weights = {
    unet: counts.unet * size.unet,
    vae: counts.vae * size.vae,
    text: counts.textEncoders * size.textEncoders,
  };
  const picture = {
    height: options.resolution,
    width: options.resolution,
    tiling: options.vae_tiling,
    elementBytes: size.vae,
    fusedAttention,
  };
  const habits = device === "cpu" ? CPU_HABITS : GPU_HABITS;
  const encode = { name: "a picture in the VAE", bytes: vaeBytes(configs.vae, { ...picture, decode: false }) };
  const trained = trainedBytes(counts.trained, { use8bitAdam: options.use_8bit_adam, ema: options.use_ema });
  const textSaved = options.train_text_encoder
    ? configs.textEncoders.reduce((n, c) => n + textSavedElements(c), 0) *
      pieces *
      shape.batch *
      size.compute *
      habits.holes
    : 0;
  const held = [
    { name: "the process", bytes: PROCESS_BYTES },
    { name: "the UNet's weights", bytes: weights.unet },
    ...(options.train_text_encoder ? [{ name: "the text encoders' weights", bytes: weights.text }] : []),
    ...(options.cache_latents ? [] : [{ name: "the VAE's weights", bytes: weights.vae }]),
    { name: "trained values and gradients", bytes: trained.values + trained.gradients + trained.ema },
    { name: "the optimizer's state", bytes: trained.optimizer },
  ];
  const activations = { name: "activations", bytes: activationBytes(configs.unet, shape, habits) + textSaved };
  const moments: Record<Estimate["worst"], { name: string; bytes: number }[]> = {
    encode: [
      { name: "the process", bytes: PROCESS_BYTES },
      { name: "the text encoders' weights", bytes: weights.text },
      { name: "the VAE's weights", bytes: weights.vae },
      encode,
    ],
    step: [...held, options.cache_latents || activations.bytes > encode.bytes ? activations : encode],
    validation:
      options.validation_prompt === null
        ? []
        : [
            ...held,
            ...(options.cache_latents ? [{ name: "the VAE's weights", bytes: weights.vae }] : []),
            { name: "a picture in the VAE", bytes: vaeBytes(configs.vae, { ...picture, decode: true }) },
          ],
  };
  const worst = (Object.keys(moments) as Estimate["worst"][]).reduce((a, b) =>
    sum(moments[b]) > sum(moments[a]) ? b : a,
  );
  const vaeOperations = vaeEncodeOperations(configs.vae, options.resolution, options.resolution);
  const textOperations = configs.textEncoders.reduce((n, c) => n + textEncodeOperations(c), 0) * pieces;
  const variants = (options.center_crop ? 1 : CACHED_CROPS) * (options.random_flip ? 2 : 1);
  const micro =
    stepSeconds(configs.unet, shape, speed) +
    (options.cache_latents ? 0 : (shape.batch * vaeOperations) / speed.convolution) +
    (options.train_text_encoder ? (shape.batch * 2.5 * textOperations) / speed.matrix : 0);
  return {
    memoryBytes: sum(moments[worst]),
    worst,
    parts: moments[worst],
    // the optimizer reads and writes values, gradients and two moments
    stepSeconds: options.gradient_accumulation_steps * micro + (counts.trained * 4 * 8) / speed.stream,
    encodeSeconds:
      (options.cache_latents ? (context.pictures * variants * vaeOperations) / speed.convolution : 0) +
      (options.train_text_encoder ? 0 : (context.captions * textOperations) / speed.matrix),
  };
}
