import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type CommitProgressEvent, commitIter, createRepo, whoAmI } from "@huggingface/hub";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { explain, HubError } from "../hub/hub-error.js";
import { clientOptions, type HubConnection, listCommit, repoState } from "../hub/listing.js";
import { checkRepoName, isRepoName, type RepoFile } from "../hub/repo-file.js";
import { backoff, defaultRetryPolicy } from "../hub/retrying-fetch.js";
import { hubSettings } from "../hub/settings.js";
import { connect, type HubOptions } from "../hub/snapshot.js";
import { redact } from "../hub/token.js";
import { FileBlob } from "./file-blob.js";
import { leakSearch } from "./leaks.js";
import { type PreparedFile, type PublishFile, prepareFile } from "./publish-file.js";

export interface PublishOptions extends Omit<HubOptions, "cacheDir" | "onProgress"> {
  /** `organisation/name`, or a name alone for the token's own account. */
  readonly repo: string;
  readonly files: readonly PublishFile[];
  /** `true` makes a private repository and refuses a public one; default: as the Hub makes it, or as it is. */
  readonly private?: boolean | undefined;
  /** Look at the files and send nothing: no request is made, no token is needed. */
  readonly dryRun?: boolean | undefined;
  /** Folders that no file may name, besides those of the files, the person's home and the like. */
  readonly privatePaths?: readonly string[] | undefined;
  /** Title of the commit. */
  readonly message?: string | undefined;
  readonly onProgress?: ((event: PublishProgress) => void) | undefined;
}

export type PublishProgress =
  | { kind: "checked"; path: string; bytes: number }
  | { kind: "repo"; repo: string; created: boolean; private: boolean }
  | { kind: "plan"; send: readonly string[]; unchanged: readonly string[]; bytes: number }
  | { kind: "bytes"; path: string; sent: number; bytes: number }
  | { kind: "committing" }
  | { kind: "retry"; reason: string; delayMs: number };

export interface PublishResult {
  readonly repo: string;
  /** Page of the repository. */
  readonly url: string;
  /** Commit that holds the files; `undefined` after a dry run. */
  readonly commit: string | undefined;
  readonly created: boolean;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** Paths that were sent, or would be; a dry run does not ask the Hub what it has. */
  readonly sent: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * Publishes files as one commit of a model repository, which is made when it is missing. All files are looked at first:
 * one that may not leave this machine stops everything before a byte is sent. What the Hub has already is not sent again,
 * so that a second call after a failure completes the first, and a third does nothing.
 */
export async function publishFolder(options: PublishOptions): Promise<PublishResult> {
  const { repo, files } = options;
  if (!isRepoName(`me/${repo}`)) checkRepoName(repo);
  if (files.length === 0) throw invalid("files", "one or more files to publish", files);
  const hub = connect({ ...options, onProgress: onRetry(options) });
  const prepared = await prepareAll(options, hub.token);
  const described = prepared.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  if (options.dryRun) {
    const sent = prepared.map(({ path }) => path);
    const url = `${hub.endpoint}/${repo}`;
    return { repo, url, commit: undefined, created: false, files: described, sent, unchanged: [] };
  }
  let name = repo;
  try {
    const account = await accountOf(hub, options);
    if (!isRepoName(repo)) name = `${account}/${repo}`;
    const created = await ensureRepo(hub, name, options);
    const done = await sendAll(hub, name, { prepared, options });
    return { repo: name, url: `${hub.endpoint}/${name}`, created, files: described, ...done };
  } catch (error) {
    const { endpoint } = hub;
    throw explain(error, { repo: name, type: "model", endpoint, hasToken: hub.token !== undefined, action: "write" });
  }
}

function onRetry({ onProgress }: PublishOptions): HubOptions["onProgress"] {
  return (event) => {
    if (event.kind === "retry") onProgress?.(event);
  };
}

async function prepareAll(options: PublishOptions, token: string | undefined): Promise<PreparedFile[]> {
  const folders = options.files.flatMap(({ from }) => (typeof from === "string" ? [dirname(resolve(from))] : []));
  const search = leakSearch([...folders, ...(options.privatePaths ?? [])], { token, env: options.env });
  const prepared: PreparedFile[] = [];
  for (const file of options.files) {
    if (prepared.some(({ path }) => path === file.path)) throw invalid("files", "every path once", file.path);
    const one = await prepareFile(file, search);
    prepared.push(one);
    options.onProgress?.({ kind: "checked", path: one.path, bytes: one.bytes });
  }
  return prepared;
}

/** Name of the token's account; refuses early what would be refused after an upload. */
async function accountOf(hub: HubConnection, { env }: PublishOptions): Promise<string> {
  if (hubSettings(env).offline) {
    throw new HubError("offline", `expected a connection to ${hub.endpoint} to publish but HF_HUB_OFFLINE is set`);
  }
  if (hub.token === undefined) {
    throw new HubError(
      "unauthorized",
      `publishing to ${hub.endpoint} needs an access token with write access: set HF_TOKEN (or run \`hf auth login\`); make one at ${hub.endpoint}/settings/tokens`,
    );
  }
  const account = await whoAmI({ ...clientOptions(hub), accessToken: hub.token });
  if (account.auth.accessToken?.role === "read") {
    throw new HubError(
      "forbidden",
      `expected a token with write access but ${account.name}'s token can only read: make one at ${hub.endpoint}/settings/tokens`,
    );
  }
  return account.name;
}

/** Makes the repository unless it is there; whether it made it. */
async function ensureRepo(hub: HubConnection, name: string, options: PublishOptions): Promise<boolean> {
  let state = await stateOf(hub, name);
  let created = false;
  if (!state) {
    try {
      const visibility = options.private === undefined ? {} : { visibility: visibilityOf(options.private) };
      await createRepo({
        repo: { type: "model", name },
        ...visibility,
        ...clientOptions(hub),
        accessToken: hub.token!,
      });
      created = true;
    } catch (error) {
      // 409: somebody made it in the meantime.
      if (!(error instanceof HubError) || error.status !== 409) throw error;
    }
    state = await stateOf(hub, name);
  }
  if (!state) throw new HubError("not-found", `${hub.endpoint} does not show ${name} to the token in use`);
  if (options.private && !state.private) {
    throw new InvalidArgumentError(
      `expected a private repository for ${name} but it is public: make it private at ${hub.endpoint}/${name}/settings or choose another name; nothing was sent`,
    );
  }
  options.onProgress?.({ kind: "repo", repo: name, created, private: state.private });
  return created;
}

function visibilityOf(isPrivate: boolean): "private" | "public" {
  return isPrivate ? "private" : "public";
}

async function stateOf(hub: HubConnection, name: string) {
  try {
    return await repoState(hub, { type: "model", name }, "main");
  } catch (error) {
    if (error instanceof HubError && error.status === 404) return undefined;
    throw error;
  }
}

interface Job {
  readonly prepared: readonly PreparedFile[];
  readonly options: PublishOptions;
}

/** Commits what differs until nothing does: a lost answer and a failure on the way end in the same look at the Hub. */
async function sendAll(hub: HubConnection, name: string, { prepared, options }: Job) {
  const policy = { ...defaultRetryPolicy, ...options.retry };
  const all = prepared.map(({ path }) => path);
  let first: readonly string[] | undefined;
  let committed = false;
  for (let attempt = 1; ; attempt++) {
    const { commit } = await repoState(hub, { type: "model", name }, "main");
    const todo = differing(prepared, await listCommit(hub, { type: "model", name }, commit));
    const sent = (first ??= todo.map(({ path }) => path));
    const unchanged = all.filter((path) => !sent.includes(path));
    if (todo.length === 0) return { commit, sent, unchanged };
    if (committed)
      throw new HubError("integrity", `${hub.endpoint} lists other contents in ${name} than were committed`);
    const bytes = todo.reduce((sum, file) => sum + file.bytes, 0);
    options.onProgress?.({ kind: "plan", send: todo.map(({ path }) => path), unchanged, bytes });
    try {
      await sendCommit(hub, name, { prepared: todo, options });
      committed = true;
    } catch (thrown) {
      options.signal?.throwIfAborted();
      const error = thrown instanceof HubError ? thrown : new HubError("protocol", redact(String(thrown)));
      if (!error.transient || attempt >= policy.attempts) throw interrupted(error);
      const delayMs = backoff(attempt, policy);
      options.onProgress?.({ kind: "retry", reason: error.message, delayMs });
      await sleep(delayMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

/** Files that the commit lacks or holds with another content. */
function differing(prepared: readonly PreparedFile[], remote: readonly RepoFile[]): PreparedFile[] {
  const byPath = new Map(remote.map((file) => [file.path, file]));
  return prepared.filter((file) => {
    const there = byPath.get(file.path);
    if (!there) return true;
    return there.sha256 === undefined ? there.gitOid !== file.gitOid : there.sha256 !== file.sha256;
  });
}

async function sendCommit(hub: HubConnection, name: string, { prepared, options }: Job): Promise<void> {
  const meter = new UploadMeter(prepared, options.onProgress);
  const events = commitIter({
    ...clientOptions(hub),
    fetch: meter.fetch(hub.fetch),
    repo: { type: "model", name },
    title: options.message ?? `Publish ${prepared.length === 1 ? prepared[0]!.path : `${prepared.length} files`}`,
    operations: prepared.map(({ path, blob }) => ({ operation: "addOrUpdate" as const, path, content: blob })),
    // Plain large-file storage: the chunked protocol needs a server of its own, and adapters are small.
    useXet: false,
    ...(options.signal && { abortSignal: options.signal }),
  });
  for await (const event of events) meter.note(event);
}

/** Turns the client's coarse events and the pieces of uploads into bytes sent, per file. */
class UploadMeter {
  readonly #bytes: ReadonlyMap<string, number>;
  readonly #onProgress: PublishOptions["onProgress"];
  readonly #parts = new Map<string, Map<string, number>>();

  constructor(files: readonly PreparedFile[], onProgress: PublishOptions["onProgress"]) {
    this.#bytes = new Map(files.map(({ path, bytes }) => [path, bytes]));
    this.#onProgress = onProgress;
  }

  note(event: CommitProgressEvent): void {
    if (event.event === "phase") {
      if (event.phase === "committing") this.#onProgress?.({ kind: "committing" });
    } else if (event.state === "uploading" && event.progress === 1)
      this.#tell(event.path, this.#bytes.get(event.path) ?? 0);
  }

  /** The client names the file of an upload in a field of its own beside the body. */
  fetch(inner: typeof fetch): typeof fetch {
    return (input, init) => {
      const path = (init as { progressHint?: { path?: string } } | undefined)?.progressHint?.path;
      const body: unknown = init?.body;
      if (path === undefined || !(body instanceof FileBlob)) return inner(input, init);
      const parts = this.#parts.get(path) ?? new Map<string, number>();
      this.#parts.set(path, parts);
      const key = String(input);
      const counted = body.counted((read) => {
        parts.set(key, read);
        this.#tell(
          path,
          [...parts.values()].reduce((sum, one) => sum + one, 0),
        );
      });
      return inner(input, { ...init, body: counted });
    };
  }

  #tell(path: string, sent: number): void {
    this.#onProgress?.({ kind: "bytes", path, sent, bytes: this.#bytes.get(path) ?? sent });
  }
}

/** What a person needs to know after a failure that may be over later. */
function interrupted(error: HubError): HubError {
  if (!error.transient) return error;
  const { status, code, retryAfterSeconds } = error;
  return new HubError(error.kind, `${error.message}; the same command sends what is missing`, {
    ...(status !== undefined && { status }),
    ...(code !== undefined && { code }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    cause: error,
  });
}
