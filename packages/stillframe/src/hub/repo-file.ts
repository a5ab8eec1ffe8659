import { FileFormatError, invalid } from "@stillframe/torch/errors";

export type RepoType = "model" | "dataset";

/** A file of a repository at one commit, as the Hub lists it. */
export interface RepoFile {
  /** Path inside the repository, with `/`. */
  readonly path: string;
  /** Bytes of the content (not of the pointer that git holds for a large file). */
  readonly size: number;
  /** SHA-1 that git gives the file (of the pointer, for a large file), hex. */
  readonly gitOid: string;
  /** SHA-256 of the content, hex; only for files in large-file storage. */
  readonly sha256: string | undefined;
}

/** The name of the file's content in the cache, which is also its ETag on the Hub. */
export function blobName(file: RepoFile): string {
  return file.sha256 ?? file.gitOid;
}

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?$/;

/** Whether a text has the form `organisation/name` of a repository. */
export function isRepoName(text: string): boolean {
  const parts = text.split("/");
  return parts.length === 2 && parts.every((part) => NAME.test(part) && !/--|\.\./.test(part)) && text.length <= 96;
}

export function checkRepoName(repo: string): string {
  if (!isRepoName(repo)) throw invalid("repo", "the name of a repository in the form organisation/name", repo);
  return repo;
}

/** A branch, tag or commit; it becomes a path under `refs/`, so it must stay inside. */
export function checkRevision(revision: string): string {
  const parts = revision.split("/");
  if (!/^[\w./+@-]+$/.test(revision) || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw invalid("revision", "the name of a branch or tag, or a commit", revision);
  }
  return revision;
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * Refuses a listing that would write outside the cache: names come from the repository's owner and become paths here.
 * On Windows, where they separate folders and drives, a backslash and a colon are refused too.
 */
export function checkRepoFile(file: RepoFile, source: string): RepoFile {
  const bad = (problem: string) => new FileFormatError(source, problem);
  const parts = file.path.split("/");
  const separators = process.platform === "win32" ? ["\0", "\\", ":"] : ["\0"];
  if (
    parts.some((part) => part === "" || part === "." || part === "..") ||
    separators.some((one) => file.path.includes(one))
  ) {
    throw bad(`expected a path that stays inside the repository for a file but received ${JSON.stringify(file.path)}`);
  }
  if (!Number.isSafeInteger(file.size) || file.size < 0) {
    throw bad(`expected a number of bytes for the size of ${file.path} but received ${String(file.size)}`);
  }
  if (!/^[0-9a-f]{40}$/.test(file.gitOid)) {
    throw bad(`expected 40 hexadecimal digits for the oid of ${file.path} but received ${String(file.gitOid)}`);
  }
  if (file.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(file.sha256)) {
    throw bad(`expected 64 hexadecimal digits for the sha256 of ${file.path} but received ${String(file.sha256)}`);
  }
  return file;
}
