import type { TrainEvent, TrainOptions } from "@stillframe/schema";
import { type HubProgress, resolveModel } from "../hub/index.js";
import { emitted } from "./emitted.js";
import { hubEvents } from "./hub-events.js";

/** A model on this machine. */
export interface ModelFolder {
  /** A folder in the diffusers layout, or a single file. */
  path: string;
  /** The commit that it was fetched from; null when it is not from the Hub. */
  commit: string | null;
}

export interface ModelFolderOptions {
  /** branch, tag or commit, for a model of the Hub */
  revision?: string | null | undefined;
  /** which weight files, where there are several */
  variant?: string | null | undefined;
  /** folders of a pipeline that are needed; all unless said */
  components?: readonly string[] | undefined;
  /** default `HF_TOKEN`, or the token file */
  token?: string | null | undefined;
  onProgress?: ((progress: HubProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The folder of a model: the one given, or the files of `organisation/name` on the Hub, fetched where the cache lacks
 * them. A local folder of that name wins.
 *
 * @throws InvalidArgumentError when it is neither; HubError, with what to do, when the Hub refuses
 */
export async function resolveModelFolder(nameOrPath: string, options: ModelFolderOptions = {}): Promise<ModelFolder> {
  const { revision, variant, components, token, onProgress, signal } = options;
  const found = await resolveModel(nameOrPath, {
    revision: revision ?? undefined,
    variant: variant ?? undefined,
    token: token ?? undefined,
    components,
    onProgress,
    signal,
  });
  return { path: found.path, commit: found.source === "hub" ? found.commit : null };
}

type ModelOptions = Pick<
  TrainOptions,
  "pretrained_model_name_or_path" | "pretrained_vae_model_name_or_path" | "revision" | "variant"
> & { hub_token?: string | null };

/** What training and generation need of a pipeline. */
const COMPONENTS = ["tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "unet", "scheduler"];

/**
 * The folders of the base model and of the VAE that takes the place of its own, if any, with the download's progress.
 * `revision` and `variant` are the base model's.
 */
export async function* resolveModels(
  options: ModelOptions,
  { signal }: { signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainEvent, { model: ModelFolder; vae: ModelFolder | null }> {
  const { pretrained_model_name_or_path: base, pretrained_vae_model_name_or_path: vae, revision, variant } = options;
  const find = (name: string, more: ModelFolderOptions) =>
    emitted<TrainEvent, ModelFolder>((emit) =>
      resolveModelFolder(name, { token: options.hub_token, signal, onProgress: hubEvents(name, emit), ...more }),
    );
  const components = vae === null ? [...COMPONENTS, "vae"] : COMPONENTS;
  const model = yield* find(base, { revision, variant, components });
  return { model, vae: vae === null ? null : yield* find(vae, { components: ["vae"] }) };
}
