import { FileFormatError, readSafetensors, type Tensor, writeSafetensors } from "@stillframe/torch";
import type { UnetConfig } from "../unet/config.js";
import type { AdaptedLayer } from "./inject.js";
import { kohyaName, kohyaSgmName, LORA_PARTS, type LoraPart } from "./names.js";

/** One layer's update as a file has it: `scale = alpha / rank`, alpha being the rank where a file names none. */
export interface LoraEntry {
  down: Tensor; // [rank, in], or [rank, in, k, k] of a convolution
  up: Tensor; // [out, rank], or [out, rank, 1, 1]
  alpha: number | null;
}
/** An adapter: for each part of the pipeline, the updates by checkpoint path of the layer. */
export interface LoraWeights {
  parts: Record<LoraPart, Map<string, LoraEntry>>;
  metadata: Record<string, string>;
}
/** Checkpoint paths of the layers of each part that can be adapted, to tell names with underscores apart. */
export type LayerPaths = Partial<Record<LoraPart, readonly string[]>>;

type Field = "down" | "up" | "alpha";
const FIELDS: readonly (readonly [string, Field])[] = [
  [".lora.down.weight", "down"],
  [".lora.up.weight", "up"],
  [".lora_linear_layer.down.weight", "down"],
  [".lora_linear_layer.up.weight", "up"],
  [".lora_A.default.weight", "down"],
  [".lora_B.default.weight", "up"],
  [".lora_A.weight", "down"],
  [".lora_B.weight", "up"],
  [".lora_down.weight", "down"],
  [".lora_up.weight", "up"],
  [".alpha", "alpha"],
];

/** All names under which a file may hold a layer. */
function aliases(paths: LayerPaths, unet: UnetConfig | null): Map<string, { part: LoraPart; path: string }> {
  const known = new Map<string, { part: LoraPart; path: string }>();
  for (const part of LORA_PARTS)
    for (const path of paths[part] ?? []) {
      const target = { part, path };
      known.set(`${part}.${path}`, target);
      known.set(`base_model.model.${part}.${path}`, target);
      known.set(kohyaName(part, path), target);
      if (part === "unet" && unet !== null) known.set(kohyaSgmName(path, unet), target);
      if (part === "unet") known.set(`unet.${path}`.replace(/\.to_out\.0$/, ".to_out"), target);
      // transformers 5.6 and later name the first encoder's layers without `text_model.`
      if (part !== "unet") known.set(`${part}.${path.replace(/^text_model\./, "")}`, target);
    }
  return known;
}

/**
 * Reads an adapter in diffusers', peft's, or kohya's naming (with diffusers' or the original block numbers).
 *
 * @param paths the layers of the model that the adapter is for
 * @throws FileFormatError naming the keys that fit no layer, or layers of which a half is missing
 */
export function readLora(
  path: string,
  { paths, unet = null }: { paths: LayerPaths; unet?: UnetConfig | null },
): LoraWeights {
  const { tensors, metadata } = readSafetensors(path);
  const known = aliases(paths, unet);
  const found = new Map<string, { part: LoraPart; path: string } & Partial<Record<Field, Tensor>>>();
  const unknown: string[] = [];
  for (const [key, tensor] of tensors) {
    const field = FIELDS.find(([suffix]) => key.endsWith(suffix));
    const target = field && known.get(key.slice(0, -field[0].length));
    if (field === undefined || target === undefined) {
      unknown.push(key);
      continue;
    }
    const id = `${target.part}.${target.path}`;
    const entry = found.get(id) ?? { ...target };
    entry[field[1]] = tensor;
    found.set(id, entry);
  }
  if (unknown.length > 0)
    throw new FileFormatError(
      path,
      `${unknown.length} of ${tensors.size} keys fit no layer of this model: ${unknown.slice(0, 5).join(", ")}${unknown.length > 5 ? ", …" : ""}`,
    );
  const parts: LoraWeights["parts"] = { unet: new Map(), text_encoder: new Map(), text_encoder_2: new Map() };
  for (const [id, { part, path: layer, down, up, alpha }] of found) {
    if (down === undefined || up === undefined)
      throw new FileFormatError(path, `layer ${id} has only one of its two factors`);
    parts[part].set(layer, { down, up, alpha: alpha === undefined ? null : takeNumber(alpha) });
  }
  return { parts, metadata };
}

/** Frees what `readLora` gave; `applyLora` has made its own copies. */
export function disposeLora({ parts }: LoraWeights): void {
  for (const entries of Object.values(parts))
    for (const { down, up } of entries.values()) {
      down.dispose();
      up.dispose();
    }
}

/** The value of a scalar, which is freed. */
function takeNumber(scalar: Tensor): number {
  const value = scalar.item();
  scalar.dispose();
  return value;
}

/** Adapted layers of each part. */
export type AdaptedParts = Partial<Record<LoraPart, readonly AdaptedLayer[]>>;

function diffusersKey(part: LoraPart, path: string, field: "down" | "up"): string {
  return part === "unet" ? `unet.${path}.lora.${field}.weight` : `${part}.${path}.lora_linear_layer.${field}.weight`;
}

/** The keys and tensors that the reference script's file has; it holds no alpha, so the scale is folded into B. */
export function diffusersTensors(
  parts: AdaptedParts,
  fold: (layer: AdaptedLayer["layer"]) => Tensor = foldedB,
): [string, Tensor][] {
  return LORA_PARTS.flatMap((part) =>
    (parts[part] ?? []).flatMap(({ path, layer }): [string, Tensor][] => [
      [diffusersKey(part, path, "down"), layer.loraA],
      [diffusersKey(part, path, "up"), fold(layer)],
    ]),
  );
}

const foldedB = (layer: AdaptedLayer["layer"]): Tensor =>
  layer.scale === 1 ? layer.loraB : layer.loraB.mul(layer.scale);

/** Writes `pytorch_lora_weights.safetensors` with the reference script's keys. */
export function writeDiffusersLora(path: string, parts: AdaptedParts): { bytes: number; sha256: string } {
  return writeSafetensors(path, diffusersTensors(parts), { metadata: { format: "pt" } });
}

/** Writes kohya's naming, which ComfyUI and A1111 read; with the original block numbers when the config is given. */
export function writeKohyaLora(
  path: string,
  parts: AdaptedParts,
  {
    unet,
    metadata,
    alphaTensor,
  }: { unet: UnetConfig; metadata?: Record<string, string>; alphaTensor: (alpha: number) => Tensor },
): { bytes: number; sha256: string } {
  const tensors = LORA_PARTS.flatMap((part) =>
    (parts[part] ?? []).flatMap(({ path: p, layer }): [string, Tensor][] => {
      const name = part === "unet" ? kohyaSgmName(p, unet) : kohyaName(part, p);
      return [
        [`${name}.lora_down.weight`, layer.loraA],
        [`${name}.lora_up.weight`, layer.loraB],
        [`${name}.alpha`, alphaTensor(layer.scale * layer.rank)],
      ];
    }),
  );
  return writeSafetensors(path, tensors, metadata === undefined ? {} : { metadata });
}
