export { applyLora } from "./apply.js";
export { LoraConv2d } from "./conv2d.js";
export {
  type AdaptedParts,
  diffusersTensors,
  disposeLora,
  type LayerPaths,
  type LoraEntry,
  type LoraWeights,
  readLora,
  writeDiffusersLora,
  writeKohyaLora,
} from "./format.js";
export {
  type AdaptedLayer,
  adaptedLayers,
  fuseLora,
  injectLora,
  isTarget,
  type LayerSlot,
  layerSlots,
  removeLora,
  setLoraMultiplier,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
} from "./inject.js";
export { LoraLayer, type LoraOptions } from "./layer.js";
export { LoraLinear } from "./linear.js";
export { kohyaName, kohyaSgmName, LORA_PARTS, type LoraPart } from "./names.js";
