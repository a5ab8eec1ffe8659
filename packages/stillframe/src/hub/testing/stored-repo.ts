import { createHash } from "node:crypto";
import type { RepoType } from "../repo-file.js";

export interface StoredFile {
  readonly content: Buffer;
  readonly lfs: boolean;
}

/** SHA-1 by which git names a content. */
export function gitOid(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The small text that git holds in place of a large file. */
export function lfsPointer(content: Uint8Array): Buffer {
  return Buffer.from(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256(content)}\nsize ${content.length}\n`,
  );
}

/** A repository of the test server: commits are whole trees. */
export class StoredRepo {
  readonly name: string;
  readonly type: RepoType;
  private: boolean;
  gated: boolean;
  readonly commits = new Map<string, ReadonlyMap<string, StoredFile>>();
  readonly refs = new Map<string, string>();
  /** Titles of the commits, the first one included. */
  readonly titles: string[] = [];

  constructor(name: string, options: { type: RepoType; private?: boolean; gated?: boolean }) {
    this.name = name;
    this.type = options.type;
    this.private = options.private ?? false;
    this.gated = options.gated ?? false;
    this.commit(new Map(), { title: "initial commit", branch: "main" });
  }

  commit(files: ReadonlyMap<string, StoredFile>, { title, branch }: { title: string; branch: string }): string {
    const seed = [...files].map(([path, file]) => `${path} ${sha256(file.content)}`).join("\n");
    const id = createHash("sha1").update(`${this.name} ${this.titles.length} ${title}\n${seed}`).digest("hex");
    this.commits.set(id, files);
    this.refs.set(branch, id);
    this.titles.push(title);
    return id;
  }

  resolve(revision: string): string | undefined {
    if (revision === "HEAD") return this.refs.get("main");
    return this.refs.get(revision) ?? (this.commits.has(revision) ? revision : undefined);
  }

  /** Files on `main`, as texts for a test to look at. */
  texts(): Record<string, string> {
    const files = this.commits.get(this.refs.get("main")!)!;
    return Object.fromEntries([...files].map(([path, file]) => [path, file.content.toString("latin1")]));
  }
}

/** An entry of the tree and paths-info answers. */
export function treeEntry(path: string, { content, lfs }: StoredFile): Record<string, unknown> {
  if (!lfs) return { type: "file", oid: gitOid(content), size: content.length, path };
  const pointer = lfsPointer(content);
  return {
    type: "file",
    oid: gitOid(pointer),
    size: content.length,
    path,
    lfs: { oid: sha256(content), size: content.length, pointerSize: pointer.length },
  };
}

/** Whether the Hub keeps a file in large-file storage: by its kind, or by its size. */
export function isLarge(path: string, size: number, lfsFrom: number): boolean {
  return size >= lfsFrom || /\.(safetensors|parquet)$/.test(path);
}
