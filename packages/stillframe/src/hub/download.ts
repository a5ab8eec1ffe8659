import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContentHash, contentHash } from "./cache.js";
import { HubError } from "./hub-error.js";
import { blobName, type RepoFile } from "./repo-file.js";
import { backoff, defaultRetryPolicy, networkError, type RetryPolicy } from "./retrying-fetch.js";

export interface DownloadOptions {
  /** Address of the file at the Hub (`…/resolve/<commit>/<path>`); large files are redirected elsewhere from there. */
  readonly url: string;
  readonly file: RepoFile;
  /** Where the content goes; until it is whole and right it is `<blobPath>.incomplete`. */
  readonly blobPath: string;
  /** A fetch that repeats requests by itself; broken bodies are resumed here. */
  readonly fetch: typeof fetch;
  readonly token: string | undefined;
  readonly policy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that are on disk by now, those of an earlier run included. */
  readonly onBytes?: (received: number) => void;
  readonly onRetry?: (notice: { reason: string; delayMs: number }) => void;
}

/**
 * Fetches one file into the cache. A part that is there already is continued with a Range request; size and hash are
 * checked against the listing before the content gets its name. What the server announces is never believed: too few
 * bytes are asked for again, too many or a wrong hash are an error and nothing is kept.
 */
export async function downloadBlob(options: DownloadOptions): Promise<void> {
  const { file, blobPath, signal } = options;
  const policy = { ...defaultRetryPolicy, ...options.policy };
  const part = `${blobPath}.incomplete`;
  await mkdir(dirname(blobPath), { recursive: true });
  let state = await partialOf(part, file);
  let resumed = state.size > 0;
  let failures = 0;
  for (;;) {
    const before = state.size;
    try {
      const broken = await receive(options, { part, state, policy });
      if (broken === undefined) {
        checkContent(state, file);
        await rename(part, blobPath);
        return;
      }
      failures = state.size > before ? 1 : failures + 1;
      if (failures >= policy.attempts) throw broken;
      const delayMs = backoff(failures, policy);
      options.onRetry?.({ reason: broken.message, delayMs });
      await sleep(delayMs, undefined, signal ? { signal } : {});
    } catch (error) {
      if (!(error instanceof HubError) || error.kind !== "integrity") throw error;
      await rm(part, { force: true });
      // A part from an earlier run may be what is wrong: the file is fetched once more from its beginning.
      if (!resumed) throw error;
      resumed = false;
      state = await partialOf(part, file);
    }
  }
}

/** What is on disk of a file: its bytes and their running hash. */
interface PartialFile {
  size: number;
  hash: ContentHash;
}

async function partialOf(part: string, file: RepoFile): Promise<PartialFile> {
  const state: PartialFile = { size: 0, hash: contentHash(file) };
  const found = await stat(part).catch(() => undefined);
  if (!found) return state;
  if (found.size > file.size) {
    await rm(part, { force: true });
    return state;
  }
  for await (const piece of createReadStream(part, { highWaterMark: 1 << 20 })) {
    state.hash.update(piece);
    state.size += piece.length;
  }
  return state;
}

/** Appends what is missing. Returns the reason when the connection broke on the way; throws for anything worse. */
async function receive(
  options: DownloadOptions,
  { part, state, policy }: { part: string; state: PartialFile; policy: RetryPolicy },
): Promise<HubError | undefined> {
  const { file, signal } = options;
  if (state.size === file.size && file.size > 0) return undefined;
  const stop = new AbortController();
  const response = await request(options, state.size, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  try {
    const start = startOf(response, file, state.size);
    if (start === 0) Object.assign(state, { size: 0, hash: contentHash(file) });
    const out = await open(part, start === 0 ? "w" : "a");
    try {
      for await (const piece of pieces(response, file, { policy, signal })) {
        if (piece instanceof HubError) return piece;
        if (state.size + piece.byteLength > file.size) {
          throw wrong(file, `${file.size} bytes`, `at least ${state.size + piece.byteLength}`);
        }
        await out.appendFile(piece);
        state.hash.update(piece);
        state.size += piece.byteLength;
        options.onBytes?.(state.size);
      }
      await out.sync();
    } finally {
      await out.close();
    }
    if (state.size === file.size) return undefined;
    return new HubError("network", `${file.path}: the answer ended after ${state.size} of ${file.size} bytes`);
  } finally {
    stop.abort();
  }
}

/** Follows redirects itself: the token goes to the Hub alone, never to the storage that the Hub points to. */
async function request(options: DownloadOptions, offset: number, signal: AbortSignal): Promise<Response> {
  const home = new URL(options.url).origin;
  let url = new URL(options.url);
  for (let hop = 0; hop < 6; hop++) {
    const response = await options.fetch(url, {
      redirect: "manual",
      signal,
      headers: {
        // Without this the Hub may compress a text, and its length is then not the file's.
        "accept-encoding": "identity",
        ...(offset > 0 && { range: `bytes=${offset}-` }),
        ...(options.token && url.origin === home && { authorization: `Bearer ${options.token}` }),
      },
    });
    checkAnnouncement(response, options.file);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || !location) return response;
    await response.body?.cancel();
    url = new URL(location, url);
  }
  throw new HubError("protocol", `expected an answer for ${options.file.path} but received more than 5 redirects`);
}

/** The Hub repeats a file's size and hash in its answer: they must be those of the listing, which is of one commit. */
function checkAnnouncement({ headers }: Response, file: RepoFile): void {
  const size = headers.get("x-linked-size");
  if (size !== null && Number(size) !== file.size) throw wrong(file, `${file.size} bytes`, `an answer of ${size}`);
  const etag = headers.get("x-linked-etag")?.replace(/^W\//, "").replaceAll('"', "");
  if (etag && /^[0-9a-f]+$/.test(etag) && etag !== blobName(file)) {
    throw wrong(file, `content ${blobName(file)}`, `content ${etag}`);
  }
}

/** The position in the file at which the answer's body begins. */
function startOf(response: Response, file: RepoFile, offset: number): number {
  const { status, headers } = response;
  if (status === 416) throw wrong(file, `bytes from ${offset} on`, "the answer that there are none");
  const length = headers.get("content-length");
  if (status === 206) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    const total = range?.[3] === "*" ? file.size : Number(range?.[3]);
    if (!range || Number(range[1]) !== offset || total !== file.size) {
      throw wrong(
        file,
        `bytes ${offset}-${file.size - 1}/${file.size}`,
        headers.get("content-range") ?? "no content-range",
      );
    }
    return offset;
  }
  if (status !== 200) throw new HubError("protocol", `expected a file for ${file.path} but received status ${status}`);
  // A server that does not know Range sends the whole file again.
  if (length !== null && headers.get("content-encoding") === null && Number(length) !== file.size) {
    throw wrong(file, `${file.size} bytes (as the repository lists it)`, `a content-length of ${length}`);
  }
  return 0;
}

/** The body's pieces, then the reason if it broke off; a pause of more than `stallMs` counts as a broken connection. */
async function* pieces(
  response: Response,
  file: RepoFile,
  { policy, signal }: { policy: RetryPolicy; signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array | HubError> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const stall = new AbortController();
      const paused = sleep(policy.stallMs, undefined, { signal: stall.signal }).then(
        () => {
          throw new HubError("network", `${file.path}: no data for ${policy.stallMs / 1_000} s`);
        },
        () => new Promise<never>(() => {}),
      );
      const next = await Promise.race([reader.read(), paused]).finally(() => stall.abort());
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    yield error instanceof HubError ? error : networkError(error, `the download of ${file.path}`);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function checkContent({ hash }: PartialFile, file: RepoFile): void {
  if (hash.matches()) return;
  throw wrong(file, `${file.sha256 === undefined ? "git SHA-1" : "SHA-256"} ${blobName(file)}`, hash.received());
}

function wrong(file: RepoFile, expected: string, received: string): HubError {
  return new HubError("integrity", `expected ${expected} for ${file.path} but received ${received}`);
}
