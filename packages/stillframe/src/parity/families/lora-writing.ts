import { join } from "node:path";
import {
  type AdaptedParts,
  adaptedLayers,
  kohyaName,
  LORA_PARTS,
  loraParts,
  type Sdxl,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
  writeDiffusersLora,
  writeKohyaLora,
} from "@stillframe/diffusion";
import { readSafetensors, readSafetensorsHeader, tensor } from "@stillframe/torch";
import { inTemporaryFolder, readAdapter, withAdapter } from "../adapters.js";
import { exact } from "../comparison.js";
import type { ParityContext } from "../parity-context.js";

const partsOf = (model: Sdxl): AdaptedParts => {
  const models = loraParts(model);
  return Object.fromEntries(LORA_PARTS.map((part) => [part, adaptedLayers(models[part])]));
};

/** Reads the reference file, writes it again, and compares the two: names, shapes, numbers and metadata. */
export function checkWriting(context: ParityContext, file: string): void {
  const { folder, model } = context;
  inTemporaryFolder((temporary) => {
    const path = join(temporary, "pytorch_lora_weights.safetensors");
    const reference = readAdapter(model, folder.pathOf(file));
    withAdapter(model, reference, () => writeDiffusersLora(path, partsOf(model)));
    const written = readSafetensors(path);
    const keys = [...folder.tensors(file).keys()];
    context.checkSame(file, "(keys written)", { actual: [...written.tensors.keys()], expected: keys });
    context.checkSame(file, "(metadata written)", { actual: written.metadata, expected: reference.metadata });
    for (const key of keys) {
      const actual = written.tensors.get(key);
      if (actual !== undefined) context.checkTensor(file, key, { actual, tolerance: exact, group: "written again" });
    }
  });
}

/** The file for other programs has the reference's names, and nothing beside them. */
export function checkKohyaWriting(context: ParityContext, file: string, namesFile: string): void {
  const { folder, model } = context;
  const reference = readAdapter(model, folder.pathOf(file));
  const unet = Object.keys(folder.json<Record<string, string>>(namesFile));
  const encoders = LORA_PARTS.filter((part) => part !== "unet").flatMap((part) =>
    [...reference.parts[part].keys()].map((path) => kohyaName(part, path)),
  );
  const expected = [...unet, ...encoders].flatMap((name) =>
    ["alpha", "lora_down.weight", "lora_up.weight"].map((f) => `${name}.${f}`),
  );
  inTemporaryFolder((temporary) => {
    const path = join(temporary, "kohya.safetensors");
    withAdapter(model, reference, () =>
      writeKohyaLora(path, partsOf(model), { unet: model.unet.config, alphaTensor: (alpha) => tensor(alpha) }),
    );
    const actual = [...readSafetensorsHeader(path).tensors.keys()];
    context.checkSame(namesFile, "(names written)", { actual: actual.sort(), expected: expected.sort() });
  });
}

interface LoraJson {
  rank: number;
  alpha: number;
  unet_targets: string[];
  text_encoder_targets: string[];
  safetensors_metadata: Record<string, string>;
  num_tensors: number;
  keys: string[];
}

/** Keys that a newer transformers writes; the note behind the name varies. */
const FLATTENED_KEYS = /^te1_keys_written_by_transformers/;
/** What the reference found when it loaded these files itself. */
const ITS_OWN_CHECKS = /^load_lora_weights_check/;

/** What the JSON file says of the adapter. */
export function checkAdapterJson(context: ParityContext, file: string, jsonFile: string): void {
  const { folder, model } = context;
  const json = folder.json<LoraJson>(jsonFile);
  const { parts, metadata } = readAdapter(model, folder.pathOf(file));
  const entries = LORA_PARTS.flatMap((part) => [...parts[part].values()]);
  const ranks = [...new Set(entries.map((e) => e.down.size(0)))];
  const alphas = [...new Set(entries.map((e) => e.alpha ?? e.down.size(0)))];
  const same = (part: keyof LoraJson, actual: unknown, expected: unknown = json[part]) =>
    context.checkSame(jsonFile, part, { actual, expected });
  same("rank", ranks, [json.rank]);
  same("alpha", alphas, [json.alpha]);
  same("unet_targets", [...UNET_TARGETS].sort(), [...json.unet_targets].sort());
  same("text_encoder_targets", [...TEXT_ENCODER_TARGETS].sort(), [...json.text_encoder_targets].sort());
  same("safetensors_metadata", metadata);
  same("num_tensors", entries.length * 2);
  same("keys", [...folder.tensors(file).keys()].sort(), [...json.keys].sort());
  for (const [part, value] of Object.entries(json)) {
    if (ITS_OWN_CHECKS.test(part)) folder.use(jsonFile, part);
    if (FLATTENED_KEYS.test(part)) {
      const known = new Set(json.keys.map((key) => key.replace(/^text_encoder\.text_model\./, "text_encoder.")));
      const unknown = (value as unknown as string[]).filter((key) => !known.has(key));
      context.checkSame(jsonFile, part, { actual: unknown, expected: [] });
    }
  }
}
