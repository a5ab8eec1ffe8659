import { basename, isAbsolute, resolve } from "node:path";
import { whoAmI } from "@huggingface/hub";
import type { Manifest, TrainEventOf, TrainOptions } from "@stillframe/schema";
import { InvalidArgumentError } from "@stillframe/torch/errors";
import { quoted } from "../cli/command-line.js";
import { clientOptions } from "../hub/listing.js";
import { isRepoName } from "../hub/repo-file.js";
import { connect } from "../hub/snapshot.js";
import { redact } from "../hub/token.js";
import { type PublishOptions, type PublishResult, publishFolder, runFiles } from "../publish/index.js";
import { evaluationFile, readManifest } from "./run-record.js";
import { type Card, composeCard, writeCard } from "./write-card.js";

export interface PublishRunOptions extends Omit<PublishOptions, "repo" | "files"> {
  /** `organisation/name`, or a name of the token's account; default: what the run says, else its folder's name. */
  readonly repo?: string | undefined;
  /** Bring the card up to date first; default `true`. */
  readonly card?: boolean | undefined;
}

export interface PublishedRun extends PublishResult {
  /** The card as it is sent; `undefined` when it was not brought up to date. */
  readonly card: Card | undefined;
  /** Paths of the run's folder that stay on this machine; a folder ends with `/`. */
  readonly keptHere: readonly string[];
}

/**
 * Publishes a finished run: adapter files, card, manifest, evaluation and the pictures that the card shows. The card is
 * brought up to date first, so that its examples name the repository. A dry run writes and sends nothing.
 *
 * @throws InvalidArgumentError when the run has not ended, or a file may not leave this machine; HubError by the Hub
 */
export async function publishRun(run: string, options: PublishRunOptions = {}): Promise<PublishedRun> {
  const manifest = readManifest(run);
  if (manifest.timing.finished === null || manifest.results.length === 0)
    throw new InvalidArgumentError(`expected a finished run to publish but ${run} has no results yet`);
  const told = manifest.options.hub_model_id;
  const repo = options.repo ?? (typeof told === "string" ? told : basename(resolve(run)));
  const card = options.card === false ? undefined : await cardFor(run, repo, options);
  const { files, kept } = await runFiles(run, card === undefined ? {} : { card: card.text });
  const measured = evaluationFile(run);
  const isElsewhere = measured !== undefined && !files.some(({ path }) => path === "evaluation.json");
  const all = isElsewhere ? [...files, { path: "evaluation.json", from: measured }] : files;
  const published = await publishFolder({ ...options, repo, files: all, privatePaths: placesOf(manifest) });
  return { ...published, card, keptHere: kept };
}

/** Folders that the run read or wrote. */
function placesOf({ options, model, vae, data }: Manifest): string[] {
  const names = [...Object.values(options), model.name_or_path, vae?.name_or_path, data.name_or_path];
  return names.filter((name): name is string => typeof name === "string" && isAbsolute(name));
}

async function cardFor(run: string, repo: string, options: PublishRunOptions): Promise<Card> {
  const full = isRepoName(repo) ? repo : options.dryRun ? undefined : await ownRepo(repo, options);
  const settings = { ...(full !== undefined && { repo: full }), env: options.env };
  return options.dryRun ? composeCard(run, settings) : writeCard(run, settings);
}

/** `name` as a repository of the token's account; `undefined` when that cannot be asked: publishing then says why. */
async function ownRepo(
  name: string,
  { env, endpoint, token, retry, signal }: PublishRunOptions,
): Promise<string | undefined> {
  const hub = connect({ env, endpoint, token, retry, signal });
  if (hub.token === undefined) return undefined;
  try {
    const account = await whoAmI({ ...clientOptions(hub), accessToken: hub.token });
    return isRepoName(`${account.name}/${name}`) ? `${account.name}/${name}` : undefined;
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

/** What came of publishing at the end of training. */
export type PushResult =
  | { readonly url: string; readonly warning: undefined }
  | { readonly url: undefined; readonly warning: TrainEventOf<"warning"> };

/**
 * Publishes the run that training with `push_to_hub` has just finished. Never throws: the run is safe on disk whatever the
 * Hub does, and the warning says how to publish it later.
 */
export async function pushToHub(
  run: string,
  { hub_model_id, hub_token }: Pick<TrainOptions, "hub_model_id" | "hub_token">,
  options: Omit<PublishRunOptions, "repo" | "token" | "dryRun"> = {},
): Promise<PushResult> {
  try {
    const given = {
      ...(hub_model_id !== null && { repo: hub_model_id }),
      ...(hub_token !== null && { token: hub_token }),
    };
    const { url } = await publishRun(run, { ...options, ...given });
    return { url, warning: undefined };
  } catch (error) {
    const reason = redact(error instanceof Error ? error.message : String(error), [hub_token ?? undefined]);
    const repo = hub_model_id === null ? [] : [`--hub_model_id=${hub_model_id}`];
    const later = quoted(["npx", "stillframe", "publish", run, ...repo]);
    return {
      url: undefined,
      warning: { type: "warning", message: `the run is finished and was not published: ${reason}. Later: ${later}` },
    };
  }
}

/**
 * Writes the card of a run that has just finished. Never throws: a warning says what was wrong instead.
 *
 * @returns `undefined` when all is well
 */
export function writeCardAtEnd(run: string): TrainEventOf<"warning"> | undefined {
  try {
    const { warnings } = writeCard(run);
    return warnings.length === 0 ? undefined : { type: "warning", message: `model card: ${warnings.join("; ")}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      type: "warning",
      message: `the model card was not written: ${reason}. Later: ${quoted(["npx", "stillframe", "card", run])}`,
    };
  }
}
