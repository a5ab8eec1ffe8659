import { join } from "node:path";
import {
  type ClipTextConfig,
  ClipTextModel,
  ClipTokenizer,
  clipTextConfig,
  readJson,
  readWeights,
  weightFiles,
} from "@stillframe/diffusion";
import {
  type Device,
  type DType,
  FileFormatError,
  invalid,
  loadWeights,
  noGrad,
  scope,
  type Tensor,
  tensor,
} from "@stillframe/torch";
import { ClipVisionModel, clipVisionConfig } from "./clip-vision.js";
import { unitRows } from "./cmmd.js";
import { checkedPair } from "./features.js";

/** Both towers of a CLIP. */
export interface Clip {
  readonly vision: ClipVisionModel;
  readonly text: ClipTextModel;
  readonly tokenizer: ClipTokenizer;
  dispose(): void;
}

interface LoadClipOptions {
  readonly dtype?: DType;
  readonly device?: Device;
}

const TOWERS = { vision: /^(vision_model|visual_projection)\./, text: /^(text_model|text_projection)\./ } as const;
/** Indices that old files carry, and the temperature of CLIP's own loss. */
const UNUSED = /(^|\.)(position_ids|logit_scale)$/;

/**
 * A CLIP from a folder in transformers' layout (`config.json`, `model.safetensors`, the tokenizer's files), strict both
 * ways for both towers.
 *
 * @throws WeightsError, FileFormatError
 */
export function loadClip(folder: string, options: LoadClipOptions = {}): Clip {
  const { vision, weights, source } = loadVisionTower(folder, options);
  const text = new ClipTextModel(textConfig(join(folder, "config.json")));
  loadWeights(text, only(weights, TOWERS.text), { source, ...options });
  const tokenizer = ClipTokenizer.fromFolder(folder);
  const dispose = () => {
    vision.dispose();
    text.dispose();
  };
  return { vision, text, tokenizer, dispose };
}

/** The image encoder alone, from the folder of a whole CLIP or of a `CLIPVisionModelWithProjection`: enough for CMMD. */
export function loadClipVision(folder: string, options: LoadClipOptions = {}): ClipVisionModel {
  const { vision, weights } = loadVisionTower(folder, options);
  for (const tensor of weights.values()) if (!tensor.disposed) tensor.dispose();
  return vision;
}

function loadVisionTower(
  folder: string,
  options: LoadClipOptions,
): { vision: ClipVisionModel; weights: Map<string, Tensor>; source: string } {
  const config = join(folder, "config.json");
  const vision = new ClipVisionModel(clipVisionConfig(readJson(config), config));
  const files = weightFiles(folder, "model");
  const source = files.length === 1 ? files[0]! : folder;
  const all = readWeights(files);
  const unknown = [...all.keys()].filter(
    (key) => !TOWERS.vision.test(key) && !TOWERS.text.test(key) && !UNUSED.test(key),
  );
  if (unknown.length > 0)
    throw new FileFormatError(source, `expected the weights of a CLIP but found ${unknown.slice(0, 8).join(", ")}`);
  loadWeights(vision, only(all, TOWERS.vision), { source, ...options });
  const weights = new Map([...all].filter(([key]) => !TOWERS.vision.test(key)));
  return { vision, weights, source };
}

const only = (weights: ReadonlyMap<string, Tensor>, tower: RegExp): Map<string, Tensor> =>
  new Map([...weights].filter(([key]) => tower.test(key) && !UNUSED.test(key)));

function textConfig(path: string): ClipTextConfig {
  const json = readJson(path) as { text_config?: object; projection_dim?: number };
  const projected = {
    ...json.text_config,
    architectures: ["CLIPTextModelWithProjection"],
    projection_dim: json.projection_dim ?? 512,
  };
  return clipTextConfig(projected, path);
}

/**
 * Embeddings of texts, `[n, projectionDim]`, and how many texts were longer than the encoder reads: what they say at their
 * end does not count.
 */
export function clipTextEmbeddings(
  clip: Clip,
  texts: readonly string[],
  { batchSize = 64 }: { batchSize?: number } = {},
): { embeddings: Tensor; cut: number } {
  if (texts.length === 0) throw invalid("texts", "at least one text", "none");
  const rows = texts.map((text) => clip.tokenizer.encode(text));
  const { device } = clip.vision.visualProjection.weight;
  const parts: Float32Array[] = [];
  for (let i = 0; i < rows.length; i += batchSize)
    parts.push(
      scope(() =>
        noGrad(() => {
          const ids = rows.slice(i, i + batchSize).map((row) => row.ids);
          return clip.text.forward(tensor(ids, { dtype: "int64", device })).textEmbeds!.floats();
        }),
      ),
    );
  const dimension = clip.vision.config.projectionDim;
  const all = new Float32Array(texts.length * dimension);
  parts.reduce((at, part) => {
    all.set(part, at);
    return at + part.length;
  }, 0);
  return {
    embeddings: tensor(all, { shape: [texts.length, dimension] }),
    cut: rows.filter((row) => row.truncated).length,
  };
}

/**
 * CLIP score (Hessel et al. 2021, with the factor 100 that torchmetrics takes): how well each picture fits its own text,
 * `100 · max(0, cos)`. Compare it between arms alone: it grows with literal words and saturates.
 *
 * @param images `[n, d]`
 * @param texts `[n, d]`, in the order of the pictures
 */
export function clipScore(images: Tensor, texts: Tensor): { mean: number; values: Float64Array } {
  return scope(() =>
    noGrad(() => {
      const [x, y] = checkedPair(images, texts).map(unitRows) as [Tensor, Tensor];
      if (x.size(0) !== y.size(0)) throw invalid("texts", `one text for each of ${x.size(0)} pictures`, y.size(0));
      const values = x.mul(y).sum(1).clamp(0).mul(100).data() as Float64Array;
      return { mean: values.reduce((a, b) => a + b, 0) / values.length, values };
    }),
  );
}
