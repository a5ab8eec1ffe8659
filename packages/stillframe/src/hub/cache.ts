import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { getRepoFolderName } from "@huggingface/hub";
import { blobName, checkRepoFile, checkRevision, isCommit, type RepoFile, type RepoType } from "./repo-file.js";

/**
 * One repository's folder in the Hugging Face cache, laid out as Python's `huggingface_hub` lays it out, so that both
 * find the other's files:
 *
 * ```
 * models--org--name/blobs/<etag>              contents, by SHA-256 (large files) or git's SHA-1
 * models--org--name/refs/main                 the commit that a branch or tag last stood for
 * models--org--name/snapshots/<commit>/…      links to the contents under their names
 * models--org--name/trees/<commit>.json       what the commit holds (format 1 of huggingface_hub 2)
 * ```
 */
export class RepoCache {
  readonly folder: string;
  readonly #locks: string;

  constructor(cacheDir: string, repo: { name: string; type: RepoType }) {
    const name = getRepoFolderName(repo);
    this.folder = join(cacheDir, name);
    this.#locks = join(cacheDir, ".locks", name);
  }

  blobPath(file: RepoFile): string {
    return join(this.folder, "blobs", blobName(file));
  }

  /** Beside Python's own lock for the same content, which only `flock` understands. */
  lockPath(file: RepoFile): string {
    return join(this.#locks, `${blobName(file)}.stillframe.lock`);
  }

  snapshotFolder(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  /** The commit that a branch or tag stood for when it was last fetched. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readText(join(this.folder, "refs", checkRevision(revision)));
    const commit = text?.trim();
    return commit && isCommit(commit) ? commit : undefined;
  }

  async writeRef(revision: string, commit: string): Promise<void> {
    if (isCommit(revision) || (await this.commitOf(revision)) === commit) return;
    await writeWhole(join(this.folder, "refs", checkRevision(revision)), commit);
  }

  /** The listing of a commit, or `undefined` when it is not cached or of another format. */
  async readTree(commit: string): Promise<RepoFile[] | undefined> {
    const path = join(this.folder, "trees", `${commit}.json`);
    const text = await readText(path);
    if (text === undefined) return undefined;
    try {
      const tree = JSON.parse(text) as { format_version: number; files: Record<string, TreeEntry> };
      if (tree.format_version !== 1) return undefined;
      return Object.entries(tree.files).map(([name, entry]) =>
        checkRepoFile(
          { path: name, size: entry.lfs_size ?? entry.size, gitOid: entry.blob_id, sha256: entry.lfs_sha256 },
          path,
        ),
      );
    } catch {
      // A cut or foreign file: the listing is asked for again.
      return undefined;
    }
  }

  async writeTree(commit: string, files: readonly RepoFile[]): Promise<void> {
    const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
    const entries = sorted.map((file): [string, TreeEntry] => [
      file.path,
      {
        size: file.size,
        blob_id: file.gitOid,
        ...(file.sha256 !== undefined && { lfs_sha256: file.sha256, lfs_size: file.size }),
      },
    ]);
    const tree = { format_version: 1, files: Object.fromEntries(entries) };
    await writeWhole(join(this.folder, "trees", `${commit}.json`), JSON.stringify(tree, null, 1));
  }

  /** Whether the content is here with the right size; `verify` also reads and hashes it. */
  async hasBlob(file: RepoFile, verify: boolean): Promise<boolean> {
    const path = this.blobPath(file);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile() || found.size !== file.size) return false;
    return !verify || (await hashMatches(path, file));
  }

  /** Makes `snapshots/<commit>/<path>` stand for the content and returns its path. */
  async link(commit: string, file: RepoFile): Promise<string> {
    const path = join(this.snapshotFolder(commit), file.path);
    const target = relative(dirname(path), this.blobPath(file));
    if ((await readlink(path).catch(() => undefined)) === target) return path;
    await mkdir(dirname(path), { recursive: true });
    const beside = `${path}.${randomUUID().slice(0, 8)}.link`;
    try {
      await symlink(target, beside);
    } catch (error) {
      // Windows without developer mode and some network drives have no links: the content is copied, as Python does.
      if (!["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw error;
      await copyFile(this.blobPath(file), beside);
    }
    await rename(beside, path);
    return path;
  }

  /** Paths that a snapshot holds with their content, for a cache that another program filled without a listing. */
  async snapshotPaths(commit: string): Promise<string[]> {
    const folder = this.snapshotFolder(commit);
    const entries = await readdir(folder, { recursive: true }).catch(() => []);
    const paths: string[] = [];
    for (const entry of entries) {
      const found = await stat(join(folder, entry)).catch(() => undefined);
      if (found?.isFile()) paths.push(entry.replaceAll("\\", "/"));
    }
    return paths.sort();
  }
}

interface TreeEntry {
  readonly size: number;
  readonly blob_id: string;
  readonly lfs_sha256?: string;
  readonly lfs_size?: number;
}

/** A running hash of a content, of the kind under which the Hub lists it. */
export interface ContentHash {
  update(bytes: Uint8Array): void;
  /** Whether the content so far is the file's. */
  matches(): boolean;
  /** The hash of the content so far, hex. */
  received(): string;
}

/** SHA-256 for a file in large-file storage, git's SHA-1 for another. */
export function contentHash(file: RepoFile): ContentHash {
  const hash = file.sha256 === undefined ? createHash("sha1").update(`blob ${file.size}\0`) : createHash("sha256");
  let digest: string | undefined;
  const received = () => (digest ??= hash.digest("hex"));
  return {
    update: (bytes) => void hash.update(bytes),
    matches: () => received() === blobName(file),
    received,
  };
}

async function hashMatches(path: string, file: RepoFile): Promise<boolean> {
  const hash = contentHash(file);
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece);
  return hash.matches();
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await writeFile(beside, text);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}
