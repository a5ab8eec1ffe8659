import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isPublishable } from "./allow-list.js";
import type { PublishFile } from "./publish-file.js";

/** What of a run may be published, and what stays. */
export interface RunFiles {
  readonly files: readonly PublishFile[];
  /** Paths that stay on this machine; a folder ends with `/`. */
  readonly kept: readonly string[];
}

const PICTURE_FOLDERS = ["samples", "images"];

/**
 * Chooses a run folder's files: adapter, card, manifest, evaluation and pictures. Where there is a card, only the pictures
 * that it shows are chosen: a long run has hundreds of samples.
 *
 * @param options `card`: the text of a card that is not written yet, in the place of the folder's own
 */
export async function runFiles(folder: string, options: { card?: string } = {}): Promise<RunFiles> {
  const files: PublishFile[] = [];
  const kept: string[] = [];
  const card = options.card ?? (await readFile(join(folder, "README.md"), "utf8").catch(() => undefined));
  const shown = (path: string) => card === undefined || card.includes(path) || card.includes(encodeURI(path));
  const visit = async (prefix: string) => {
    const entries = await readdir(join(folder, prefix), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${prefix}${entry.name}`;
      const isPicture = /\.(png|jpe?g|webp|svg)$/.test(path);
      if (entry.isDirectory()) {
        if (prefix !== "" || PICTURE_FOLDERS.includes(entry.name)) await visit(`${path}/`);
        else kept.push(`${path}/`);
      } else if (entry.isFile() && isPublishable(path) && (!isPicture || shown(path))) {
        files.push({ path, from: join(folder, path) });
      } else kept.push(path);
    }
  };
  await visit("");
  if (options.card === undefined) return { files, kept };
  const others = files.filter(({ path }) => path !== "README.md");
  return { files: [{ path: "README.md", from: Buffer.from(options.card) }, ...others], kept };
}
