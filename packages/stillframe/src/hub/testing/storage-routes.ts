import type { Answer, RepoRequest, ServerState } from "./repo-routes.js";
import { sha256 } from "./stored-repo.js";

/** The large-file storage: signed addresses, no tokens; downloads with ranges, uploads whole or in parts. */
export function serveStorage(
  state: ServerState,
  { method, url, headers, body, ranged }: RepoRequest & { ranged: boolean },
): Answer {
  if (headers.authorization) return plain(400, "a token was sent to the storage");
  if (!url.searchParams.has("signature")) return plain(403, "no signature");
  const [, action, oid = "", part] = url.pathname.split("/");
  if ((method === "GET" || method === "HEAD") && action === "object")
    return download(state, { oid, range: ranged ? headers.range : undefined });
  if (method === "PUT" && action === "object") {
    if (sha256(body) !== oid) return plain(400, "the content does not have this SHA-256");
    state.objects.set(oid, body);
    return plain(200, "");
  }
  if (method === "PUT" && action === "part") {
    state.parts.set(`${oid}/${part}`, body);
    return plain(200, "", { etag: `"${sha256(body).slice(0, 32)}"` });
  }
  if (method === "POST" && action === "complete") return complete(state, oid, body);
  return plain(404, "no such object");
}

export function download(state: ServerState, { oid, range }: { oid: string; range: string | undefined }): Answer {
  const content = state.objects.get(oid) ?? contentOf(state, oid);
  if (!content) return plain(404, "no such object");
  return ranged(content, range, { etag: `"${oid}"` });
}

/** A content or the part that `Range` asks for. */
export function ranged(content: Buffer, range: string | undefined, headers: Record<string, string>): Answer {
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  const all = { ...headers, "accept-ranges": "bytes", "content-type": "application/octet-stream" };
  if (!match) return { status: 200, headers: all, body: content };
  const start = Number(match[1]);
  const end = match[2] ? Math.min(Number(match[2]), content.length - 1) : content.length - 1;
  if (start >= content.length) {
    return { status: 416, headers: { ...all, "content-range": `bytes */${content.length}` }, body: Buffer.alloc(0) };
  }
  const span = `bytes ${start}-${end}/${content.length}`;
  return { status: 206, headers: { ...all, "content-range": span }, body: content.subarray(start, end + 1) };
}

function complete(state: ServerState, oid: string, body: Buffer): Answer {
  const { parts } = JSON.parse(body.toString()) as { parts: { partNumber: number; etag: string }[] };
  const pieces = parts.map(({ partNumber }) => state.parts.get(`${oid}/${partNumber}`));
  if (pieces.some((piece) => piece === undefined)) return plain(400, "a part is missing");
  const content = Buffer.concat(pieces as Buffer[]);
  if (sha256(content) !== oid) return plain(400, "the parts do not make this SHA-256");
  state.objects.set(oid, content);
  return plain(200, "{}", { "content-type": "application/json" });
}

function contentOf(state: ServerState, oid: string): Buffer | undefined {
  for (const repo of state.repos.values()) {
    for (const files of repo.commits.values()) {
      for (const file of files.values()) if (file.lfs && sha256(file.content) === oid) return file.content;
    }
  }
  return undefined;
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Answer {
  return { status, headers: { "content-type": "text/plain", ...headers }, body: Buffer.from(text) };
}
