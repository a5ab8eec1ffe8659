import type { TrainOptions } from "@stillframe/schema";
import type { Device } from "@stillframe/torch";
import { OutOfMemoryError } from "@stillframe/torch/errors";
import { type Precision, resolvePrecision } from "../train/precision.js";
import { adviceFor } from "./advice.js";
import { type CostContext, type Estimate, estimateCost } from "./estimate.js";
import { availableMemory } from "./machine-memory.js";
import { fastKernels, type MachineSpeed, measureMachine } from "./machine-speed.js";
import type { ModelConfigs } from "./model-configs.js";

/** What a run will take, before it starts. */
export interface Preflight extends Estimate {
  /** what this machine has free for it; null where that cannot be told */
  availableBytes: number | null;
  /** whether the estimate is within what is free; true where that cannot be told */
  fits: boolean;
  /** what can be changed to need less, each with its effect; the gentlest first */
  advice: string[];
  /** of the whole run, in seconds */
  totalSeconds: number;
}

/** What a run is beside its options. */
export interface PreflightContext {
  pictures: number;
  captions: number;
  /** changes of the weights that are still to come */
  steps: number;
  /** default: by the options */
  precision?: Precision;
  /** bytes in which frozen weights are kept, see `storedBytes`; default: 4, as they compute in float32 */
  stored?: CostContext["stored"];
  /** default: measured, which takes a second */
  speed?: MachineSpeed;
  /** default: asked of the system */
  availableBytes?: number | null;
}

/**
 * Estimates memory and time of a run before anything large is loaded, and what to change if it will not fit. The memory
 * follows from the configurations (what each layer keeps for its backward pass), the time from the number of operations
 * and from how fast this machine does some of them. On random models of several shapes the estimate was within 0.8 to 1.5
 * of the memory that was taken; see `preflight.test.ts`.
 */
export async function preflight(
  options: TrainOptions,
  configs: ModelConfigs,
  context: PreflightContext,
): Promise<Preflight> {
  const { device, compute } = context.precision ?? resolvePrecision(options);
  const kind = device.split(":")[0] as string;
  const { pictures, captions, steps } = context;
  const cost = {
    device: kind,
    ...fastKernels({ device: kind as Device, dtype: compute }),
    pictures,
    captions,
    stored: context.stored,
    speed: context.speed ?? measureMachine({ device, dtype: compute }),
  };
  const now = estimateCost(options, configs, cost);
  const availableBytes = context.availableBytes === undefined ? await availableMemory(device) : context.availableBytes;
  return {
    ...now,
    availableBytes,
    fits: availableBytes === null || now.memoryBytes <= availableBytes,
    advice: adviceFor(options, configs, { ...cost, now, availableBytes }),
    totalSeconds: steps * now.stepSeconds + now.encodeSeconds,
  };
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** The warning of a run that will not fit; null for one that will. */
export function preflightWarning({ fits, memoryBytes, availableBytes, parts, advice }: Preflight): string | null {
  if (fits || availableBytes === null) return null;
  const largest = [...parts].sort((a, b) => b.bytes - a.bytes).slice(0, 3);
  const what = largest.map((p) => `${p.name} ${gigabytes(p.bytes)}`).join(", ");
  const lines = [
    `this run needs about ${gigabytes(memoryBytes)} of memory (${what}) and ${gigabytes(availableBytes)} are free`,
    ...advice.map((a) => `  ${a}`),
  ];
  return lines.join("\n");
}

type GenericOptions = Pick<
  TrainOptions,
  "gradient_checkpointing" | "train_batch_size" | "mixed_precision" | "resolution" | "use_8bit_adam"
>;

/**
 * What to tell of an error of memory that has run out: the knobs to turn, with numbers where there was a preflight.
 *
 * @returns null for every other error
 */
export function explainOutOfMemory(
  error: unknown,
  options: GenericOptions,
  before: Pick<Preflight, "advice"> | null = null,
): string | null {
  if (!isOutOfMemory(error)) return null;
  const knobs =
    before !== null && before.advice.length > 0
      ? before.advice
      : [
          ...(options.gradient_checkpointing ? [] : ["--gradient_checkpointing"]),
          ...(options.train_batch_size > 1
            ? [
                `--train_batch_size=${Math.floor(options.train_batch_size / 2)} with twice the --gradient_accumulation_steps`,
              ]
            : []),
          ...(options.mixed_precision === "no" ? ["--mixed_precision=bf16"] : []),
          ...(options.use_8bit_adam ? [] : ["--use_8bit_adam"]),
          `a --resolution below ${options.resolution}`,
        ];
  return ["there is not enough memory; what needs less:", ...knobs.map((k) => `  ${k}`)].join("\n");
}

function isOutOfMemory(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof OutOfMemoryError) return true;
  return false;
}

export { availableMemory } from "./machine-memory.js";
export { type MachineSpeed, measureMachine } from "./machine-speed.js";
export { type ModelConfigs, readModelConfigs } from "./model-configs.js";
export { storedBytes } from "./stored-bytes.js";
