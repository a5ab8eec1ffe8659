import { basename } from "node:path";
import type { Module } from "@stillframe/torch";
import { exact } from "../comparison.js";
import type { Family } from "../family.js";
import type { ParityContext } from "../parity-context.js";

/** The components with weights, by their folders. */
const COMPONENTS = ["text_encoder", "text_encoder_2", "unet", "vae"] as const;

/** What loading a model reads beside the weights. */
const READ = new Set([
  "model_index.json",
  "config.json",
  "scheduler_config.json",
  ...["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"],
]);

/**
 * The model that the other families run: it loads with no key missing and none left over, and every weight in the
 * module tree is the file's tensor of the same key.
 */
export const model: Family = {
  name: "model",
  owns: (file) => file.includes("/") && !OTHERS.test(file),
  check(context) {
    context.section("strict loading", [context.modelIndex], () => checkWeights(context));
  },
};

/** Folders of the other families; the model's own folder may have any other name. */
const OTHERS = /^(schedulers|lora|train|pipeline|fid|manifests|preprocess)\//;

function checkWeights(context: ParityContext): void {
  const { folder, modelFolder } = context;
  const { unet, vae, textEncoders } = context.model;
  const modules: Record<(typeof COMPONENTS)[number], Module> = {
    text_encoder: textEncoders[0],
    text_encoder_2: textEncoders[1],
    unet,
    vae,
  };
  for (const file of folder.files.filter((f) => f.startsWith(`${modelFolder}/`))) {
    if (READ.has(basename(file))) folder.use(file);
    const component = COMPONENTS.find((c) => file.startsWith(`${modelFolder}/${c}/`));
    if (component === undefined || !file.endsWith(".safetensors")) continue;
    const state = modules[component].stateDict();
    for (const [name, expected] of folder.tensors(file)) {
      const actual = state.get(name);
      if (actual === undefined) context.fail(file, name, "the model has no such weight");
      else context.check(file, name, { actual, expected, tolerance: exact, group: "weights" });
    }
  }
}
