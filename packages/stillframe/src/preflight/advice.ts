import { vaeFactor } from "@stillframe/diffusion";
import { type CostContext, type CostOptions, type Estimate, estimateCost } from "./estimate.js";
import type { ModelConfigs } from "./model-configs.js";

/** Something that can be turned to need less memory. */
interface Knob {
  /** as it is typed */
  flag: string;
  /** what it costs besides time; empty when nothing */
  price: string;
  changed: CostOptions;
}

const gigabytes = (bytes: number): string => `${bytes < 1e10 ? (bytes / 1e9).toFixed(1) : Math.round(bytes / 1e9)} GB`;

/** The knobs that are not turned yet, those that change the result least first. */
function knobs(options: CostOptions, configs: ModelConfigs): Knob[] {
  const all: (Knob | false)[] = [
    !options.gradient_checkpointing && {
      flag: "--gradient_checkpointing",
      price: "",
      changed: { ...options, gradient_checkpointing: true },
    },
    options.train_batch_size > 1 && {
      flag: `--train_batch_size=1 --gradient_accumulation_steps=${options.gradient_accumulation_steps * options.train_batch_size}`,
      price: "the same pictures a step",
      changed: {
        ...options,
        train_batch_size: 1,
        gradient_accumulation_steps: options.gradient_accumulation_steps * options.train_batch_size,
      },
    },
    !options.use_8bit_adam && {
      flag: "--use_8bit_adam",
      price: "rounded moments",
      changed: { ...options, use_8bit_adam: true },
    },
    !options.vae_tiling && {
      flag: "--vae_tiling",
      price: "pictures are encoded in blended parts",
      changed: { ...options, vae_tiling: true },
    },
    options.mixed_precision === "no" && {
      flag: "--mixed_precision=bf16",
      price: "8 bits of mantissa in the frozen weights; slow on processors without bf16",
      changed: { ...options, mixed_precision: "bf16" },
    },
    options.train_text_encoder && {
      flag: "without --train_text_encoder",
      price: "the text encoders stay as they are",
      changed: { ...options, train_text_encoder: false },
    },
    ...smaller(options, vaeFactor(configs.vae)),
  ];
  return all.filter((k) => k !== false);
}

/** Smaller resolutions: three quarters and half, in whole latents. */
function smaller(options: CostOptions, factor: number): Knob[] {
  const step = options.resolution >= 512 ? 64 : factor;
  const sides = [0.75, 0.5].map((share) => Math.round((options.resolution * share) / step) * step);
  return [...new Set(sides)]
    .filter((side) => side >= factor && side < options.resolution)
    .map((side) => ({ flag: `--resolution=${side}`, price: "less detail", changed: { ...options, resolution: side } }));
}

/** Savings below this part of the memory are not worth a line. */
const WORTH = 0.02;

/**
 * What to change so that a run needs less memory, each with its effect; last, if one change is not enough for
 * `availableBytes`, the first combination that is, or that none is.
 */
export function adviceFor(
  options: CostOptions,
  configs: ModelConfigs,
  { now, availableBytes, ...context }: CostContext & { now: Estimate; availableBytes: number | null },
): string[] {
  const cost = (o: CostOptions) => estimateCost(o, configs, context);
  const lines: string[] = [];
  let enough = false;
  for (const { flag, price, changed } of knobs(options, configs)) {
    const then = cost(changed);
    if (now.memoryBytes - then.memoryBytes < WORTH * now.memoryBytes) continue;
    const slower = then.stepSeconds / now.stepSeconds;
    const time = slower > 1.05 ? `, a step takes ${slower.toFixed(1)} × as long` : "";
    lines.push(
      `${flag}: ${gigabytes(then.memoryBytes)} instead of ${gigabytes(now.memoryBytes)}${time}${price === "" ? "" : ` (${price})`}`,
    );
    if (availableBytes !== null && then.memoryBytes <= availableBytes) enough = true;
  }
  if (availableBytes === null || enough || now.memoryBytes <= availableBytes) return lines;
  return [...lines, together(options, configs, { now, availableBytes, ...context })];
}

/** Turns one knob after the other until it is enough. */
function together(
  options: CostOptions,
  configs: ModelConfigs,
  { now, availableBytes, ...context }: CostContext & { now: Estimate; availableBytes: number },
): string {
  const flags: string[] = [];
  let [current, bytes] = [options, now.memoryBytes];
  const tried = new Set<string>();
  for (;;) {
    const next = knobs(current, configs).find((k) => !tried.has(k.flag));
    if (next === undefined) break;
    tried.add(next.flag);
    const then = estimateCost(next.changed, configs, context).memoryBytes;
    if (bytes - then < WORTH * bytes) continue;
    // a second resolution takes the first one's place
    const resolution = next.flag.startsWith("--resolution");
    flags.splice(0, flags.length, ...flags.filter((f) => !(resolution && f.startsWith("--resolution"))), next.flag);
    [current, bytes] = [next.changed, then];
    if (bytes <= availableBytes) return `together ${flags.join(" ")}: ${gigabytes(bytes)}`;
  }
  return `even together ${flags.join(" ")} need ${gigabytes(bytes)}: this takes another machine, or another --device`;
}
