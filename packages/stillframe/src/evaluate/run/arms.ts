import { basename } from "node:path";
import type { EvaluateOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import { adapterFile } from "../../generate/index.js";
import { listCheckpoints } from "../../train/run-folder.js";
import type { ARM_KINDS } from "../evaluation.js";
import { joined, withoutPrefix, withPrefix } from "./prompts.js";

/** One set of pictures that is measured. */
export interface Arm {
  readonly name: string;
  readonly kind: (typeof ARM_KINDS)[number];
  /** The adapter's file; null for the base alone. */
  readonly adapter: string | null;
  readonly strength: number;
  /** Training step of a checkpoint. */
  readonly step?: number;
  /** What is drawn, prompt by prompt. */
  readonly prompts: readonly string[];
  /** Whether it shows prompts that have nothing to do with the style. */
  readonly generic: boolean;
}

type ArmOptions = Pick<
  EvaluateOptions,
  "lora" | "lora_scales" | "checkpoints" | "prefix" | "style_words" | "generic_prompts"
>;

interface Adapter {
  readonly name: string;
  readonly file: string;
  readonly step?: number;
}

/**
 * The arms that the options ask for, the base first. All of them draw the same prompts with the same seeds; those of
 * generic prompts among themselves.
 *
 * @throws InvalidArgumentError for an adapter, or a run's checkpoints, that are not there
 */
export function planArms(options: ArmOptions, prompts: readonly string[], generic: readonly string[] | null): Arm[] {
  const { prefix } = options;
  const shown = prefix === null ? prompts : prompts.map((p) => withPrefix(p, prefix));
  const plain = { adapter: null, strength: 0, prompts: shown, generic: false } as const;
  const arms: Arm[] = [{ ...plain, name: "base", kind: "base" }];
  if (options.style_words !== null) {
    const words = options.style_words;
    arms.push({
      ...plain,
      name: "base with style words",
      kind: "base_with_style",
      prompts: prompts.map((p) => joined(words, p)),
    });
  }
  const adapters = adaptersOf(options);
  for (const { name, file, step } of adapters) {
    const adapted = { ...plain, adapter: file };
    if (step !== undefined) arms.push({ ...adapted, name, kind: "checkpoint", strength: 1, step });
    else
      for (const strength of scalesOf(options))
        arms.push({
          ...adapted,
          name: strength === 1 ? name : `${name} × ${strength}`,
          kind: strength === 1 ? "lora" : "strength",
          strength,
        });
  }
  const main = adapters.at(-1);
  const styled = { ...plain, adapter: main?.file ?? null, strength: main === undefined ? 0 : 1 };
  if (prefix !== null)
    arms.push({
      ...styled,
      name: `${main?.name ?? "base"} without the prefix`,
      kind: "prefix",
      prompts: prompts.map((p) => withoutPrefix(p, prefix)),
    });
  if (generic !== null) {
    arms.push({ ...plain, name: "base, generic prompts", kind: "generic", prompts: generic, generic: true });
    if (main !== undefined)
      arms.push({ ...styled, name: `${main.name}, generic prompts`, kind: "generic", prompts: generic, generic: true });
  }
  const twin = arms.find((arm, i) => arms.findIndex((a) => a.name === arm.name) < i);
  if (twin !== undefined) throw invalid("lora_scales", "each strength once", twin.name);
  return arms;
}

function adaptersOf({ lora, checkpoints }: ArmOptions): Adapter[] {
  if (!checkpoints) {
    const name = (path: string, i: number) => (lora.length === 1 ? "lora" : `lora ${i + 1} (${basename(path)})`);
    return lora.map((path, i) => ({ name: name(path, i), file: adapterFile(path) }));
  }
  const [run] = lora as [string];
  const found = listCheckpoints(run);
  if (found.length === 0) throw invalid("lora", "the folder of a run with checkpoints in it", run);
  return found.map(({ path, step }) => ({ name: `step ${step}`, file: adapterFile(path), step }));
}

const scalesOf = ({ lora_scales }: ArmOptions): number[] =>
  lora_scales === null ? [1] : lora_scales.split(",").map(Number);

/** A name as that of a folder: `lora × 0.5` → `lora-0.5`. */
export function folderName(arm: string): string {
  return arm
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
}
