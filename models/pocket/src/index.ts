export * from "./attributes.js";
export { type Asked, type Caption, caption, fullContent, STYLE_PREFIX } from "./caption.js";
export { type Row, writeDataset } from "./dataset.js";
export { DEFAULT_SIZE, draw } from "./draw.js";
export { anonymous, difference, MIN_DIFFERENCE, NAMED_PEOPLE, type Person } from "./people.js";
export { Random } from "./random.js";
export { png, type Raster } from "./raster.js";
export { isReserved, RESERVED_ONE_IN, sampleScene, type Wish } from "./sampling.js";
export type { Actor, Scene } from "./scene.js";
export {
  type EvaluationPrompt,
  evaluationPrompts,
  type Item,
  item,
  type Labels,
  labels,
  type PersonLabels,
  SETS,
  type SetName,
} from "./sets.js";
export { contactSheet, portrait } from "./sheet.js";
