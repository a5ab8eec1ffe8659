import {
  adaptedLayers,
  encodeIds,
  LORA_PARTS,
  type LoraPart,
  type LoraWeights,
  loraParts,
  setLoraMultiplier,
} from "@stillframe/diffusion";
import { FileFormatError, type Tensor, tensor } from "@stillframe/torch";
import { readAdapter, rewrittenAdapter, withAdapter } from "../adapters.js";
import { absolute, exact } from "../comparison.js";
import type { Family } from "../family.js";
import { matched, type ParityContext } from "../parity-context.js";
import { CLIP_TOLERANCE } from "./clip.js";
import { checkAdapterJson, checkKohyaWriting, checkWriting } from "./lora-writing.js";
import { UNET_TOLERANCE, unetInputs } from "./unet.js";

const FOLDER = "lora/";
export const LORA_FILE = `${FOLDER}pytorch_lora_weights.safetensors`;
const KOHYA_FILE = `${FOLDER}kohya_diffusers_names.safetensors`;
const SAI_FILE = `${FOLDER}kohya_sai_names.json`;
const OUTPUTS_FILE = `${FOLDER}lora_outputs.safetensors`;
const JSON_FILE = `${FOLDER}lora.json`;
const MERGED_TOLERANCE = absolute(1e-6);

/** An adapter in every format: read, used at several strengths, merged, written. */
export const lora: Family = {
  name: "lora",
  owns: (file) => file.startsWith(FOLDER),
  check(context) {
    const { modelIndex } = context;
    context.section("formats", [KOHYA_FILE, LORA_FILE, modelIndex], () => checkKohyaFile(context));
    context.section("names", [SAI_FILE, KOHYA_FILE, LORA_FILE, modelIndex], () => checkSaiNames(context));
    const needs = [OUTPUTS_FILE, LORA_FILE, JSON_FILE, "unet.safetensors", "clip.safetensors", modelIndex];
    context.section("outputs", needs, () => checkOutputs(context));
    context.section("merged weights", [OUTPUTS_FILE, LORA_FILE, modelIndex], () => checkMerged(context));
    context.section("writing", [LORA_FILE, modelIndex], () => checkWriting(context, LORA_FILE));
    context.section("writing for kohya", [SAI_FILE, LORA_FILE, modelIndex], () =>
      checkKohyaWriting(context, LORA_FILE, SAI_FILE),
    );
    context.section("facts", [JSON_FILE, LORA_FILE, modelIndex], () => checkAdapterJson(context, LORA_FILE, JSON_FILE));
  },
};

/** The reference file as this implementation reads it. */
export const referenceAdapter = ({ folder, model }: ParityContext): LoraWeights =>
  readAdapter(model, folder.pathOf(LORA_FILE));

/** kohya's file holds the same layers: every tensor of it is compared with what was read from diffusers' file. */
function checkKohyaFile(context: ParityContext): void {
  const { folder, model } = context;
  const kohya = readAdapter(model, folder.pathOf(KOHYA_FILE));
  checkSameAdapter(context, KOHYA_FILE, { file: "(layers)", adapter: kohya });
  for (const name of folder.tensors(KOHYA_FILE).keys()) folder.use(KOHYA_FILE, name);
  // The first encoder's layers without `text_model.`, as newer transformers name them.
  const flattened = rewrittenAdapter(model, folder.tensors(LORA_FILE), (name, t) => [
    name.replace(/^text_encoder\.text_model\./, "text_encoder."),
    t,
  ]);
  checkSameAdapter(context, LORA_FILE, { file: "read without text_model.", adapter: flattened });
}

/** Renames kohya's file to the original block numbers by the reference's map, and reads that. */
function checkSaiNames(context: ParityContext): void {
  const { folder, model } = context;
  const toDiffusers = Object.entries(folder.json<Record<string, string>>(SAI_FILE));
  const toSai = new Map(toDiffusers.map(([sai, diffusers]) => [diffusers, sai]));
  const renamed = rewrittenAdapter(model, folder.tensors(KOHYA_FILE), (name, t) => {
    const [layer, field] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf("."))];
    return [(toSai.get(layer) ?? layer) + field, t];
  });
  checkSameAdapter(context, SAI_FILE, { file: "read with these names", adapter: renamed });
}

/** Compares an adapter with the reference file's, layer by layer; an alpha must give the same scale. */
function checkSameAdapter(
  context: ParityContext,
  file: string,
  { file: what, adapter }: { file: string; adapter: LoraWeights },
): void {
  const reference = referenceAdapter(context);
  for (const part of LORA_PARTS) {
    const [own, theirs] = [adapter.parts[part], reference.parts[part]];
    context.checkSame(file, `${what} ${part}`, { actual: [...own.keys()].sort(), expected: [...theirs.keys()].sort() });
    for (const [path, expected] of theirs) {
      const actual = own.get(path);
      if (actual === undefined) continue;
      const rank = actual.down.size(0);
      for (const matrix of ["down", "up"] as const)
        context.check(file, `${what} ${part}.${path}.${matrix}`, {
          actual: actual[matrix],
          expected: expected[matrix],
          tolerance: exact,
          group: what,
        });
      context.check(file, `${what} ${part}.${path} scale`, {
        actual: (actual.alpha ?? rank) / rank,
        expected: (expected.alpha ?? rank) / rank,
        tolerance: exact,
        group: what,
      });
    }
  }
}

type Output = "unet" | "prompt_embeds" | "pooled";
type Outputs = Record<Output, () => Tensor>;

/** Outputs at several strengths, and with an alpha that is not the rank. */
function checkOutputs(context: ParityContext): void {
  const { folder, model } = context;
  for (const [strength, keys] of outputsByStrength(folder.tensors(OUTPUTS_FILE).keys())) {
    const [, kind, number] = matched(strength, /^(scale|alpha)(-?[\d.]+)$/, "strength");
    const adapter = kind === "alpha" ? withAlpha(context, Number(number)) : referenceAdapter(context);
    withAdapter(model, adapter, () => {
      for (const part of Object.values(loraParts(model)))
        setLoraMultiplier(part, kind === "scale" ? Number(number) : 1);
      const outputs = outputsOf(context);
      for (const [key, output] of keys)
        context.checkTensor(OUTPUTS_FILE, key, {
          actual: outputs[output](),
          tolerance: output === "unet" ? UNET_TOLERANCE : CLIP_TOLERANCE,
        });
    });
  }
}

function outputsByStrength(keys: Iterable<string>): Map<string, [key: string, output: Output][]> {
  const strengths = new Map<string, [string, Output][]>();
  for (const key of keys) {
    const found = /^((?:scale|alpha)-?[\d.]+)\.(unet|prompt_embeds|pooled)$/.exec(key);
    if (found === null) continue;
    const [, strength, output] = found as unknown as [string, string, Output];
    strengths.set(strength, [...(strengths.get(strength) ?? []), [key, output]]);
  }
  return strengths;
}

/** The reference adapter with an alpha in its file. */
function withAlpha(context: ParityContext, alpha: number): LoraWeights {
  const { folder, model } = context;
  const tensors = new Map(folder.tensors(LORA_FILE));
  for (const key of folder.tensors(LORA_FILE).keys()) {
    const layer = key.replace(/\.lora(_linear_layer)?\.(down|up)\.weight$/, "");
    tensors.set(`${layer}.alpha`, tensor(alpha));
  }
  return rewrittenAdapter(model, tensors, (name, t) => [name, t]);
}

/** The networks on the inputs that `lora.json` names: a case of the UNet's vectors, rows of the text encoders'. */
function outputsOf(context: ParityContext): Outputs {
  const { folder, model } = context;
  const { outputs_use: text } = folder.json<{ outputs_use: string }>(JSON_FILE);
  const name = matched(text, /case (\w+) of unet\.safetensors/, "outputs_use")[1] as string;
  const rows = matched(text, /rows? ([\d, and]+) of clip\.safetensors/, "outputs_use")[1]
    ?.match(/\d+/g)
    ?.map(Number);
  if (rows === undefined) throw new FileFormatError(folder.pathOf(JSON_FILE), "outputs_use names no rows");
  const { x, t, conditions } = unetInputs(folder, name);
  const index = tensor(BigInt64Array.from(rows, BigInt));
  const ids = (key: string) => folder.input("clip.safetensors", key).indexSelect(0, index).unsqueeze(1);
  const encode = () => encodeIds(model, { one: ids("input_ids_one"), two: ids("input_ids_two") });
  return {
    unet: () => model.unet.forward(x, t, conditions),
    prompt_embeds: () => encode().promptEmbeds,
    pooled: () => encode().textEmbeds,
  };
}

/** Weights with the adapter folded in. */
function checkMerged(context: ParityContext): void {
  const { folder, model } = context;
  const merged = [...folder.tensors(OUTPUTS_FILE).keys()].filter((key) => key.startsWith("merged."));
  withAdapter(model, referenceAdapter(context), () => {
    for (const key of merged) {
      const pattern = /^merged\.scale(-?\d+(?:\.\d+)?)\.(unet|text_encoder|text_encoder_2)\.(.+)\.weight$/;
      const [, scale, part, path] = matched(key, pattern, "merged weight");
      const layers = adaptedLayers(loraParts(model)[part as LoraPart]);
      const adapted = layers.find((layer) => layer.path === path)?.layer;
      if (adapted === undefined)
        throw new FileFormatError(folder.pathOf(OUTPUTS_FILE), `${key} is of no adapted layer`);
      adapted.multiplier = Number(scale);
      const { weight } = adapted.fuse();
      context.checkTensor(OUTPUTS_FILE, key, { actual: weight, tolerance: MERGED_TOLERANCE, group: "merged.*" });
      weight.dispose();
    }
  });
}
