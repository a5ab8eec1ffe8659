export { attention, plainAttention } from "./attention.js";
export { Conv2d, type Conv2dOptions } from "./conv2d.js";
export { Embedding } from "./embedding.js";
export { constant, normal, uniform } from "./initial.js";
export { Linear } from "./linear.js";
export { type LoadWeightsOptions, loadWeights, WeightsError, widens } from "./load.js";
export { checkpointKey, declareWeight, type Layer, Module, replaceWeight, type WeightSlot } from "./module.js";
export { GroupNorm, LayerNorm } from "./norm.js";
export { narrowedWeight } from "./widened.js";
