/**
 * Fine-tune Stable Diffusion XL to a style: data, training, pictures.
 *
 * @module
 */
export * from "./data/index.js";
export { type GenerateResult, generate } from "./generate/index.js";
export { type ModelSizeName, makeRandomModel } from "./make-model/index.js";
export { type TrainResult, train } from "./train/index.js";
