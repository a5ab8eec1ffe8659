export { RepoCache } from "./cache.js";
export { datasetFiles } from "./dataset-files.js";
export { HubError, type HubErrorKind } from "./hub-error.js";
export { adapterFiles, type ModelFileOptions, type ModelRepoKind, modelFiles, modelRepoKind } from "./model-files.js";
export { isRepoName, type RepoFile, type RepoType } from "./repo-file.js";
export {
  type ResolveDatasetOptions,
  type Resolved,
  type ResolveModelOptions,
  resolveDataset,
  resolveModel,
} from "./resolve.js";
export { defaultRetryPolicy, type RetryPolicy } from "./retrying-fetch.js";
export { type Environment, type HubSettings, hubSettings } from "./settings.js";
export {
  type FileSelector,
  fetchSnapshot,
  type HubOptions,
  type HubProgress,
  type Snapshot,
  type SnapshotOptions,
} from "./snapshot.js";
export { readToken, redact } from "./token.js";
