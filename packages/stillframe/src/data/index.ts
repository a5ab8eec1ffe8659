export { type DecodeOptions, decodePicture } from "./decode.js";
export {
  type ImageFolder,
  type ImageFolderItem,
  type ImageFolderOptions,
  readImageFolder,
  type SkippedPicture,
} from "./image-folder.js";
export { type InspectedPicture, type InspectOptions, inspectPictures, type RejectedPicture } from "./inspect.js";
export { mapConcurrently } from "./map-concurrently.js";
export type { ImageColumns } from "./metadata-columns.js";
export { type MetadataRecord, readCsv, readJsonLines } from "./metadata-file.js";
export { checkPicture, type Picture } from "./picture.js";
export { contentHash, type PictureSource, readPictureFile } from "./picture-file.js";
export {
  cropToPixelValues,
  type PreprocessedPicture,
  type PreprocessOptions,
  preprocess,
  resizedSize,
  resizeShorterSide,
} from "./preprocess.js";
export {
  PICTURE_FORMATS,
  type PictureFormat,
  type PictureHeader,
  type PictureLimits,
  type Probe,
  probePicture,
} from "./probe.js";
export { type Region, regionsOf } from "./regions.js";
export { INTERPOLATIONS, type Interpolation, resample } from "./resample.js";
export { UnusablePictureError } from "./unusable-picture-error.js";
