import { readFile, statfs } from "node:fs/promises";
import { InvalidArgumentError, invalid } from "@stillframe/torch/errors";
import { matchPaths } from "../dataset-parquet/glob.js";
import { RepoCache } from "./cache.js";
import { downloadBlob } from "./download.js";
import { explain, HubError } from "./hub-error.js";
import { type HubConnection, listCached, type RepoAddress, repoState, resolveAddress } from "./listing.js";
import { withLock } from "./lock.js";
import { blobName, checkRepoName, checkRevision, isCommit, type RepoFile, type RepoType } from "./repo-file.js";
import { type RetryPolicy, retryingFetch } from "./retrying-fetch.js";
import { checkEndpoint, type Environment, hubSettings } from "./settings.js";
import { checkToken, readToken } from "./token.js";

/** What a caller may set of a connection; the environment gives what is left out. */
export interface HubOptions {
  /** Default `HF_ENDPOINT`, else https://huggingface.co. */
  readonly endpoint?: string | undefined;
  /** Default {@link readToken}; `null` asks without a token. */
  readonly token?: string | null | undefined;
  /** Default `HF_HUB_CACHE` and what stands behind it. */
  readonly cacheDir?: string | undefined;
  readonly env?: Environment | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly onProgress?: ((event: HubProgress) => void) | undefined;
}

/** What happens during a fetch, for a progress bar and a log. */
export type HubProgress =
  /** The files are known: how many and how large, and how much of that is in the cache. */
  | { kind: "plan"; files: number; bytes: number; cachedBytes: number }
  /** Bytes of one file and of all that are on disk. */
  | { kind: "bytes"; path: string; fileReceived: number; fileBytes: number; received: number; bytes: number }
  | { kind: "file"; path: string; cached: boolean }
  /** A failure that is tried again. */
  | { kind: "retry"; reason: string; delayMs: number }
  /** Another process fetches this file. */
  | { kind: "wait"; path: string }
  /** The Hub cannot be reached and the cache is used instead. */
  | { kind: "offline"; reason: string };

/** Chooses files of a listing; `read` gives the text of one, which is fetched if need be. */
export type FileSelector = (
  files: readonly RepoFile[],
  read: (path: string) => Promise<string>,
) => readonly string[] | Promise<readonly string[]>;

export interface SnapshotOptions extends HubOptions {
  /** `organisation/name`. */
  readonly repo: string;
  readonly type: RepoType;
  /** Branch, tag or commit; default `main`. */
  readonly revision?: string | undefined;
  /** Patterns of {@link matchPaths}, or a function; default everything. Pickles are left out, see `pickles`. */
  readonly allow?: readonly string[] | FileSelector | undefined;
  /**
   * `never`, the default: pickles are left out, because loading them runs code. `as_data`: they are fetched like other
   * files, for a reader that takes tensors out of them and runs nothing.
   */
  readonly pickles?: "never" | "as_data" | undefined;
  /** Hash what the cache holds again instead of trusting its size. */
  readonly verify?: boolean | undefined;
  readonly localFolderTried?: boolean | undefined;
}

export interface Snapshot {
  /** Local folder with the files under their names; it may hold more, from other fetches of the same commit. */
  readonly folder: string;
  readonly repo: string;
  readonly type: RepoType;
  readonly commit: string;
  /** Chosen paths, sorted. */
  readonly files: readonly string[];
  /** Nothing was asked of the Hub. */
  readonly offline: boolean;
}

const PICKLES = /\.(bin|pt|pth|ckpt|pkl|pickle|joblib|npy|npz|h5|msgpack)$/i;
const PARALLEL = 4;

/**
 * Brings files of a repository into the standard Hugging Face cache and returns their folder. What is there already is
 * not fetched again; an interrupted download continues where it stopped; two processes do not fetch the same file.
 *
 * @throws HubError with what to do: accept a licence, set a token, correct a name, come back later
 */
export async function fetchSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const job = new SnapshotJob(options);
  try {
    return await job.run();
  } catch (error) {
    throw explain(error, job.context);
  }
}

class SnapshotJob {
  readonly #options: SnapshotOptions;
  readonly #repo: RepoAddress;
  readonly #revision: string;
  readonly #cache: RepoCache;
  readonly #hub: HubConnection;
  #offline: boolean;
  #received = 0;
  #bytes = 0;

  constructor(options: SnapshotOptions) {
    const settings = hubSettings(options.env);
    this.#options = options;
    this.#repo = { name: checkRepoName(options.repo), type: options.type };
    this.#revision = checkRevision(options.revision ?? "main");
    this.#cache = new RepoCache(options.cacheDir ?? settings.cacheDir, this.#repo);
    this.#hub = connect(options);
    this.#offline = settings.offline;
  }

  get context() {
    return {
      repo: this.#repo.name,
      type: this.#repo.type,
      revision: this.#revision,
      endpoint: this.#hub.endpoint,
      hasToken: this.#hub.token !== undefined,
      action: "read" as const,
      localFolderTried: this.#options.localFolderTried ?? false,
    };
  }

  async run(): Promise<Snapshot> {
    const commit = await this.#commit();
    const files = await this.#list(commit);
    const byPath = new Map(files.map((file) => [file.path, file]));
    const read = async (path: string) => {
      const file = byPath.get(path);
      if (!file) throw invalid("path", `a file of ${this.#repo.name}`, path);
      return readFile(await this.#obtain(commit, file), "utf8");
    };
    const wanted = (await this.#select(files, read)).map((path) => byPath.get(path)!);
    await this.#fetchAll(commit, wanted);
    // Written last: "the latest that is whole" is what offline use goes back to.
    await this.#cache.writeRef(this.#revision, commit);
    return {
      folder: this.#cache.snapshotFolder(commit),
      repo: this.#repo.name,
      type: this.#repo.type,
      commit,
      files: wanted.map((file) => file.path).sort(),
      offline: this.#offline,
    };
  }

  async #commit(): Promise<string> {
    const cached = await this.#cache.commitOf(this.#revision);
    if (isCommit(this.#revision)) return this.#revision;
    if (!this.#offline) {
      try {
        return (await repoState(this.#hub, this.#repo, this.#revision)).commit;
      } catch (error) {
        if (!(error instanceof HubError) || !error.transient || cached === undefined) throw error;
        this.#offline = true;
        this.#options.onProgress?.({ kind: "offline", reason: error.message });
      }
    }
    if (cached !== undefined) return cached;
    throw this.#missing(`no commit is cached for revision ${JSON.stringify(this.#revision)}`);
  }

  async #list(commit: string): Promise<RepoFile[]> {
    if (!this.#offline) return listCached(this.#hub, this.#repo, { commit, cache: this.#cache });
    const known = await this.#cache.readTree(commit);
    if (known) return known;
    // Another program filled the cache and left no listing: what it holds is all that can be offered.
    const paths = await this.#cache.snapshotPaths(commit);
    if (paths.length === 0) throw this.#missing(`no file of commit ${commit} is cached`);
    return paths.map((path) => ({ path, size: -1, gitOid: "", sha256: undefined }));
  }

  async #select(files: readonly RepoFile[], read: (path: string) => Promise<string>): Promise<string[]> {
    const { allow, pickles = "never" } = this.#options;
    const paths = files.map((file) => file.path);
    const chosen =
      typeof allow === "function" ? await allow(files, read) : allow === undefined ? paths : matchPaths(paths, allow);
    const safe = [...new Set(chosen)].filter((path) => pickles === "as_data" || !PICKLES.test(path));
    if (safe.length > 0) return safe;
    const refused = chosen.length > 0 ? "; pickles (.bin, .pt, .ckpt) are never fetched" : "";
    const wish = Array.isArray(allow) ? ` that match ${allow.join(", ")}` : "";
    throw new InvalidArgumentError(
      `expected files${wish} in ${this.#repo.type} ${this.#repo.name} but received ${sample(paths)}${refused}`,
    );
  }

  async #fetchAll(commit: string, wanted: readonly RepoFile[]): Promise<void> {
    const missing: RepoFile[] = [];
    for (const file of wanted) if (!(await this.#isHere(file))) missing.push(file);
    this.#bytes = wanted.reduce((sum, file) => sum + Math.max(0, file.size), 0);
    this.#received = this.#bytes - missing.reduce((sum, file) => sum + file.size, 0);
    this.#options.onProgress?.({
      kind: "plan",
      files: wanted.length,
      bytes: this.#bytes,
      cachedBytes: this.#received,
    });
    await this.#checkSpace(missing);
    const queue = [...wanted];
    const stop = new AbortController();
    let failure: { error: unknown } | undefined;
    const worker = async () => {
      try {
        for (let file = queue.shift(); file && !stop.signal.aborted; file = queue.shift()) {
          await this.#obtain(commit, file, stop.signal);
        }
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    };
    // All workers end before this does, so that no lock and no open file outlives the call.
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    if (failure) throw failure.error;
  }

  async #isHere(file: RepoFile): Promise<boolean> {
    // Size -1: the listing was made from the cache itself.
    return file.size < 0 || (await this.#cache.hasBlob(file, false));
  }

  /** Path of the file in the snapshot; fetches it unless the cache has it. */
  async #obtain(commit: string, file: RepoFile, stop?: AbortSignal): Promise<string> {
    if (file.size < 0) return `${this.#cache.snapshotFolder(commit)}/${file.path}`;
    const cached = await this.#cache.hasBlob(file, this.#options.verify ?? false);
    if (!cached) {
      if (this.#offline) throw this.#missing(`${file.path} of commit ${commit} is not cached or damaged`);
      const signals = [stop, this.#options.signal].filter((one) => one !== undefined);
      const signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
      const onWait = () => this.#options.onProgress?.({ kind: "wait", path: file.path });
      await withLock(this.#cache.lockPath(file), { signal, onWait }, () => this.#download(commit, file, signal));
    }
    const path = await this.#cache.link(commit, file);
    this.#options.onProgress?.({ kind: "file", path: file.path, cached });
    return path;
  }

  async #download(commit: string, file: RepoFile, signal: AbortSignal | undefined): Promise<void> {
    // The process that held the lock before may have fetched it.
    if (await this.#cache.hasBlob(file, this.#options.verify ?? false)) return;
    // A content of the right size and the wrong hash was counted as received: it is taken back with the first piece.
    let last = (await this.#cache.hasBlob(file, false)) ? file.size : 0;
    await downloadBlob({
      url: resolveAddress(this.#hub.endpoint, this.#repo, { commit, path: file.path }),
      file,
      blobPath: this.#cache.blobPath(file),
      fetch: this.#hub.fetch,
      token: this.#hub.token,
      policy: this.#options.retry,
      signal,
      onRetry: (notice) => this.#options.onProgress?.({ kind: "retry", ...notice }),
      onBytes: (fileReceived) => {
        this.#received += fileReceived - last;
        last = fileReceived;
        this.#options.onProgress?.({
          kind: "bytes",
          path: file.path,
          fileReceived,
          fileBytes: file.size,
          received: this.#received,
          bytes: this.#bytes,
        });
      },
    });
  }

  async #checkSpace(missing: readonly RepoFile[]): Promise<void> {
    const distinct = new Map(missing.map((file) => [blobName(file), file.size]));
    const need = [...distinct.values()].reduce((sum, size) => sum + size, 0);
    const disk = await statfs(this.#cache.folder).catch(() => undefined);
    if (!disk || need <= disk.bavail * disk.bsize) return;
    const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
    throw new HubError(
      "no-space",
      `expected ${gigabytes(need)} GB free for ${this.#repo.name} in ${this.#cache.folder} but found ${gigabytes(disk.bavail * disk.bsize)} GB; set HF_HUB_CACHE to another disk`,
    );
  }

  #missing(what: string): HubError {
    return new HubError(
      "offline",
      `${this.#repo.type} ${this.#repo.name}: ${what} and the Hub is not asked (offline); run it once with a connection, without HF_HUB_OFFLINE`,
    );
  }
}

/** The Hub as the options and the environment say. */
export function connect(options: HubOptions): HubConnection {
  const { env, signal } = options;
  const token = options.token === undefined ? readToken(env) : options.token;
  return {
    endpoint: options.endpoint === undefined ? hubSettings(env).endpoint : checkEndpoint(options.endpoint),
    token: token === null || token === undefined ? undefined : checkToken(token, "the token"),
    fetch: retryingFetch({
      policy: options.retry,
      signal,
      onRetry: (notice) => options.onProgress?.({ kind: "retry", ...notice }),
    }),
  };
}

function sample(paths: readonly string[]): string {
  if (paths.length === 0) return "an empty repository";
  return `${paths.slice(0, 8).join(", ")}${paths.length > 8 ? `, … (${paths.length} files)` : ""}`;
}
