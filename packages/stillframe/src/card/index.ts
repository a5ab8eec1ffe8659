export { type CaptionOpening, commonOpenings } from "./caption-opening.js";
export { type Hardware, hardwareOf } from "./hardware.js";
export { pictureSizes } from "./picture-sizes.js";
export {
  type PublishedRun,
  type PublishRunOptions,
  type PushResult,
  publishRun,
  pushToHub,
  writeCardAtEnd,
} from "./publish-run.js";
export { type Card, composeCard, type WriteCardOptions, writeCard } from "./write-card.js";
