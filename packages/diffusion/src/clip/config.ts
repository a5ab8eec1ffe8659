import { ConfigReader } from "../config-reader.js";

/** What differs between CLIP's text encoders. */
export interface ClipTextConfig {
  vocabSize: number;
  maxPositions: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  activation: "quick_gelu" | "gelu";
  layerNormEps: number;
  /** 2 in old configurations, which do not name the real id: the pooled position is then the largest id's */
  eosTokenId: number;
  /** features of the projected pooled output; null for an encoder without projection */
  projectionDim: number | null;
}

/** Reads the `config.json` of a `text_encoder` folder. */
export function clipTextConfig(json: unknown, source = "text_encoder/config.json"): ClipTextConfig {
  const c = new ConfigReader(json, source);
  const projected = ((json as { architectures?: string[] }).architectures ?? []).includes(
    "CLIPTextModelWithProjection",
  );
  const activation = c.string("hidden_act", "quick_gelu");
  c.only({ hidden_act: activation === "gelu" ? "gelu" : "quick_gelu", attention_dropout: 0 });
  return {
    vocabSize: c.count("vocab_size", 49408),
    maxPositions: c.count("max_position_embeddings", 77),
    hiddenSize: c.count("hidden_size", 512),
    intermediateSize: c.count("intermediate_size", 2048),
    layers: c.count("num_hidden_layers", 12),
    heads: c.count("num_attention_heads", 8),
    activation: activation as "quick_gelu" | "gelu",
    layerNormEps: c.number("layer_norm_eps", 1e-5),
    eosTokenId: c.integer("eos_token_id", 49407),
    projectionDim: projected ? c.count("projection_dim", 512) : null,
  };
}
