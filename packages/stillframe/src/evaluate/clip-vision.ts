import {
  attention,
  Conv2d,
  cat,
  declareWeight,
  Embedding,
  gelu,
  type Layer,
  LayerNorm,
  Linear,
  Module,
  type Tensor,
} from "@stillframe/torch";
import { FileFormatError } from "@stillframe/torch/errors";
import { z } from "zod";
import type { FeatureExtractor } from "./extractor.js";
import { CLIP_NORMALIZATION, type Squaring, visionInput } from "./vision-input.js";

/** What differs between CLIP's image encoders. */
export interface ClipVisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Side of the input in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly layerNormEps: number;
  readonly projectionDim: number;
}

const count = z.int().min(1);
/** The keys of `vision_config`, with the defaults that transformers leaves out of a file. */
const VisionSchema = z.object({
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: count.default(224),
  patch_size: count.default(32),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().min(0).default(1e-5),
});
const ClipSchema = z.object({ projection_dim: count.default(512), vision_config: VisionSchema.optional() });

/** Reads the `config.json` of a whole CLIP, or of its image encoder alone. */
export function clipVisionConfig(json: unknown, source = "config.json"): ClipVisionConfig {
  const clip = ClipSchema.safeParse(json);
  const vision = VisionSchema.safeParse(clip.data?.vision_config ?? json);
  const problem = clip.error ?? vision.error;
  if (!clip.success || !vision.success)
    throw new FileFormatError(source, `it is no configuration of CLIP: ${z.prettifyError(problem!)}`);
  const c = vision.data;
  return {
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    imageSize: c.image_size,
    patchSize: c.patch_size,
    activation: c.hidden_act,
    layerNormEps: c.layer_norm_eps,
    projectionDim: clip.data.projection_dim,
  };
}

class VisionAttention extends Module {
  readonly qProj: Linear;
  readonly kProj: Linear;
  readonly vProj: Linear;
  readonly outProj: Linear;
  private readonly heads: number;

  constructor({ hiddenSize, heads }: ClipVisionConfig) {
    super();
    this.qProj = new Linear(hiddenSize, hiddenSize);
    this.kProj = new Linear(hiddenSize, hiddenSize);
    this.vProj = new Linear(hiddenSize, hiddenSize);
    this.outProj = new Linear(hiddenSize, hiddenSize);
    this.heads = heads;
  }

  /** `x [b, t, c]` → `[b, t, c]`; every patch sees every other. */
  forward(x: Tensor): Tensor {
    const { b, t, c } = x.dims("b t c");
    const split = (p: Linear) =>
      p
        .forward(x)
        .view(b, t, this.heads, c / this.heads)
        .transpose(1, 2);
    const out = attention(split(this.qProj), split(this.kProj), split(this.vProj));
    return this.outProj.forward(out.transpose(1, 2).reshape(b, t, c));
  }
}

class VisionMlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  private readonly activation: (x: Tensor) => Tensor;

  constructor({ hiddenSize, intermediateSize, activation }: ClipVisionConfig) {
    super();
    this.fc1 = new Linear(hiddenSize, intermediateSize);
    this.fc2 = new Linear(intermediateSize, hiddenSize);
    // OpenAI's encoders approximate GELU by `x · sigmoid(1.702 x)` (Hendrycks & Gimpel 2016, §2).
    this.activation = activation === "gelu" ? (x) => gelu(x) : (x) => x.mul(x.mul(1.702).sigmoid());
  }

  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.activation(this.fc1.forward(x)));
  }
}

class VisionLayer extends Module implements Layer {
  readonly selfAttn: VisionAttention;
  readonly layerNorm1: LayerNorm;
  readonly mlp: VisionMlp;
  readonly layerNorm2: LayerNorm;

  constructor(config: ClipVisionConfig) {
    super();
    this.selfAttn = new VisionAttention(config);
    this.layerNorm1 = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
    this.mlp = new VisionMlp(config);
    this.layerNorm2 = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
  }

  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    const h = x.add(this.selfAttn.forward(this.layerNorm1.forward(x)));
    return h.add(this.mlp.forward(this.layerNorm2.forward(h)));
  }
}

/** Patches as tokens, behind one of the whole picture. */
class VisionEmbeddings extends Module {
  classEmbedding: Tensor; // [c]
  readonly patchEmbedding: Conv2d;
  readonly positionEmbedding: Embedding;

  constructor({ hiddenSize, imageSize, patchSize }: ClipVisionConfig) {
    super();
    this.classEmbedding = declareWeight(hiddenSize);
    this.patchEmbedding = new Conv2d(3, hiddenSize, { kernel: patchSize, stride: patchSize, padding: 0, bias: false });
    this.positionEmbedding = new Embedding(Math.floor(imageSize / patchSize) ** 2 + 1, hiddenSize);
  }

  /** `x [b, 3, size, size]` → `[b, patches + 1, c]` */
  forward(x: Tensor): Tensor {
    const patches = this.patchEmbedding.forward(x).flatten(2).transpose(1, 2);
    const { b, c } = patches.dims("b t c");
    const whole = this.classEmbedding.view(1, 1, c).expand(b, 1, c);
    return cat([whole, patches], 1).add(this.positionEmbedding.weight);
  }
}

class VisionEncoder extends Module {
  readonly layers: VisionLayer[];
  constructor(config: ClipVisionConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new VisionLayer(config));
  }
}

class VisionTransformer extends Module {
  readonly embeddings: VisionEmbeddings;
  readonly preLayrnorm: LayerNorm; // the checkpoint's spelling
  readonly encoder: VisionEncoder;
  readonly postLayernorm: LayerNorm;
  constructor(config: ClipVisionConfig) {
    super();
    this.embeddings = new VisionEmbeddings(config);
    this.preLayrnorm = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
    this.encoder = new VisionEncoder(config);
    this.postLayernorm = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
  }
}

/** CLIP's image encoder (Radford et al. 2021): a vision transformer with a projection into the space shared with text. */
export class ClipVisionModel extends Module {
  readonly config: ClipVisionConfig;
  readonly visionModel: VisionTransformer;
  readonly visualProjection: Linear;

  constructor(config: ClipVisionConfig) {
    super();
    this.config = config;
    this.visionModel = new VisionTransformer(config);
    this.visualProjection = new Linear(config.hiddenSize, config.projectionDim, { bias: false });
  }

  /** `x [b, 3, size, size]`, normalized → embeddings `[b, projectionDim]`, not of length 1. */
  forward(x: Tensor): Tensor {
    x.dims(`b 3 ${this.config.imageSize} ${this.config.imageSize}`);
    const { embeddings, preLayrnorm, encoder, postLayernorm } = this.visionModel;
    const tokens = encoder.layers.reduce((h, layer) => layer.forward(h), preLayrnorm.forward(embeddings.forward(x)));
    return this.visualProjection.forward(postLayernorm.forward(tokens.select(1, 0)));
  }
}

/** CLIP's image embeddings: `shorter-side` for CLIP score, `centre-square` for CMMD. */
export function clipExtractor(model: ClipVisionModel, { squaring }: { readonly squaring: Squaring }): FeatureExtractor {
  const { imageSize, patchSize, hiddenSize, projectionDim } = model.config;
  return {
    name: `clip ${hiddenSize}/${patchSize} at ${imageSize} (${squaring})`,
    dimension: projectionDim,
    prepare: (picture) => visionInput(picture, { size: imageSize, squaring, normalization: CLIP_NORMALIZATION }),
    features: (x) => {
      const { dtype, device } = model.visualProjection.weight;
      return model.forward(x.to({ dtype, device }));
    },
  };
}
