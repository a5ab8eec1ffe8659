export { isPublishable, PUBLISHABLE } from "./allow-list.js";
export type { PublishFile } from "./publish-file.js";
export { type Pulled, type PullOptions, pull } from "./pull.js";
export { type RunFiles, runFiles } from "./run-files.js";
export { scrubPaths } from "./scrub.js";
export { type PublishOptions, type PublishProgress, type PublishResult, publishFolder } from "./upload.js";
