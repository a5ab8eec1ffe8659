import { datasetInfo, listFiles, modelInfo } from "@huggingface/hub";
import type { RepoCache } from "./cache.js";
import { HubError } from "./hub-error.js";
import { checkRepoFile, isCommit, type RepoFile, type RepoType } from "./repo-file.js";

/** Everything a request to the Hub needs. */
export interface HubConnection {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly fetch: typeof fetch;
}

export interface RepoAddress {
  readonly name: string;
  readonly type: RepoType;
}

export interface RepoState {
  /** Commit that the revision stands for. */
  readonly commit: string;
  readonly private: boolean;
}

/** What a branch, tag or commit stands for now, from the Hub. */
export async function repoState(hub: HubConnection, repo: RepoAddress, revision: string): Promise<RepoState> {
  const params = { name: repo.name, revision, additionalFields: ["sha" as const], ...clientOptions(hub) };
  const info = repo.type === "model" ? await modelInfo(params) : await datasetInfo(params);
  if (typeof info.sha !== "string" || !isCommit(info.sha)) {
    throw new HubError(
      "protocol",
      `expected a commit for ${repo.name} from ${hub.endpoint} but received ${String(info.sha)}`,
    );
  }
  return { commit: info.sha, private: info.private === true };
}

/** All files of a commit, from the Hub. */
export async function listCommit(hub: HubConnection, repo: RepoAddress, commit: string): Promise<RepoFile[]> {
  const files: RepoFile[] = [];
  const entries = listFiles({ repo, recursive: true, revision: commit, ...clientOptions(hub) });
  for await (const entry of entries) {
    if (entry.type !== "file") continue;
    files.push(
      checkRepoFile(
        { path: entry.path, size: entry.lfs?.size ?? entry.size, gitOid: entry.oid ?? "", sha256: entry.lfs?.oid },
        `the listing of ${repo.name}`,
      ),
    );
  }
  return files;
}

/** All files of a commit, from the cache if it was listed before: a commit never changes. */
export async function listCached(
  hub: HubConnection,
  repo: RepoAddress,
  { commit, cache }: { commit: string; cache: RepoCache },
): Promise<RepoFile[]> {
  const known = await cache.readTree(commit);
  if (known) return known;
  const files = await listCommit(hub, repo, commit);
  await cache.writeTree(commit, files);
  return files;
}

/** The same settings in the words of `@huggingface/hub`. */
export function clientOptions(hub: HubConnection): { hubUrl: string; fetch: typeof fetch; accessToken?: string } {
  return { hubUrl: hub.endpoint, fetch: hub.fetch, ...(hub.token && { accessToken: hub.token }) };
}

/** Address of one file's content; each part of its path is escaped (`#`, `?`, spaces). */
export function resolveAddress(
  endpoint: string,
  repo: RepoAddress,
  { commit, path }: { commit: string; path: string },
) {
  const prefix = repo.type === "dataset" ? "datasets/" : "";
  return `${endpoint}/${prefix}${repo.name}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}
