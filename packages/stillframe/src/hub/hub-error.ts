/** What went wrong between this machine and the Hub, so that a caller can act on it. */
export type HubErrorKind =
  /** No token, or one that the Hub does not accept. */
  | "unauthorized"
  /** The licence of a gated repository was not accepted by the token's owner. */
  | "gated"
  /** The token is good but may not do this. */
  | "forbidden"
  | "not-found"
  | "conflict"
  | "rate-limited"
  /** The Hub failed (5xx) and went on failing. */
  | "server"
  /** The Hub cannot be reached, or the connection keeps breaking. */
  | "network"
  /** What arrived is not what the Hub announced. */
  | "integrity"
  /** Offline, and the cache lacks something. */
  | "offline"
  | "no-space"
  /** Any other refusal or an answer that is not the Hub's protocol. */
  | "protocol";

/** An error of the Hub or on the way to it. Its message holds no token and no signed address. */
export class HubError extends Error {
  override readonly name = "HubError";
  readonly kind: HubErrorKind;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** The Hub's own `X-Error-Code`, such as `RevisionNotFound`. */
  readonly code: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: HubErrorKind,
    message: string,
    details: { status?: number; code?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** Whether asking again later can help. */
  get transient(): boolean {
    return this.kind === "network" || this.kind === "server" || this.kind === "rate-limited";
  }
}

/** What was being asked for, to tell a person what to do about a refusal. */
export interface RequestContext {
  readonly repo: string;
  readonly type: "model" | "dataset";
  readonly revision?: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
  readonly action: "read" | "write";
  /** The caller looked for a folder of this name first; a "not found" then says so. */
  readonly localFolderTried?: boolean;
}

/** The same failure in terms of the repository: what to do about a 401, 403 or 404. Other values pass through. */
export function explain(error: unknown, context: RequestContext): unknown {
  if (!(error instanceof HubError) || error.status === undefined) return error;
  const message = advice(error, context);
  if (message === undefined) return error;
  const kind = error.code === "GatedRepo" ? "gated" : error.code === "RepoNotFound" ? "not-found" : error.kind;
  return new HubError(kind, message, { status: error.status, ...(error.code && { code: error.code }), cause: error });
}

function advice(error: HubError, context: RequestContext): string | undefined {
  const { repo, type, endpoint, hasToken, action } = context;
  const page = `${endpoint}/${type === "dataset" ? "datasets/" : ""}${repo}`;
  const login = "set HF_TOKEN (or run `hf auth login`)";
  if (error.code === "GatedRepo") {
    const token = hasToken ? "with the account whose token is in use" : `and ${login}`;
    return `${type} ${repo} is gated: accept its licence at ${page} ${token}`;
  }
  if (error.code === "RevisionNotFound") {
    return `expected a branch, tag or commit of ${type} ${repo} for revision but received ${JSON.stringify(context.revision ?? "main")}, which ${endpoint} does not have`;
  }
  if (error.status === 404 || error.code === "RepoNotFound") {
    const local = context.localFolderTried ? ", and there is no local folder of that name" : "";
    const secret = hasToken ? "the token in use may not see it" : `if it is private or gated, ${login}`;
    const revision = context.revision ? ` (revision ${JSON.stringify(context.revision)})` : "";
    return `${type} ${repo}${revision} was not found at ${endpoint}${local}; ${secret}`;
  }
  if (error.status === 401) {
    return hasToken
      ? `${endpoint} does not accept the token in use for ${repo}: make a new one at ${endpoint}/settings/tokens and ${login}`
      : `${endpoint} asks for a token to ${action} ${repo}: ${login}`;
  }
  if (error.status === 403) {
    const need = action === "write" ? "a token with write access to this namespace" : "a token with read access to it";
    return `${endpoint} refuses to ${action} ${repo} with the token in use: expected ${need} (${endpoint}/settings/tokens)`;
  }
  return undefined;
}
