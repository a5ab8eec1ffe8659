import { InvalidArgumentError } from "@stillframe/torch/errors";
import { parseDatasetCard } from "../dataset-parquet/card.js";
import { type SplitChoice, splitFiles } from "../dataset-parquet/data-files.js";
import { matchPaths } from "../dataset-parquet/glob.js";
import type { FileSelector } from "./snapshot.js";

const PICTURES = /\.(jpe?g|png|webp|avif|gif|bmp|tiff?)$/i;
const BESIDE_PICTURES = /(^|\/)(metadata\.(jsonl|csv)|[^/]+\.(txt|caption))$/i;
const ARCHIVES = /\.(zip|tar|tar\.gz|tgz|7z|rar)$/i;

/**
 * The files of one split of a data set: its parquet shards, or the pictures of a folder with their captions
 * (`metadata.jsonl`, `metadata.csv`, `.txt` beside each picture), and the card.
 */
export function datasetFiles(choice: SplitChoice = {}): FileSelector {
  return async (files, read) => {
    const paths = files.map((file) => file.path);
    const card = parseDatasetCard(paths.includes("README.md") ? await read("README.md") : "", "README.md");
    const documents = matchPaths(paths, ["README.md", "LICENSE*"]);
    const parquet = paths.filter((path) => path.endsWith(".parquet"));
    if (parquet.length > 0) return [...documents, ...splitFiles(parquet, card, choice).paths];
    const pictures = paths.filter((path) => PICTURES.test(path));
    if (pictures.length > 0) {
      const chosen = splitFiles(pictures, card, choice).paths;
      return [...documents, ...chosen, ...captionsOf(paths, chosen)];
    }
    const archives = paths.filter((path) => ARCHIVES.test(path));
    const hint =
      archives.length > 0
        ? "; unpack the archives into a folder and give that folder"
        : "; the Hub may hold a converted copy: try revision refs/convert/parquet";
    throw new InvalidArgumentError(
      `expected parquet files or pictures for the data set but received ${paths.slice(0, 8).join(", ") || "an empty repository"}${hint}`,
    );
  };
}

/** Caption files in the folders of the chosen pictures and above them. */
function captionsOf(paths: readonly string[], pictures: readonly string[]): string[] {
  const folders = new Set<string>([""]);
  for (const picture of pictures) {
    for (let end = picture.lastIndexOf("/"); end > 0; end = picture.lastIndexOf("/", end - 1)) {
      folders.add(picture.slice(0, end));
    }
  }
  return paths.filter((path) => {
    const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
    return folders.has(folder) && BESIDE_PICTURES.test(path) && !/^(README|LICENSE)/.test(path);
  });
}
