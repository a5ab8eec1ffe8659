import {
  ClipTextModel,
  clipTextConfig,
  diffusersTensors,
  injectLora,
  kohyaName,
  kohyaSgmName,
  LORA_PARTS,
  type LoraPart,
  layerPaths,
  loraParts,
  removeLora,
  type Sdxl,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
  Unet,
  unetConfig,
  Vae,
  vaeConfig,
} from "@stillframe/diffusion";
import { invalid, type Module } from "@stillframe/torch";
import { exact } from "../comparison.js";
import type { Family } from "../family.js";
import { jsonPath } from "../json-leaves.js";
import type { ParityContext } from "../parity-context.js";
import { SDXL_BASE_CONFIGS } from "./sdxl-base-configs.js";

const FILE = "manifests/sdxl_base_1.0_manifest.json.gz";
const NAMES_FILE = "manifests/kohya_names_sdxl.json.gz";
const SUMMARY_FILE = "manifests/summary.json";

/** Keys with the shapes of their tensors. */
type Shapes = readonly (readonly [key: string, shape: number[]])[];

interface Counts {
  tensors: number;
  params: number;
}

interface ManifestCounts {
  counts: Record<string, Counts>;
  lora_rank: number;
  lora_tensors: number;
  lora_params: number;
  lora_unet_only: Counts;
}

interface Manifest extends ManifestCounts {
  models: Record<string, Record<string, number[]>>;
  lora: Record<string, number[]>;
}

/** Every key and shape of SDXL base 1.0 and of an adapter for it, from the module classes and the real configurations. */
export const manifests: Family = {
  name: "manifests",
  owns: (file) => file.startsWith("manifests/"),
  check(context) {
    const declared = declaredSdxl();
    const adapters = new Map<number, Shapes>();
    const adapter = (rank: number): Shapes => {
      const made = adapters.get(rank) ?? adapterShapes(declared, rank);
      adapters.set(rank, made);
      return made;
    };
    context.section("kohya names", [NAMES_FILE], () => checkNames(context, declared));
    context.section("keys and shapes", [FILE], () => {
      const { models, lora, ...counts } = context.folder.json<Manifest>(FILE);
      const own = adapter(counts.lora_rank);
      for (const [name, expected] of Object.entries(models)) checkModel(context, name, { declared, expected });
      context.checkSame(FILE, "lora", { actual: listed(own), expected: listed(Object.entries(lora)) });
      checkCounts(context, FILE, { declared, counts, own });
    });
    context.section("summary", [SUMMARY_FILE], () => {
      const counts = context.folder.json<ManifestCounts>(SUMMARY_FILE);
      checkCounts(context, SUMMARY_FILE, { declared, counts, own: adapter(counts.lora_rank) });
      context.folder.use(SUMMARY_FILE, "kohya_sai_names_checked_against_sd_scripts");
    });
    for (const part of PARTS) declared[part].dispose();
  },
};

const PARTS = ["unet", "vae", "text_encoder", "text_encoder_2"] as const;
type Declared = Record<(typeof PARTS)[number], Module> & Pick<Sdxl, "unet" | "textEncoders">;

/** The full-size networks as shapes alone: their weights have no memory. */
function declaredSdxl(): Declared {
  const { unet, vae, text_encoder, text_encoder_2 } = SDXL_BASE_CONFIGS;
  const textEncoders = [
    new ClipTextModel(clipTextConfig(text_encoder)),
    new ClipTextModel(clipTextConfig(text_encoder_2)),
  ] as const;
  const network = new Unet(unetConfig(unet));
  return {
    unet: network,
    vae: new Vae(vaeConfig(vae)),
    text_encoder: textEncoders[0],
    text_encoder_2: textEncoders[1],
    textEncoders,
  };
}

const countsOf = (shapes: Shapes): Counts => ({
  tensors: shapes.length,
  params: shapes.reduce((n, [, shape]) => n + shape.reduce((a, b) => a * b, 1), 0),
});

/** Keys with their shapes in one comparable order. */
const listed = (shapes: Shapes): string[] => shapes.map(([key, shape]) => `${key} [${shape.join(", ")}]`).sort();

function shapesOf(declared: Declared, name: string): Shapes {
  const part = PARTS.find((p) => p === name);
  if (part === undefined) throw invalid("model", `one of ${PARTS.join(", ")}`, name);
  return [...declared[part].weights()].map(({ key, tensor }) => [key, tensor.shape]);
}

function checkModel(
  context: ParityContext,
  name: string,
  { declared, expected }: { declared: Declared; expected: Record<string, number[]> },
): void {
  const actual = listed(shapesOf(declared, name));
  context.checkSame(FILE, jsonPath("models", name), { actual, expected: listed(Object.entries(expected)) });
}

/** Numbers of tensors and of their elements. */
function checkCounts(
  context: ParityContext,
  file: string,
  { declared, counts, own }: { declared: Declared; counts: ManifestCounts; own: Shapes },
): void {
  const check = (path: string, actual: number, expected: number) =>
    context.check(file, path, { actual, expected, tolerance: exact, group: "counts" });
  const checkBoth = (path: string, actual: Counts, expected: Counts) => {
    check(jsonPath(path, "tensors"), actual.tensors, expected.tensors);
    check(jsonPath(path, "params"), actual.params, expected.params);
  };
  for (const [name, expected] of Object.entries(counts.counts))
    checkBoth(jsonPath("counts", name), countsOf(shapesOf(declared, name)), expected);
  const all = countsOf(own);
  context.folder.use(file, "lora_rank");
  check("lora_tensors", all.tensors, counts.lora_tensors);
  check("lora_params", all.params, counts.lora_params);
  checkBoth("lora_unet_only", countsOf(own.filter(([key]) => key.startsWith("unet."))), counts.lora_unet_only);
}

/** Keys and shapes of the adapter's file; each part is freed before the next is made. */
function adapterShapes(declared: Declared, rank: number): Shapes {
  const models = loraParts(declared);
  return LORA_PARTS.flatMap((part) => {
    const targets = part === "unet" ? UNET_TARGETS : TEXT_ENCODER_TARGETS;
    const layers = injectLora(models[part], { rank, targets });
    const shapes = diffusersTensors({ [part]: layers }).map(([key, t]): [string, number[]] => [key, t.shape]);
    removeLora(models[part]);
    return shapes;
  });
}

function checkNames(context: ParityContext, declared: Declared): void {
  const names = context.folder.json<Record<string, { kohya_sai: string; kohya_diffusers: string }>>(NAMES_FILE);
  const paths = layerPaths(declared);
  for (const [key, expected] of Object.entries(names)) {
    const part = LORA_PARTS.find((p) => key.startsWith(`${p}.`)) as LoraPart;
    const path = key.slice(part.length + 1);
    const known = paths[part].includes(path);
    const actual = {
      kohya_sai: part === "unet" ? kohyaSgmName(path, declared.unet.config) : kohyaName(part, path),
      kohya_diffusers: kohyaName(part, path),
    };
    context.checkSame(NAMES_FILE, key, { actual: known ? actual : "no such layer", expected, group: "kohya names" });
  }
}
