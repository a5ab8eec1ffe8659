export { applyLora } from "./apply.js";
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
  type LinearSlot,
  linearSlots,
  removeLora,
  setLoraMultiplier,
  TEXT_ENCODER_TARGETS,
  UNET_TARGETS,
} from "./inject.js";
export { LoraLinear, type LoraOptions } from "./layer.js";
export { kohyaName, kohyaSgmName, LORA_PARTS, type LoraPart } from "./names.js";
