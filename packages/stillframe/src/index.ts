/**
 * Fine-tune Stable Diffusion XL to a style: data, training, pictures, model card, publishing.
 *
 * @module
 */
export { type Card, publishRun, type WriteCardOptions, writeCard } from "./card/index.js";
export * from "./data/index.js";
export type { FeatureExtractor } from "./evaluate/extractor.js";
export type { Recognition, RecognitionAccuracy, RecognizingExtractor } from "./evaluate/recognition.js";
export { type EvaluateResult, evaluate, type Network } from "./evaluate/run/index.js";
export { type GenerateResult, generate } from "./generate/index.js";
export { type ModelSizeName, makeRandomModel } from "./make-model/index.js";
export { prepare } from "./prepare/index.js";
export { type Pulled, type PullOptions, pull } from "./publish/index.js";
export { type ReproduceEvent, reproduce } from "./reproduce/index.js";
export { type TrainResult, train } from "./train/index.js";
