import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { EvaluateEvent, EvaluateOptions } from "@stillframe/schema";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { fetchSnapshot, isRepoName } from "../../hub/index.js";
import { emitted } from "../../prepare/emitted.js";
import { hubEvents } from "../../prepare/hub-events.js";
import { resolveModelFolder } from "../../prepare/model-folder.js";
import { fileSha256 } from "../../train/file-hash.js";
import { resolveDevice } from "../../train/precision.js";
import { cacheFolder } from "../../train/prepare.js";
import { type Clip, loadClip } from "../clip-score.js";
import { clipExtractor } from "../clip-vision.js";
import { convertTorchWeights } from "../convert-weights.js";
import { dinov2Extractor, loadDinov2 } from "../dinov2.js";
import type { FeatureExtractor } from "../extractor.js";
import { inceptionExtractor, loadInception } from "../inception.js";
import { type Lpips, loadLpips } from "../lpips.js";
import type { FeatureKind } from "../measure.js";
import type { Metric } from "../metric.js";
import { checkRecognition, type RecognizingExtractor, recognizes } from "../recognition.js";

/** A network whose features are measured. */
export interface Network {
  readonly kind: FeatureKind;
  readonly extractor: FeatureExtractor;
  /** What is measured with it; absent for all. */
  readonly metrics?: readonly Metric[];
  /** Where its weights came from, as the user named it. */
  readonly weights?: string;
  readonly sha256?: string;
  /** Whether mean and covariance of its features are those that pytorch-fid's `.npz` files hold. */
  readonly statistics?: boolean;
}

/** All that measures. */
export interface Networks {
  readonly networks: readonly Network[];
  /** Both encoders, and how it takes pictures for CLIP score. */
  readonly clip: { readonly model: Clip; readonly extractor: FeatureExtractor } | null;
  readonly lpips: Lpips | null;
  /** What scores were measured with, where it is none of `networks`. */
  readonly scorers: readonly Required<Pick<Network, "weights" | "sha256"> & { readonly name: string }>[];
  dispose(): void;
}

export type NetworkOptions = Pick<
  EvaluateOptions,
  "inception" | "dinov2" | "clip" | "lpips" | "lpips_linear" | "lpips_network" | "classifier" | "device" | "cache_dir"
> & { hub_token: string | null };

/** A safetensors file, and the hash of the file that was given, from which it may have been converted. */
export interface WeightFile {
  readonly file: string;
  readonly sha256: string;
}

/** Files and folders of the networks on this machine. */
export interface NetworkFiles {
  readonly inception: WeightFile | null;
  readonly dinov2: string | null;
  readonly clip: string | null;
  readonly lpips: { backbone: WeightFile; linear: WeightFile } | null;
}

/** What cannot be measured because no network for it was given, in sentences. */
export function leftOut(
  options: NetworkOptions,
  { own, images }: { own: readonly FeatureKind[]; images: number },
): string[] {
  const missing = (kind: FeatureKind, given: string | null) => given === null && !own.includes(kind);
  return [
    ...(missing("inception", options.inception)
      ? ["FID, KID and Inception's precision and recall are left out: no Inception weights were given (inception)."]
      : []),
    ...(missing("dinov2", options.dinov2) ? ["FD-DINOv2 is left out: no DINOv2 was given (dinov2)."] : []),
    ...(missing("clip", options.clip) ? ["CMMD is left out: no CLIP was given (clip)."] : []),
    ...(options.clip === null ? ["CLIP score is left out: no CLIP was given (clip)."] : []),
    ...(options.lpips === null ? ["LPIPS diversity is left out: no LPIPS weights were given (lpips)."] : []),
    ...(options.lpips !== null && images < 2
      ? ["LPIPS diversity is left out: it compares pictures of one prompt, and there is one of each (num_images)."]
      : []),
  ];
}

/** Finds the networks' files: fetches those of the Hub, converts a `.pth` once into the cache. */
export async function* findNetworks(
  options: NetworkOptions,
  { signal }: { signal: AbortSignal | undefined },
): AsyncGenerator<EvaluateEvent, NetworkFiles> {
  const inception =
    options.inception === null
      ? null
      : yield* inceptionOf(options.inception, options, { token: options.hub_token, signal });
  const lpips =
    options.lpips === null
      ? null
      : {
          backbone: await safetensorsOf("lpips", options.lpips, options),
          linear: await safetensorsOf("lpips_linear", options.lpips_linear ?? options.lpips, options),
        };
  const dinov2 = yield* folderOf("dinov2", options.dinov2, { token: options.hub_token, signal });
  const clip = yield* folderOf("clip", options.clip, { token: options.hub_token, signal });
  return { inception, dinov2, clip, lpips };
}

/** Weights in a file, or in a repository of the Hub. */
async function* inceptionOf(
  place: string,
  options: NetworkOptions,
  { token, signal }: { token: string | null; signal: AbortSignal | undefined },
): AsyncGenerator<EvaluateEvent, WeightFile> {
  if (existsSync(place) || !isRepoName(place)) return await safetensorsOf("inception", place, options);
  const fetching = emitted<EvaluateEvent, string>(async (emit) => {
    const onProgress = hubEvents(place, (event) => {
      if (event.type === "preparing" || event.type === "warning") emit(event);
    });
    const allow = (files: readonly { readonly path: string }[]) => [
      inceptionFile(
        files.map((f) => f.path),
        place,
      ),
    ];
    const pickles = "as_data";
    const { folder, files } = await fetchSnapshot({
      repo: place,
      type: "model",
      allow,
      pickles,
      token: token ?? undefined,
      signal,
      onProgress,
    });
    return join(folder, files[0] as string);
  });
  return await safetensorsOf("inception", yield* fetching, options);
}

/** The one file of a repository that holds Inception's weights: safetensors before a `.pth`, and by name among several. */
function inceptionFile(paths: readonly string[], repo: string): string {
  for (const ending of [/\.safetensors$/i, /\.pth$/i]) {
    const all = paths.filter((path) => ending.test(path));
    const named = all.filter((path) => /inception/i.test(path));
    const [only, ...more] = named.length > 0 ? named : all;
    if (only !== undefined && more.length === 0) return only;
    if (only !== undefined) throw invalid("inception", `one file of Inception weights in ${repo}`, [only, ...more]);
  }
  throw invalid("inception", `a .safetensors or .pth file in ${repo}`, paths);
}

async function* folderOf(
  name: string,
  place: string | null,
  { token, signal }: { token: string | null; signal: AbortSignal | undefined },
): AsyncGenerator<EvaluateEvent, string | null> {
  if (place === null) return null;
  if (existsSync(place) && statSync(place).isDirectory()) {
    if (!existsSync(join(place, "config.json"))) throw invalid(name, "a folder with config.json in it", place);
    return place;
  }
  if (!isRepoName(place)) throw invalid(name, "a folder with config.json, or a repository of the Hub,", place);
  const fetching = emitted<EvaluateEvent, { path: string }>((emit) =>
    resolveModelFolder(place, {
      token,
      signal,
      onProgress: hubEvents(place, (event) => {
        if (event.type === "preparing" || event.type === "warning") emit(event);
      }),
    }),
  );
  return (yield* fetching).path;
}

/** A safetensors file: the one given, or what a `.pth` was converted to; the hash is that of the given file. */
async function safetensorsOf(
  name: string,
  path: string,
  { cache_dir }: Pick<NetworkOptions, "cache_dir">,
): Promise<WeightFile> {
  if (!existsSync(path) || !statSync(path).isFile())
    throw invalid(name, "a file of weights (safetensors, or a .pth to convert)", path);
  const sha256 = await fileSha256(path);
  if (path.endsWith(".safetensors")) return { file: path, sha256 };
  const file = join(cacheFolder({ cache_dir }), "converted", `${sha256}.safetensors`);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    convertTorchWeights(path, file);
  }
  return { file, sha256 };
}

/** Loads the networks. */
export async function openNetworks(
  options: NetworkOptions,
  files: NetworkFiles,
  own: readonly Network[],
): Promise<Networks> {
  const device = resolveDevice(options.device);
  const opened: { dispose(): void }[] = [];
  const keep = <T extends { dispose(): void }>(model: T): T => {
    opened.push(model);
    return model;
  };
  const networks: Network[] = [];
  if (files.inception !== null) {
    const model = keep(loadInception(files.inception.file, { device }));
    const about = { kind: "inception", weights: options.inception as string, sha256: files.inception.sha256 } as const;
    networks.push({ ...about, statistics: true, extractor: inceptionExtractor(model, { resize: "tensorflow" }) });
    // The shares of Inception's features say the same twice: they are measured once.
    networks.push({ ...about, extractor: inceptionExtractor(model, { resize: "clean" }), metrics: ["fid", "kid"] });
  }
  if (files.dinov2 !== null) {
    const extractor = dinov2Extractor(keep(loadDinov2(files.dinov2, { device })));
    networks.push({ kind: "dinov2", extractor, ...(await weightsOf(options.dinov2 as string, files.dinov2)) });
  }
  let clip: Networks["clip"] = null;
  if (files.clip !== null) {
    const model = keep(loadClip(files.clip, { device }));
    const extractor = clipExtractor(model.vision, { squaring: "centre-square" });
    networks.push({ kind: "clip", extractor, ...(await weightsOf(options.clip as string, files.clip)) });
    clip = { model, extractor: clipExtractor(model.vision, { squaring: "shorter-side" }) };
  }
  if (options.classifier !== null) networks.push(await classifierOf(options.classifier));
  networks.push(...own);
  const lpips =
    files.lpips === null
      ? null
      : keep(
          loadLpips(
            { backbone: files.lpips.backbone.file, linear: files.lpips.linear.file },
            { network: options.lpips_network, device },
          ),
        );
  const names = networks.map((n) => n.extractor.name);
  const twin = names.find((n, i) => names.indexOf(n) < i);
  if (twin !== undefined) throw invalid("extractors", "networks of different names", twin);
  return {
    networks,
    clip,
    lpips,
    scorers: files.lpips === null ? [] : scorersOf(options, files.lpips),
    dispose: () => {
      for (const model of opened) model.dispose();
    },
  };
}

function scorersOf(o: NetworkOptions, { backbone, linear }: NonNullable<NetworkFiles["lpips"]>): Networks["scorers"] {
  const name = `LPIPS (${o.lpips_network})`;
  const weights = o.lpips as string;
  const first = { name, weights, sha256: backbone.sha256 };
  if (o.lpips_linear === null) return [first];
  return [first, { name: `${name}, linear`, weights: o.lpips_linear, sha256: linear.sha256 }];
}

async function weightsOf(weights: string, folder: string): Promise<{ weights: string; sha256?: string }> {
  const file = join(folder, "model.safetensors");
  return existsSync(file) ? { weights, sha256: await fileSha256(file) } : { weights };
}

/** A network of the user's own: the default export of a JavaScript module. */
async function classifierOf(path: string): Promise<Network> {
  if (!/\.m?js$/.test(path) || !existsSync(path))
    throw invalid("classifier", "a JavaScript module (.mjs, .js) whose default export is a feature extractor", path);
  const made: unknown = ((await import(pathToFileURL(resolve(path)).href)) as { default?: unknown }).default;
  const extractor = made as Partial<FeatureExtractor> | undefined;
  if (
    typeof extractor?.name !== "string" ||
    typeof extractor.dimension !== "number" ||
    typeof extractor.prepare !== "function" ||
    typeof extractor.features !== "function"
  )
    throw new InvalidArgumentError(
      `expected a feature extractor (name, dimension, prepare, features) as the default export of ${path} but received ${typeof made}`,
    );
  if (recognizes(extractor as FeatureExtractor))
    checkRecognition((extractor as RecognizingExtractor).recognition, path);
  return {
    kind: "classifier",
    extractor: extractor as FeatureExtractor,
    weights: path,
    sha256: await fileSha256(path),
  };
}
