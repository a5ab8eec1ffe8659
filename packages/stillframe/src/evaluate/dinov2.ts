import { join } from "node:path";
import { readJson, readWeights, weightFiles } from "@stillframe/diffusion";
import {
  attention,
  Conv2d,
  cat,
  type Device,
  type DType,
  declareWeight,
  gelu,
  type Layer,
  LayerNorm,
  Linear,
  loadWeights,
  Module,
  silu,
  type Tensor,
  upsampleBicubic2d,
} from "@stillframe/torch";
import { FileFormatError, invalid } from "@stillframe/torch/errors";
import { z } from "zod";
import { fromFacebookNames } from "./dinov2-names.js";
import type { FeatureExtractor } from "./extractor.js";
import { IMAGENET_NORMALIZATION, visionInput } from "./vision-input.js";

/** What differs between the DINOv2 networks. */
export interface Dinov2Config {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Of the inner layer, relative to `hiddenSize`. */
  readonly mlpRatio: number;
  /** Side of the pictures that the position embeddings were trained at: 518. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly layerNormEps: number;
  /** A gated inner layer, as the giant has. */
  readonly swiglu: boolean;
}

const count = z.int().min(1);
const ConfigSchema = z.object({
  model_type: z.literal("dinov2"),
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  mlp_ratio: z.number().min(1).default(4),
  hidden_act: z.literal("gelu").default("gelu"),
  layer_norm_eps: z.number().min(0).default(1e-6),
  image_size: count.default(224),
  patch_size: count.default(14),
  num_channels: z.literal(3).default(3),
  qkv_bias: z.literal(true).default(true),
  use_swiglu_ffn: z.boolean().default(false),
});

/** Reads the `config.json` of a DINOv2 in transformers' layout. */
export function dinov2Config(json: unknown, source = "config.json"): Dinov2Config {
  const parsed = ConfigSchema.safeParse(json);
  if (!parsed.success)
    throw new FileFormatError(source, `it is no configuration of DINOv2: ${z.prettifyError(parsed.error)}`);
  const c = parsed.data;
  return {
    hiddenSize: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    mlpRatio: c.mlp_ratio,
    imageSize: c.image_size,
    patchSize: c.patch_size,
    layerNormEps: c.layer_norm_eps,
    swiglu: c.use_swiglu_ffn,
  };
}

class Patches extends Module {
  readonly projection: Conv2d;
  constructor({ hiddenSize, patchSize }: Dinov2Config) {
    super();
    this.projection = new Conv2d(3, hiddenSize, { kernel: patchSize, stride: patchSize, padding: 0 });
  }
}

class Embeddings extends Module {
  clsToken: Tensor; // [1, 1, c]
  maskToken: Tensor; // [1, c]; for training alone
  positionEmbeddings: Tensor; // [1, patches + 1, c]
  readonly patchEmbeddings: Patches;
  private readonly offset: number;

  constructor(config: Dinov2Config, offset: number) {
    super();
    const { hiddenSize, imageSize, patchSize } = config;
    this.clsToken = declareWeight(1, 1, hiddenSize);
    this.maskToken = declareWeight(1, hiddenSize);
    this.positionEmbeddings = declareWeight(1, Math.floor(imageSize / patchSize) ** 2 + 1, hiddenSize);
    this.patchEmbeddings = new Patches(config);
    this.offset = offset;
  }

  /** `x [b, 3, h, w]` → `[b, patches + 1, c]` */
  forward(x: Tensor): Tensor {
    const map = this.patchEmbeddings.projection.forward(x);
    const { b, c, h, w } = map.dims("b c h w");
    const tokens = map.flatten(2).transpose(1, 2);
    return cat([this.clsToken.expand(b, 1, c), tokens], 1).add(this.positions(h, w));
  }

  /** Position embeddings for a grid of `h × w` patches, bicubic from the trained grid, `[1, h w + 1, c]`. */
  private positions(h: number, w: number): Tensor {
    const trained = this.positionEmbeddings;
    const side = Math.sqrt(trained.size(1) - 1);
    if (h === side && w === side) return trained;
    const c = trained.size(2);
    const grid = trained
      .narrow(1, 1, side * side)
      .view(1, side, side, c)
      .permute(0, 3, 1, 2);
    const scale = (n: number) => (n + this.offset) / side;
    const resized = upsampleBicubic2d(grid.to("float32"), [h, w], false, scale(h), scale(w)).to(trained.dtype);
    return cat([trained.narrow(1, 0, 1), resized.permute(0, 2, 3, 1).reshape(1, h * w, c)], 1);
  }
}

class SelfAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  constructor(dim: number) {
    super();
    this.query = new Linear(dim, dim);
    this.key = new Linear(dim, dim);
    this.value = new Linear(dim, dim);
  }
}

class AttentionOutput extends Module {
  readonly dense: Linear;
  constructor(dim: number) {
    super();
    this.dense = new Linear(dim, dim);
  }
}

class Attention extends Module implements Layer {
  readonly attention: SelfAttention;
  readonly output: AttentionOutput;
  private readonly heads: number;
  constructor({ hiddenSize, heads }: Dinov2Config) {
    super();
    this.attention = new SelfAttention(hiddenSize);
    this.output = new AttentionOutput(hiddenSize);
    this.heads = heads;
  }

  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    const { b, t, c } = x.dims("b t c");
    const split = (p: Linear) =>
      p
        .forward(x)
        .view(b, t, this.heads, c / this.heads)
        .transpose(1, 2);
    const out = attention(split(this.attention.query), split(this.attention.key), split(this.attention.value));
    return this.output.dense.forward(out.transpose(1, 2).reshape(b, t, c));
  }
}

class Mlp extends Module implements Layer {
  readonly fc1: Linear;
  readonly fc2: Linear;
  constructor({ hiddenSize, mlpRatio }: Dinov2Config) {
    super();
    const inner = Math.trunc(hiddenSize * mlpRatio);
    this.fc1 = new Linear(hiddenSize, inner);
    this.fc2 = new Linear(inner, hiddenSize);
  }
  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(gelu(this.fc1.forward(x)));
  }
}

/** `(silu(x W) · x V) U` (Shazeer 2020, eq. 6); one matrix holds W above V. */
class SwiGlu extends Module implements Layer {
  readonly weightsIn: Linear;
  readonly weightsOut: Linear;
  constructor({ hiddenSize, mlpRatio }: Dinov2Config) {
    super();
    // Two thirds of the plain layer's width keep the number of weights, rounded up to a multiple of 8.
    const inner = Math.floor((Math.trunc((Math.trunc(hiddenSize * mlpRatio) * 2) / 3) + 7) / 8) * 8;
    this.weightsIn = new Linear(hiddenSize, 2 * inner);
    this.weightsOut = new Linear(inner, hiddenSize);
  }
  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    const [gate, value] = this.weightsIn.forward(x).chunk(2, -1) as [Tensor, Tensor];
    return this.weightsOut.forward(silu(gate).mul(value));
  }
}

/** A learned factor for each channel of a branch (Touvron et al. 2021). */
class LayerScale extends Module implements Layer {
  lambda1: Tensor; // [c]
  constructor(dim: number) {
    super();
    this.lambda1 = declareWeight(dim);
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.lambda1);
  }
}

class Block extends Module implements Layer {
  readonly norm1: LayerNorm;
  readonly attention: Attention;
  readonly layerScale1: LayerScale;
  readonly norm2: LayerNorm;
  readonly mlp: Mlp | SwiGlu;
  readonly layerScale2: LayerScale;
  constructor(config: Dinov2Config) {
    super();
    const { hiddenSize, layerNormEps: eps } = config;
    this.norm1 = new LayerNorm(hiddenSize, { eps });
    this.attention = new Attention(config);
    this.layerScale1 = new LayerScale(hiddenSize);
    this.norm2 = new LayerNorm(hiddenSize, { eps });
    this.mlp = config.swiglu ? new SwiGlu(config) : new Mlp(config);
    this.layerScale2 = new LayerScale(hiddenSize);
  }
  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    const h = x.add(this.layerScale1.forward(this.attention.forward(this.norm1.forward(x))));
    return h.add(this.layerScale2.forward(this.mlp.forward(this.norm2.forward(h))));
  }
}

class Encoder extends Module {
  readonly layer: Block[];
  constructor(config: Dinov2Config) {
    super();
    this.layer = Array.from({ length: config.layers }, () => new Block(config));
  }
}

export interface Dinov2Options {
  /**
   * Added to the number of patches when position embeddings are interpolated. 0.1 (default) is the authors' own;
   * transformers leaves it out.
   */
  readonly positionOffset?: number;
}

/** DINOv2 (Oquab et al. 2023): a vision transformer trained without labels, whose distances agree with people's. */
export class Dinov2 extends Module {
  readonly config: Dinov2Config;
  readonly embeddings: Embeddings;
  readonly encoder: Encoder;
  readonly layernorm: LayerNorm;

  constructor(config: Dinov2Config, { positionOffset = 0.1 }: Dinov2Options = {}) {
    super();
    this.config = config;
    this.embeddings = new Embeddings(config, positionOffset);
    this.encoder = new Encoder(config);
    this.layernorm = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
  }

  /** `x [b, 3, h, w]`, normalized, sides multiples of the patch → the token of the whole picture, `[b, hiddenSize]` */
  forward(x: Tensor): Tensor {
    const { h, w } = x.dims("b 3 h w");
    const { patchSize } = this.config;
    if (h % patchSize !== 0 || w % patchSize !== 0)
      throw invalid("x", `sides that are multiples of ${patchSize}`, `${h} × ${w}`);
    const tokens = this.encoder.layer.reduce((y, block) => block.forward(y), this.embeddings.forward(x));
    return this.layernorm.forward(tokens.select(1, 0));
  }
}

/**
 * A DINOv2 from a folder with `config.json` and `model.safetensors`, in transformers' layout or with the authors' names,
 * strict both ways.
 *
 * @throws WeightsError, FileFormatError
 */
export function loadDinov2(
  folder: string,
  options: Dinov2Options & { readonly dtype?: DType; readonly device?: Device } = {},
): Dinov2 {
  const { positionOffset, ...target } = options;
  const config = join(folder, "config.json");
  const model = new Dinov2(
    dinov2Config(readJson(config), config),
    positionOffset === undefined ? {} : { positionOffset },
  );
  const files = weightFiles(folder, "model");
  loadWeights(model, fromFacebookNames(readWeights(files)), {
    source: files.length === 1 ? files[0]! : folder,
    ...target,
  });
  return model;
}

/** FD-DINOv2's features (Stein et al. 2023): pictures stretched to 224 × 224, as in dgm-eval. */
export function dinov2Extractor(model: Dinov2, { size = 224 }: { readonly size?: number } = {}): FeatureExtractor {
  const { hiddenSize, patchSize } = model.config;
  return {
    name: `dinov2 ${hiddenSize}/${patchSize} at ${size}`,
    dimension: hiddenSize,
    prepare: (picture) => visionInput(picture, { size, squaring: "stretch", normalization: IMAGENET_NORMALIZATION }),
    features: (x) => {
      const { dtype, device } = model.layernorm.weight;
      return model.forward(x.to({ dtype, device }));
    },
  };
}
