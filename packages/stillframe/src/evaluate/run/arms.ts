import { basename } from "node:path";
import type { EvaluateOptions } from "@stillframe/schema";
import { invalid } from "@stillframe/torch/errors";
import { adapterFile } from "../../generate/index.js";
import { listCheckpoints } from "../../train/run-folder.js";
import type { ARM_KINDS } from "../evaluation.js";
import { joined, type Prompt, withoutPrefix, withPrefix } from "./prompts.js";

/** One set of pictures that is measured. */
export interface Arm {
  readonly name: string;
  readonly kind: (typeof ARM_KINDS)[number];
  /** The model as the user named it; null for the base model. */
  readonly model: string | null;
  /** The adapter's file; null for a model alone. */
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
  "lora" | "lora_scales" | "models" | "checkpoints" | "prefix" | "style_words" | "base_prompt_field"
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
export function planArms(options: ArmOptions, prompts: readonly Prompt[], generic: readonly Prompt[] | null): Arm[] {
  const { prefix } = options;
  const texts = prompts.map((p) => p.text);
  const shown = prefix === null ? texts : texts.map((p) => withPrefix(p, prefix));
  const plain = { model: null, adapter: null, strength: 0, prompts: shown, generic: false } as const;
  const adapters = adaptersOf(options);
  const main = adapters.at(-1);
  const styled = { ...plain, adapter: main?.file ?? null, strength: main === undefined ? 0 : 1 };
  const arms: Arm[] = [
    { ...plain, name: "base", kind: "base" },
    ...worded(options, prompts).map((arm) => ({ ...plain, ...arm })),
    ...adapters.flatMap((adapter) => adapted(adapter, options).map((arm) => ({ ...plain, ...arm }))),
  ];
  if (prefix !== null)
    arms.push({
      ...styled,
      name: `${main?.name ?? "base"} without the prefix`,
      kind: "prefix",
      prompts: texts.map((p) => withoutPrefix(p, prefix)),
    });
  if (generic !== null) {
    const others = { kind: "generic", prompts: generic.map((p) => p.text), generic: true } as const;
    arms.push({ ...plain, ...others, name: "base, generic prompts" });
    if (main !== undefined) arms.push({ ...styled, ...others, name: `${main.name}, generic prompts` });
  }
  // Last, so that every model is loaded once.
  arms.push(...modelsOf(options).map((arm) => ({ ...plain, ...arm })));
  // Pictures lie in folders by these names.
  const folders = arms.map((arm) => folderName(arm.name));
  const twin = arms.find((_, i) => folders[i] === "" || folders.indexOf(folders[i] as string) < i);
  if (twin !== undefined)
    throw invalid(
      "lora_scales, models",
      "each strength once, and models with names of their own that have letters or digits,",
      twin.name,
    );
  return arms;
}

/** The base with other words: those of the style, and its own. */
function worded({ style_words: words }: ArmOptions, prompts: readonly Prompt[]) {
  const own = prompts.flatMap((p) => p.base ?? []);
  return [
    ...(words === null
      ? []
      : [
          {
            name: "base with style words",
            kind: "base_with_style",
            prompts: prompts.map((p) => joined(words, p.text)),
          } as const,
        ]),
    ...(own.length === 0 ? [] : [{ name: "base in its own words", kind: "base_in_own_words", prompts: own } as const]),
  ];
}

function adapted({ name, file, step }: Adapter, options: ArmOptions) {
  if (step !== undefined) return [{ adapter: file, name, kind: "checkpoint", strength: 1, step } as const];
  return scalesOf(options).map((strength) => ({
    adapter: file,
    name: strength === 1 ? name : `${name} × ${strength}`,
    kind: strength === 1 ? ("lora" as const) : ("strength" as const),
    strength,
  }));
}

function modelsOf({ models }: ArmOptions) {
  return models.map((text) => {
    const at = text.indexOf("=");
    return { name: text.slice(0, at).trim(), kind: "model", model: text.slice(at + 1).trim() } as const;
  });
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
