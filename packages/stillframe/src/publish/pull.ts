import { type ModelFileOptions, type ModelRepoKind, modelFiles, modelRepoKind } from "../hub/model-files.js";
import { type FileSelector, fetchSnapshot, type HubOptions, type Snapshot } from "../hub/snapshot.js";

export interface PullOptions extends HubOptions, ModelFileOptions {
  /** `organisation/name`. */
  readonly repo: string;
  readonly revision?: string | undefined;
  /** Hash files that are in the cache already; default `true`. */
  readonly verify?: boolean | undefined;
}

export interface Pulled extends Snapshot {
  /** `pipeline`: a base model; `component`: one model such as a VAE; `adapter`: a LoRA. */
  readonly kind: ModelRepoKind;
  /** The safetensors files among `files`. */
  readonly weights: readonly string[];
}

/** Fetches an adapter or a base into the standard Hugging Face cache and checks every file's hash. */
export async function pull(options: PullOptions): Promise<Pulled> {
  let kind: ModelRepoKind = "unknown";
  const select = modelFiles({ variant: options.variant, components: options.components });
  const allow: FileSelector = (files, read) => {
    kind = modelRepoKind(files.map((file) => file.path));
    return select(files, read);
  };
  const snapshot = await fetchSnapshot({ ...options, type: "model", verify: options.verify ?? true, allow });
  return { ...snapshot, kind, weights: snapshot.files.filter((path) => path.endsWith(".safetensors")) };
}
