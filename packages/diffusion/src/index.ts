/**
 * Stable Diffusion XL: models, noise schedules, samplers, adapters, checkpoints.
 *
 * @module
 */
export { type LoadOptions, loadComponent, readJson, readWeights, weightFiles } from "./checkpoint.js";
export { type ClipTextConfig, clipTextConfig } from "./clip/config.js";
export { ClipTextModel, type ClipTextOutput } from "./clip/model.js";
export * from "./lora/index.js";
export { diffusionLoss } from "./objective/loss.js";
export { type TrainingExample, trainingExample } from "./objective/target.js";
export {
  encodeIds,
  encodePrompts,
  type PromptEmbeddings,
  type PromptIds,
  stackEmbeddings,
  tokenizePrompts,
} from "./prompt.js";
export * from "./sample/index.js";
export * from "./schedule/index.js";
export {
  checkModelFolder,
  disposeSdxl,
  layerPaths,
  loadScheduler,
  loadSdxl,
  loadTextEncoders,
  loadUnet,
  loadVae,
  loraParts,
  type SchedulerSettings,
  type Sdxl,
  type SdxlLoadOptions,
} from "./sdxl.js";
export { guidedNetwork, ownSampler, type Size, type TextToImageOptions, textToImage } from "./text-to-image.js";
export { type ChunkedEncoding, ClipTokenizer, type Encoding } from "./tokenizer.js";
export { type UnetConfig, type UnetLevel, unetConfig } from "./unet/config.js";
export { Timesteps, Unet, type UnetConditions } from "./unet/model.js";
export { type VaeConfig, vaeConfig, vaeFactor } from "./vae/config.js";
export { type Posterior, sampleLatents, Vae } from "./vae/model.js";
export { decodeLatents, encodePictures, tileSides, type VaeMemory } from "./vae/tiling.js";
