import { FileFormatError, InvalidArgumentError } from "@stillframe/torch/errors";
import type { RepoFile } from "./repo-file.js";
import type { FileSelector } from "./snapshot.js";

export interface ModelFileOptions {
  /** Weight-file variant such as `fp16`; a component that has none uses its plain weights. */
  readonly variant?: string | undefined;
  /** Folders of a pipeline to fetch, for instance `["unet", "scheduler"]`; default all that `model_index.json` names. */
  readonly components?: readonly string[] | undefined;
}

/** What a model repository holds, by its files at the top. */
export type ModelRepoKind = "pipeline" | "component" | "adapter" | "unknown";

/**
 * `pipeline`: a diffusers folder (`model_index.json`); `component`: one model (`config.json` beside weights, such as a
 * VAE); `adapter`: safetensors without either.
 */
export function modelRepoKind(paths: readonly string[]): ModelRepoKind {
  const top = new Set(paths.filter((path) => !path.includes("/")));
  if (top.has("model_index.json")) return "pipeline";
  const weights = [...top].filter((name) => name.endsWith(".safetensors"));
  if (top.has("config.json") && [...top].some((name) => weightName(name) || /\.(bin|pt|ckpt)$/.test(name))) {
    return "component";
  }
  return weights.length > 0 ? "adapter" : "unknown";
}

/**
 * The files that are needed to use a model, and no others: configurations, tokenizers and one set of safetensors weights
 * per component. A repository such as SDXL's also holds the same weights as pickles, for other engines, in half
 * precision and as one file; of all that, nothing is fetched that would not be read.
 */
export function modelFiles(options: ModelFileOptions = {}): FileSelector {
  return async (files, read) => {
    const paths = files.map((file) => file.path);
    const kind = modelRepoKind(paths);
    if (kind === "pipeline") return pipelineFiles(paths, await read("model_index.json"), options);
    if (kind === "component") return [...documents(paths, ""), ...weightFiles(paths, "", options)];
    if (kind === "adapter") return adapterFiles(files);
    throw new InvalidArgumentError(
      `expected model_index.json, config.json with diffusion_pytorch_model.safetensors, or an adapter (*.safetensors) for the files of a model but received ${paths.slice(0, 8).join(", ") || "an empty repository"}`,
    );
  };
}

/** What a person needs of an adapter: its weights, card, pictures of it and what was measured. */
export function adapterFiles(files: readonly RepoFile[]): string[] {
  const wanted = /^([^/]+\.safetensors|README\.md|LICENSE[^/]*|(adapter_config|evaluation|manifest)\.json)$/;
  return files.map((file) => file.path).filter((path) => wanted.test(path));
}

function pipelineFiles(paths: readonly string[], index: string, options: ModelFileOptions): string[] {
  const named = componentsOf(index);
  const unknown = options.components?.filter((name) => !named.includes(name)) ?? [];
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `expected components that model_index.json names (${named.join(", ")}) but received ${unknown.join(", ")}`,
    );
  }
  const folders = options.components ?? named;
  checkVariant(paths, folders, options.variant);
  const chosen = paths.filter((path) => /^(model_index\.json|README\.md|LICENSE[^/]*)$/.test(path));
  for (const folder of folders) {
    const prefix = `${folder}/`;
    chosen.push(...documents(paths, prefix));
    if (paths.includes(`${prefix}config.json`)) chosen.push(...weightFiles(paths, prefix, options));
  }
  return chosen;
}

/** Folders of a pipeline: the entries `name: [library, class]` of `model_index.json` whose class is set. */
function componentsOf(index: string): string[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(index);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new FileFormatError("model_index.json", "expected a JSON object");
  }
  const entries = Object.entries(parsed as Record<string, unknown>);
  return entries
    .filter(([name, value]) => !name.startsWith("_") && Array.isArray(value) && typeof value[1] === "string")
    .map(([name]) => name);
}

/** Small texts of one folder: configuration, tokenizer, card and licence; no index of shards. */
function documents(paths: readonly string[], prefix: string): string[] {
  const wanted = prefix === "" ? /^(README\.md|LICENSE[^/]*|[^/]+\.json)$/ : /^[^/]+\.(json|txt|model)$/;
  return paths.filter((path) => {
    if (!path.startsWith(prefix)) return false;
    const name = path.slice(prefix.length);
    return wanted.test(name) && !/\.index\.|index\.json$/.test(name) && !/openvino|flax|onnx/.test(name);
  });
}

interface WeightName {
  readonly stem: string;
  readonly variant: string | undefined;
  readonly shard: number | undefined;
  readonly shards: number | undefined;
}

/**
 * The parts of a weight file's name in the three spellings that are in use: `model.fp16.safetensors`,
 * `model.fp16-00001-of-00002.safetensors` and `model-00001-of-00002.fp16.safetensors`.
 */
function weightName(name: string): WeightName | undefined {
  const match =
    /^(diffusion_pytorch_model|model)(?:\.([\w]+))?(?:-(\d{5})-of-(\d{5}))?(?:\.([\w]+))?\.safetensors$/.exec(name);
  if (!match || (match[5] !== undefined && match[3] === undefined)) return undefined;
  const [, stem, before, shard, shards, after] = match;
  return {
    stem: stem!,
    variant: before ?? after,
    shard: shard === undefined ? undefined : Number(shard),
    shards: shards === undefined ? undefined : Number(shards),
  };
}

/** One set of weights of a folder: one file, or all shards with their index. */
function weightFiles(paths: readonly string[], prefix: string, { variant }: ModelFileOptions): string[] {
  const names = paths
    .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
    .map((path) => path.slice(prefix.length));
  const weights = names.flatMap((name) => {
    const parts = weightName(name);
    return parts ? [{ name, ...parts }] : [];
  });
  const own = weights.filter((weight) => weight.variant === variant);
  const set = own.length > 0 ? own : weights.filter((weight) => weight.variant === undefined);
  if (set.length === 0) {
    const where = prefix === "" ? "the repository" : prefix;
    const pickles = names.filter((name) => /\.(bin|pt|ckpt)$/.test(name));
    const found = weights.length > 0 ? weights.map((weight) => weight.name) : pickles.length > 0 ? pickles : names;
    const hint = weights.length === 0 && pickles.length > 0 ? "; pickles are not loaded: convert them first" : "";
    throw new InvalidArgumentError(
      `expected safetensors weights${variant ? ` of variant ${variant}, or plain ones,` : ""} in ${where} but received ${found.join(", ") || "none"}${hint}`,
    );
  }
  const whole = set.find((weight) => weight.shard === undefined);
  if (whole) return [prefix + whole.name];
  return shardedFiles(names, set, prefix);
}

function shardedFiles(
  names: readonly string[],
  set: readonly (WeightName & { name: string })[],
  prefix: string,
): string[] {
  const { shards = 0, stem, variant } = set[0]!;
  const present = new Set(set.map((weight) => weight.shard));
  const missing = Array.from({ length: shards }, (_, i) => i + 1).filter((shard) => !present.has(shard));
  const indexes = names.filter((name) => {
    const plain = name === `${stem}.safetensors.index.json`;
    const variants = [`${stem}.safetensors.index.${variant}.json`, `${stem}.${variant}.safetensors.index.json`];
    return variant === undefined ? plain : variants.includes(name);
  });
  if (missing.length > 0 || indexes.length === 0) {
    const lack = missing.length > 0 ? `shards ${missing.join(", ")} of ${shards} are` : "the index of the shards is";
    throw new InvalidArgumentError(`expected all weights in ${prefix || "the repository"} but ${lack} missing`);
  }
  return [...set.map((weight) => prefix + weight.name), ...indexes.map((name) => prefix + name)];
}

/** A variant that no component has is a mistake of the caller, not a reason to fetch the plain weights. */
function checkVariant(paths: readonly string[], folders: readonly string[], variant: string | undefined): void {
  if (variant === undefined) return;
  const variants = new Set<string>();
  for (const path of paths) {
    const [folder = "", name, ...rest] = path.split("/");
    if (name === undefined || rest.length > 0 || !folders.includes(folder)) continue;
    const found = weightName(name)?.variant;
    if (found !== undefined) variants.add(found);
  }
  if (variants.has(variant)) return;
  throw new InvalidArgumentError(
    `expected one of the variants that exist (${[...variants].sort().join(", ") || "none"}) for variant but received ${JSON.stringify(variant)}`,
  );
}
