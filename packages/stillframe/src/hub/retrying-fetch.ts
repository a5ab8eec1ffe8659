import { setTimeout as sleep } from "node:timers/promises";
import { HubError, type HubErrorKind } from "./hub-error.js";
import { redact } from "./token.js";

/** How long to go on asking. */
export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Wait before the second try, in milliseconds; doubled for each further one. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A `Retry-After` that is longer ends in an error that tells it, in milliseconds. */
  readonly maxRetryAfterMs: number;
  /** Time for an answer to begin, and for each piece of a download to arrive, in milliseconds. */
  readonly stallMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 6,
  baseDelayMs: 1_000,
  maxDelayMs: 30_000,
  maxRetryAfterMs: 300_000,
  stallMs: 60_000,
};

/** One line for a person who waits: why, and for how long. */
export interface RetryNotice {
  readonly reason: string;
  readonly delayMs: number;
}

export interface RetryingFetchOptions {
  readonly policy?: Partial<RetryPolicy> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

/**
 * A `fetch` that asks again after a broken connection, 408, 5xx (waiting longer each time) and 429 (as long as
 * `Retry-After` says), and throws a {@link HubError} for what remains a refusal. Redirects (3xx) and 416 are returned.
 *
 * A commit is not repeated after a failure whose outcome is unknown: the Hub may have made it. The caller looks first.
 */
export function retryingFetch(options: RetryingFetchOptions = {}): typeof fetch {
  const policy = { ...defaultRetryPolicy, ...options.policy };
  return async (input, init) => {
    const url = addressOf(input);
    const method = (init?.method ?? (input instanceof Request ? input.method : "GET")).toUpperCase();
    const once = method === "POST" && /\/commit\/[^/]+$/.test(url.pathname);
    for (let attempt = 1; ; attempt++) {
      const failure = await tryOnce(input, init, { url, method, policy, signal: options.signal });
      if (failure instanceof Response) return failure;
      const last = attempt >= policy.attempts || !failure.transient || (once && failure.kind !== "rate-limited");
      const delayMs = (failure.retryAfterSeconds ?? 0) * 1_000 || backoff(attempt, policy);
      if (last || delayMs > policy.maxRetryAfterMs) throw failure;
      options.onRetry?.({ reason: failure.message, delayMs });
      await sleep(delayMs, undefined, options.signal ? { signal: options.signal } : {});
    }
  };
}

/** Milliseconds before try `attempt + 1`: doubled each time, up to a quarter less at random so that clients spread. */
export function backoff(attempt: number, policy: RetryPolicy): number {
  const delay = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempt - 1));
  return Math.round(delay * (1 - Math.random() / 4));
}

interface Attempt {
  readonly url: URL;
  readonly method: string;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal | undefined;
}

async function tryOnce(
  input: string | URL | Request,
  init: RequestInit | undefined,
  { url, method, policy, signal }: Attempt,
): Promise<Response | HubError> {
  const place = `${method} ${url.origin}${url.pathname}`;
  const stall = new AbortController();
  // An upload is answered after its body was read, so only requests without a body must be answered soon.
  const timer = init?.body ? undefined : setTimeout(() => stall.abort(), policy.stallMs);
  const signals = [stall.signal, signal, init?.signal].filter((one) => one != null);
  try {
    const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) });
    if (response.ok || (response.status >= 300 && response.status < 400) || response.status === 416) return response;
    return await refusal(response, place);
  } catch (error) {
    signal?.throwIfAborted();
    init?.signal?.throwIfAborted();
    if (stall.signal.aborted) {
      return new HubError("network", `no answer within ${policy.stallMs / 1_000} s to ${place}`, { cause: error });
    }
    return networkError(error, place);
  } finally {
    clearTimeout(timer);
  }
}

/** A broken or refused connection; the system's reason (`ECONNREFUSED`, `other side closed`) is in the cause of `fetch`'s. */
export function networkError(error: unknown, place: string): HubError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new HubError("network", redact(`the connection failed (${reason}) in ${place}`), { cause: error });
}

const KINDS: Readonly<Record<number, HubErrorKind>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  408: "network",
  409: "conflict",
  412: "conflict",
  429: "rate-limited",
};

async function refusal(response: Response, place: string): Promise<HubError> {
  const { status, headers } = response;
  const kind = KINDS[status] ?? (status >= 500 ? "server" : "protocol");
  const code = headers.get("x-error-code");
  const retryAfterSeconds = kind === "rate-limited" || status === 503 ? retryAfter(headers) : undefined;
  const said = redact((await saidBy(response)).trim()).slice(0, 500);
  const wait = retryAfterSeconds === undefined ? "" : `; it asks to wait ${Math.ceil(retryAfterSeconds)} s`;
  return new HubError(kind, `the Hub answered ${status}${said ? ` (${said})` : ""} to ${place}${wait}`, {
    status,
    ...(code && { code }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** The reason in the answer: the header, `{"error": …}` of a JSON body, or a short plain text (never an HTML page). */
async function saidBy(response: Response): Promise<string> {
  const header = response.headers.get("x-error-message");
  let body = "";
  try {
    body = await response.text();
  } catch {
    // The connection broke inside the error's own text: the status says enough.
  }
  if (header) return header;
  const type = response.headers.get("content-type") ?? "";
  if (!type.includes("json")) return type.startsWith("text/plain") ? body : "";
  try {
    const json: unknown = JSON.parse(body);
    const said = typeof json === "object" && json !== null ? ((json as { error?: unknown }).error ?? "") : "";
    return typeof said === "string" ? said : JSON.stringify(said);
  } catch {
    return "";
  }
}

/** Seconds to wait, from `Retry-After` (seconds or a date) or the `RateLimit` header's `t`. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value && /^\d+(\.\d+)?$/.test(value)) return Number(value);
  if (value && !Number.isNaN(Date.parse(value))) return Math.max(0, (Date.parse(value) - Date.now()) / 1_000);
  const reset = /;\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)/.exec(headers.get("ratelimit") ?? "");
  return reset ? Number(reset[1]) : undefined;
}

function addressOf(input: string | URL | Request): URL {
  return new URL(input instanceof Request ? input.url : input);
}
