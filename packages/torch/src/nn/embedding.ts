import { embedding } from "../functions.generated.js";
import type { Generator } from "../generator.js";
import type { Tensor } from "../tensor.js";
import { normal } from "./initial.js";
import { declareWeight, type Layer, Module } from "./module.js";

/** A row of weights for each integer. */
export class Embedding extends Module implements Layer {
  weight: Tensor; // [count, features]

  constructor(count: number, features: number) {
    super();
    this.weight = declareWeight(count, features);
  }

  /** `ids [...]` of int64 → `[..., features]` */
  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids);
  }
  reset(generator: Generator): void {
    this.weight = normal(this.weight, 0.02, generator);
  }
}
