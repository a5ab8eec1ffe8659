import type { IncomingHttpHeaders } from "node:http";
import type { RepoType } from "../repo-file.js";
import { ranged } from "./storage-routes.js";
import { gitOid, isLarge, type StoredFile, StoredRepo, sha256, treeEntry } from "./stored-repo.js";

export interface ServerState {
  readonly repos: Map<string, StoredRepo>;
  /** Uploaded large files by SHA-256. */
  readonly objects: Map<string, Buffer>;
  readonly parts: Map<string, Buffer>;
  readonly tokens: Readonly<Record<string, { name: string; role: "read" | "write" }>>;
  readonly lfsFrom: number;
  readonly partSize: number;
  readonly treePage: number;
  endpoint: string;
  storage: string;
}

export interface RepoRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

type User = { name: string; role: "read" | "write" } | undefined;

/** The routes of huggingface.co. */
export function serveRepo(state: ServerState, request: RepoRequest): Answer {
  const { method, url, headers } = request;
  const token = headers.authorization?.replace(/^Bearer /, "");
  const user: User = token === undefined ? undefined : state.tokens[token];
  if (token !== undefined && !user) return refuse(401, "Invalid credentials in Authorization header");
  const path = decodeURIComponent(url.pathname);
  if (path === "/api/whoami-v2") return user ? json(whoAmI(user)) : refuse(401, "Invalid username or password.");
  if (method === "POST" && path === "/api/repos/create") return createRepo(state, user, request.body);

  const api = /^\/api\/(models|datasets)\/([^/]+\/[^/]+)(?:\/([a-z-]+)(?:\/(.+))?)?$/.exec(path);
  if (api) {
    const [, types = "", name = "", verb = "", rest = ""] = api;
    return withRepo(state, { key: `${types}/${name}`, user }, (repo) =>
      serveApi(state, { repo, user, verb, rest, request }),
    );
  }
  const lfs = /^\/(datasets\/)?([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path);
  if (lfs && method === "POST") {
    const key = `${lfs[1] ? "datasets" : "models"}/${lfs[2]}`;
    return withRepo(state, { key, user }, () =>
      mayWrite(user) ? lfsBatch(state, request.body) : refuse(403, "You have no write access"),
    );
  }
  const file = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  if (file && (method === "GET" || method === "HEAD")) {
    const key = `${file[1] ? "datasets" : "models"}/${file[2]}`;
    const [revision, name] = [decodeURIComponent(file[3]!), decodeURIComponent(file[4]!)];
    return withRepo(state, { key, user }, (repo) => resolve(state, { repo, revision, path: name, request }));
  }
  return refuse(404, "Sorry, we can't find the page you are looking for.");
}

function withRepo(
  state: ServerState,
  { key, user }: { key: string; user: User },
  serve: (repo: StoredRepo) => Answer,
): Answer {
  const repo = state.repos.get(key);
  const hidden = !repo || (repo.private && !user);
  if (hidden) {
    // Like the Hub: who is not known is not told whether a repository exists.
    return refuse(user ? 404 : 401, "Repository not found", { "x-error-code": "RepoNotFound" });
  }
  return serve(repo);
}

interface ApiCall {
  readonly repo: StoredRepo;
  readonly user: User;
  readonly verb: string;
  readonly rest: string;
  readonly request: RepoRequest;
}

function serveApi(state: ServerState, call: ApiCall): Answer {
  const { repo, user, verb, rest, request } = call;
  const { method } = request;
  if (method === "GET" && (verb === "" || verb === "revision")) return info(repo, rest || "main");
  if (method === "GET" && verb === "tree") return gate(call) ?? tree(state, call);
  if (method === "POST" && verb === "paths-info") return gate(call) ?? pathsInfo(repo, rest, request.body);
  if (method === "POST" && (verb === "preupload" || verb === "commit")) {
    if (!mayWrite(user)) return refuse(user ? 403 : 401, "You don't have the rights to write here");
    return verb === "preupload"
      ? preupload(state, request.body)
      : commit(state, { repo, branch: rest, body: request.body });
  }
  return refuse(404, "no such route");
}

/** A gated repository shows its page to all and its files to those who accepted its licence. */
function gate({ repo, user }: { repo: StoredRepo; user: User }): Answer | undefined {
  if (!repo.gated || user?.name === "accepted") return undefined;
  return refuse(user ? 403 : 401, `Access to ${repo.type} ${repo.name} is restricted.`, {
    "x-error-code": "GatedRepo",
  });
}

function info(repo: StoredRepo, revision: string): Answer {
  const sha = repo.resolve(revision);
  if (!sha) return refuse(404, `Invalid rev id: ${revision}`, { "x-error-code": "RevisionNotFound" });
  const siblings = [...repo.commits.get(sha)!.keys()].map((rfilename) => ({ rfilename }));
  const lastModified = new Date(0).toISOString();
  return json({
    _id: "1",
    id: repo.name,
    sha,
    private: repo.private,
    gated: repo.gated,
    lastModified,
    downloads: 0,
    likes: 0,
    siblings,
  });
}

function tree(state: ServerState, { repo, rest, request }: ApiCall): Answer {
  const sha = repo.resolve(rest);
  if (!sha) return refuse(404, `Invalid rev id: ${rest}`, { "x-error-code": "RevisionNotFound" });
  const files = [...repo.commits.get(sha)!];
  const folders = new Set(files.flatMap(([path]) => (path.includes("/") ? [path.slice(0, path.indexOf("/"))] : [])));
  const entries = [
    ...[...folders].map((path) => ({ type: "directory", oid: gitOid(Buffer.from(path)), size: 0, path })),
    ...files.map(([path, file]) => treeEntry(path, file)),
  ];
  const from = Number(request.url.searchParams.get("cursor") ?? 0);
  const to = from + state.treePage;
  const next = new URL(request.url);
  next.searchParams.set("cursor", String(to));
  const link = to < entries.length ? { link: `<${next.href}>; rel="next"` } : {};
  return json(entries.slice(from, to), 200, link);
}

function pathsInfo(repo: StoredRepo, revision: string, body: Buffer): Answer {
  const sha = repo.resolve(revision);
  if (!sha) return refuse(404, `Invalid rev id: ${revision}`, { "x-error-code": "RevisionNotFound" });
  const { paths } = JSON.parse(body.toString()) as { paths: string[] };
  const files = repo.commits.get(sha)!;
  return json(paths.flatMap((path) => (files.has(path) ? [treeEntry(path, files.get(path)!)] : [])));
}

function createRepo(state: ServerState, user: User, body: Buffer): Answer {
  if (!user) return refuse(401, "Invalid username or password.");
  const wish = JSON.parse(body.toString()) as {
    name: string;
    organization: string;
    type: RepoType;
    visibility?: string;
  };
  if (!mayWrite(user)) return refuse(403, `You don't have the rights to create a ${wish.type} under this namespace`);
  const name = `${wish.organization}/${wish.name}`;
  const key = `${wish.type}s/${name}`;
  if (state.repos.has(key)) return refuse(409, `You already created this ${wish.type} repo`);
  state.repos.set(key, new StoredRepo(name, { type: wish.type, private: wish.visibility === "private" }));
  return json({ url: `${state.endpoint}/${name}`, id: name });
}

function preupload(state: ServerState, body: Buffer): Answer {
  const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number; sample: string }[] };
  const mode = (path: string, size: number) => (isLarge(path, size, state.lfsFrom) ? "lfs" : "regular");
  return json({ files: files.map(({ path, size }) => ({ path, uploadMode: mode(path, size), shouldIgnore: false })) });
}

function lfsBatch(state: ServerState, body: Buffer): Answer {
  const batch = JSON.parse(body.toString()) as { transfers: string[]; objects: { oid: string; size: number }[] };
  const sign = (path: string) => `${state.storage}/${path}?signature=secret-of-the-storage`;
  const objects = batch.objects.map(({ oid, size }) => {
    if (state.objects.has(oid)) return { oid, size };
    if (size < state.partSize) return { oid, size, actions: { upload: { href: sign(`object/${oid}`) } } };
    const header: Record<string, string> = { chunk_size: String(state.partSize) };
    for (let part = 1; part <= Math.ceil(size / state.partSize); part++) {
      header[String(part).padStart(5, "0")] = sign(`part/${oid}/${part}`);
    }
    return { oid, size, actions: { upload: { href: sign(`complete/${oid}`), header } } };
  });
  return json({ transfer: batch.transfers.includes("xet") ? "xet" : "basic", objects });
}

function commit(
  state: ServerState,
  { repo, branch, body }: { repo: StoredRepo; branch: string; body: Buffer },
): Answer {
  const lines = body
    .toString()
    .split("\n")
    .map((line) => JSON.parse(line) as { key: string; value: Record<string, string> });
  const files = new Map<string, StoredFile>(repo.commits.get(repo.refs.get(branch)!));
  let title = "";
  for (const { key, value } of lines) {
    if (key === "header") title = value.summary!;
    else if (key === "file") files.set(value.path!, { content: Buffer.from(value.content!, "base64"), lfs: false });
    else if (key === "deletedFile") files.delete(value.path!);
    else if (key === "lfsFile") {
      const content = state.objects.get(value.oid!);
      if (!content || sha256(content) !== value.oid) return refuse(400, `LFS object ${value.oid} was not uploaded`);
      files.set(value.path!, { content, lfs: true });
    } else return refuse(400, `unknown operation ${key}`);
  }
  const commitOid = repo.commit(files, { title, branch });
  return json({
    success: true,
    commitOid,
    commitUrl: `${state.endpoint}/${repo.name}/commit/${commitOid}`,
    hookOutput: "",
  });
}

function resolve(
  state: ServerState,
  { repo, revision, path, request }: { repo: StoredRepo; revision: string; path: string; request: RepoRequest },
): Answer {
  const sha = repo.resolve(revision);
  if (!sha) return refuse(404, `Invalid rev id: ${revision}`, { "x-error-code": "RevisionNotFound" });
  const token = request.headers.authorization?.replace(/^Bearer /, "");
  const closed = gate({ repo, user: token === undefined ? undefined : state.tokens[token] });
  if (closed) return closed;
  const file = repo.commits.get(sha)!.get(path);
  if (!file) return refuse(404, "Entry not found", { "x-error-code": "EntryNotFound", "x-repo-commit": sha });
  const headers = { "x-repo-commit": sha };
  if (!file.lfs) return ranged(file.content, request.headers.range, { ...headers, etag: `"${gitOid(file.content)}"` });
  const oid = sha256(file.content);
  const location = `${state.storage}/object/${oid}?signature=secret-of-the-storage`;
  const linked = { "x-linked-etag": `"${oid}"`, "x-linked-size": String(file.content.length) };
  return { status: 302, headers: { ...headers, ...linked, location }, body: Buffer.alloc(0) };
}

function whoAmI(user: { name: string; role: string }): unknown {
  const accessToken = { displayName: "test", role: user.role, createdAt: new Date(0).toISOString() };
  return {
    type: "user",
    id: "1",
    name: user.name,
    fullname: user.name,
    orgs: [],
    auth: { type: "access_token", accessToken },
  };
}

function mayWrite(user: User): boolean {
  return user?.role === "write";
}

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(value)),
  };
}

function refuse(status: number, error: string, headers: Record<string, string> = {}): Answer {
  return json({ error }, status, { "x-error-message": error, ...headers });
}
