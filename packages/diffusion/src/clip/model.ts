import {
  arange,
  attention,
  Embedding,
  full,
  gelu,
  type Layer,
  LayerNorm,
  Linear,
  Module,
  noGrad,
  scope,
  type Tensor,
} from "@stillframe/torch";
import type { ClipTextConfig } from "./config.js";

/** Self-attention; each position sees itself and those before it. */
export class ClipAttention extends Module {
  qProj: Layer;
  kProj: Layer;
  vProj: Layer;
  outProj: Layer;
  readonly heads: number;

  constructor({ hiddenSize, heads }: ClipTextConfig) {
    super();
    this.qProj = new Linear(hiddenSize, hiddenSize);
    this.kProj = new Linear(hiddenSize, hiddenSize);
    this.vProj = new Linear(hiddenSize, hiddenSize);
    this.outProj = new Linear(hiddenSize, hiddenSize);
    this.heads = heads;
  }

  /** `x [b, t, c]`, `mask [t, t]` → `[b, t, c]` */
  forward(x: Tensor, mask: Tensor): Tensor {
    const { b, t, c } = x.dims("b t c");
    const split = (y: Tensor) => y.view(b, t, this.heads, c / this.heads).transpose(1, 2);
    const [q, k, v] = [this.qProj, this.kProj, this.vProj].map((p) => split(p.forward(x))) as [Tensor, Tensor, Tensor];
    const out = attention(q, k, v, { causalMask: mask });
    return this.outProj.forward(out.transpose(1, 2).reshape(b, t, c));
  }
}

/** CLIP's first encoder approximates GELU by `x · sigmoid(1.702 x)` (Hendrycks & Gimpel 2016, §2). */
const quickGelu = (x: Tensor): Tensor => x.mul(x.mul(1.702).sigmoid());

export class ClipMlp extends Module {
  fc1: Layer;
  fc2: Layer;
  private readonly activation: (x: Tensor) => Tensor;

  constructor({ hiddenSize, intermediateSize, activation }: ClipTextConfig) {
    super();
    this.fc1 = new Linear(hiddenSize, intermediateSize);
    this.fc2 = new Linear(intermediateSize, hiddenSize);
    this.activation = activation === "gelu" ? (x) => gelu(x) : quickGelu;
  }

  /** `x [b, t, c]` → `[b, t, c]` */
  forward(x: Tensor): Tensor {
    return this.fc2.forward(this.activation(this.fc1.forward(x)));
  }
}

/** A pre-norm transformer layer. */
export class ClipLayer extends Module {
  readonly selfAttn: ClipAttention;
  readonly layerNorm1: LayerNorm;
  readonly mlp: ClipMlp;
  readonly layerNorm2: LayerNorm;

  constructor(config: ClipTextConfig) {
    super();
    this.selfAttn = new ClipAttention(config);
    this.layerNorm1 = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
    this.mlp = new ClipMlp(config);
    this.layerNorm2 = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
  }

  /** `x [b, t, c]`, `mask [t, t]` → `[b, t, c]` */
  forward(x: Tensor, mask: Tensor): Tensor {
    const h = x.add(this.selfAttn.forward(this.layerNorm1.forward(x), mask));
    return h.add(this.mlp.forward(this.layerNorm2.forward(h)));
  }
}

class ClipEmbeddings extends Module {
  readonly tokenEmbedding: Embedding;
  readonly positionEmbedding: Embedding;

  constructor(config: ClipTextConfig) {
    super();
    this.tokenEmbedding = new Embedding(config.vocabSize, config.hiddenSize);
    this.positionEmbedding = new Embedding(config.maxPositions, config.hiddenSize);
  }

  /** `ids [b, t]` → `[b, t, c]` */
  forward(ids: Tensor): Tensor {
    const { t } = ids.dims("b t");
    return this.tokenEmbedding.forward(ids).add(this.positionEmbedding.weight.narrow(0, 0, t));
  }
}

class ClipEncoder extends Module {
  readonly layers: ClipLayer[];
  constructor(config: ClipTextConfig) {
    super();
    this.layers = Array.from({ length: config.layers }, () => new ClipLayer(config));
  }
}

class ClipTextTransformer extends Module {
  readonly embeddings: ClipEmbeddings;
  readonly encoder: ClipEncoder;
  readonly finalLayerNorm: LayerNorm;
  constructor(config: ClipTextConfig) {
    super();
    this.embeddings = new ClipEmbeddings(config);
    this.encoder = new ClipEncoder(config);
    this.finalLayerNorm = new LayerNorm(config.hiddenSize, { eps: config.layerNormEps });
  }
}

/** What SDXL takes from an encoder. */
export interface ClipTextOutput {
  /** input of the last layer, `[b, t, c]`: the prompt embedding */
  penultimate: Tensor;
  /** `[b, projectionDim]`; null without projection */
  textEmbeds: Tensor | null;
}

/** One of SDXL's two text encoders: CLIP ViT-L/14's, or OpenCLIP ViT-bigG/14's with its projection. */
export class ClipTextModel extends Module {
  readonly config: ClipTextConfig;
  readonly textModel: ClipTextTransformer;
  readonly textProjection: Linear | null;
  /** How layers run; `RecomputeTape.run` makes it gradient checkpointing. */
  runner: (layer: (...x: Tensor[]) => Tensor, ...x: Tensor[]) => Tensor = (layer, ...x) => scope(() => layer(...x));

  constructor(config: ClipTextConfig) {
    super();
    this.config = config;
    this.textModel = new ClipTextTransformer(config);
    this.textProjection =
      config.projectionDim === null ? null : new Linear(config.hiddenSize, config.projectionDim, { bias: false });
  }

  /** The embedding, then the output of each of the first `layers` layers: `layers + 1` tensors `[b, t, c]`. */
  hiddenStates(ids: Tensor, layers = this.config.layers): Tensor[] {
    const { t } = ids.dims("b t");
    const { embeddings, encoder } = this.textModel;
    let x = embeddings.forward(ids);
    const mask = noGrad(() => full([t, t], Number.NEGATIVE_INFINITY, { dtype: x.dtype, device: x.device }).triu(1));
    const states = [x];
    for (const layer of encoder.layers.slice(0, layers)) {
      x = this.runner((y) => layer.forward(y as Tensor, mask), x);
      states.push(x);
    }
    return states;
  }

  /** `ids [b, t]` of int64 → what SDXL needs; the last layer runs only for an encoder with projection. */
  forward(ids: Tensor): ClipTextOutput {
    const { layers } = this.config;
    const states = this.hiddenStates(ids, this.textProjection === null ? layers - 1 : layers);
    const penultimate = states[layers - 1] as Tensor;
    if (this.textProjection === null) return { penultimate, textEmbeds: null };
    return { penultimate, textEmbeds: this.textProjection.forward(this.pooled(ids, this.lastHiddenState(states))) };
  }

  /** The last layer's output, normalized, `[b, t, c]`. */
  lastHiddenState(states: readonly Tensor[]): Tensor {
    return this.textModel.finalLayerNorm.forward(states.at(-1) as Tensor);
  }

  /** The row of the end token, `[b, c]`: `ids [b, t]`, `last [b, t, c]`. */
  pooled(ids: Tensor, last: Tensor): Tensor {
    const { b, t } = ids.dims("b t");
    const { eosTokenId } = this.config;
    const position = noGrad(() => (eosTokenId === 2 ? ids : ids.eq(eosTokenId).to("int32")).argmax(-1));
    const row = noGrad(() => arange(0, b, { device: ids.device }).mul(t).add(position));
    return last.reshape(b * t, -1).indexSelect(0, row);
  }
}
