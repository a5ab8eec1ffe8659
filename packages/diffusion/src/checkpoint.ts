import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import {
  type Device,
  type DType,
  FileFormatError,
  invalid,
  loadWeights,
  type Module,
  readSafetensors,
  type Tensor,
} from "@stillframe/torch";

/** Where a component's weights are, and how they are to be used. */
export interface LoadOptions {
  /** part of the file name, for instance `fp16` for `model.fp16.safetensors` */
  variant?: string | undefined;
  dtype?: DType | undefined;
  device?: Device | undefined;
  /** the weights will not be trained: half precision where that loses nothing (see `loadWeights`) */
  frozen?: boolean | undefined;
}

/** Reads a JSON file of a model folder. */
export function readJson(path: string): unknown {
  if (!existsSync(path)) throw new FileFormatError(path, "there is no such file");
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (e) {
    throw new FileFormatError(path, `it is not JSON: ${(e as Error).message}`);
  }
}

const PICKLE = /\.(bin|pt|pth|ckpt)$/;

/** What there is instead of the file that was looked for. */
function alternatives(folder: string, stem: string): string {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const variants = files.flatMap(
    (f) => /^.+?\.(?:safetensors\.index\.)?([\w-]+)\.(?:safetensors|json)$/.exec(f)?.[1] ?? [],
  );
  const others = [...new Set(variants)].filter(
    (v) => files.includes(`${stem}.${v}.safetensors`) || files.includes(`${stem}.safetensors.index.${v}.json`),
  );
  if (others.length > 0) return `; this folder has --variant=${others.join(" or --variant=")}`;
  if (files.includes(`${stem}.safetensors`)) return "; this folder has the weights without a variant";
  const pickles = files.filter((f) => PICKLE.test(f));
  if (pickles.length > 0)
    return `; ${pickles.join(", ")} can run code when it is read, so it is never loaded: convert it with \`python -c "from safetensors.torch import save_file; import torch; save_file(torch.load('${pickles[0]}', weights_only=True), '${stem}.safetensors')"\``;
  return "";
}

/** The files that hold a component's weights: one, or the shards of an index. */
export function weightFiles(folder: string, stem: string, variant?: string): string[] {
  const single = join(folder, variant === undefined ? `${stem}.safetensors` : `${stem}.${variant}.safetensors`);
  if (existsSync(single)) return [single];
  const index = join(
    folder,
    variant === undefined ? `${stem}.safetensors.index.json` : `${stem}.safetensors.index.${variant}.json`,
  );
  if (!existsSync(index)) throw new FileFormatError(single, `there is no such file${alternatives(folder, stem)}`);
  const map = (readJson(index) as { weight_map?: Record<string, string> }).weight_map;
  if (typeof map !== "object" || map === null) throw new FileFormatError(index, "expected a weight_map");
  return [...new Set(Object.values(map))].sort().map((file) => {
    if (typeof file !== "string" || basename(file) !== file)
      throw new FileFormatError(index, `shard ${String(file)} lies outside its folder`);
    return join(folder, file);
  });
}

/** All tensors of a component, mapped. */
export function readWeights(files: readonly string[]): Map<string, Tensor> {
  const all = new Map<string, Tensor>();
  for (const file of files)
    for (const [key, tensor] of readSafetensors(file).tensors) {
      if (all.has(key)) throw new FileFormatError(file, `tensor ${key} is in another shard too`);
      all.set(key, tensor);
    }
  return all;
}

/** diffusers before 0.14 named the VAE's attention otherwise. */
const OLD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/(mid_block\.attentions\.0\.)query\./, "$1to_q."],
  [/(mid_block\.attentions\.0\.)key\./, "$1to_k."],
  [/(mid_block\.attentions\.0\.)value\./, "$1to_v."],
  [/(mid_block\.attentions\.0\.)proj_attn\./, "$1to_out.0."],
];

/** Keys as this library names them: old spellings renamed, buffers that old files carry dropped. */
function currentNames(weights: Map<string, Tensor>): Map<string, Tensor> {
  const out = new Map<string, Tensor>();
  for (const [key, tensor] of weights) {
    if (key.endsWith("embeddings.position_ids")) {
      tensor.dispose();
      continue;
    }
    out.set(
      OLD_NAMES.reduce((k, [from, to]) => k.replace(from, to), key),
      tensor,
    );
  }
  return out;
}

/**
 * Makes a component from its folder: `config.json` and weights, strict both ways.
 *
 * @param stem the weight files' name without endings, `model` or `diffusion_pytorch_model`
 */
export function loadComponent<C, M extends Module>(
  folder: string,
  {
    stem,
    config,
    make,
    variant,
    dtype,
    device,
    frozen = false,
  }: LoadOptions & { stem: string; config: (json: unknown, source: string) => C; make: (config: C) => M },
): { model: M; files: string[] } {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw invalid("model folder", `a folder at ${folder}`, "none");
  const configPath = join(folder, "config.json");
  const model = make(config(readJson(configPath), configPath));
  const files = weightFiles(folder, stem, variant);
  loadWeights(model, currentNames(readWeights(files)), {
    source: files.length === 1 ? (files[0] as string) : folder,
    ...(dtype === undefined ? {} : { dtype }),
    ...(device === undefined ? {} : { device }),
    frozen,
  });
  return { model, files };
}
