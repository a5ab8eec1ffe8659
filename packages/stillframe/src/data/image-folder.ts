import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, posix, relative, resolve, sep, win32 } from "node:path";
import { FileFormatError, invalid, show } from "@stillframe/torch/errors";
import { type CaptionedRecord, captionsOf, type ImageColumns, pickColumns } from "./metadata-columns.js";
import { readCsv, readJsonLines } from "./metadata-file.js";
import { fileProblem } from "./picture-file.js";
import { type Region, regionsOf } from "./regions.js";

/** A picture with its captions. */
export interface ImageFolderItem {
  /** Absolute path. */
  readonly path: string;
  /** Path from the folder, with forward slashes. */
  readonly fileName: string;
  /** One or more; each may be empty. */
  readonly captions: readonly string[];
  /** Places that count otherwise in the loss; empty where none is asked for. */
  readonly regions: readonly Region[];
  /** Line of the metadata file, counted from 1; absent where a text file beside the picture has the caption. */
  readonly line?: number;
}

/** A picture or record that cannot be used. */
export interface SkippedPicture {
  readonly fileName: string;
  readonly reason: string;
  readonly line?: number;
}

export interface ImageFolder {
  /** Absolute path. */
  readonly folder: string;
  /** Where the captions are. */
  readonly captionSource: "metadata.jsonl" | "metadata.csv" | ".txt";
  /** In the order of the metadata, or of the file names. May be empty, when every record was skipped. */
  readonly items: readonly ImageFolderItem[];
  readonly skipped: readonly SkippedPicture[];
}

export interface ImageFolderOptions extends Partial<ImageColumns> {
  /**
   * Further folders into which symbolic links may lead, such as the blobs of a download cache. Links to any other place
   * outside the folder are skipped.
   */
  readonly linkTargets?: readonly string[];
}

/** Files that count as pictures. What among them cannot be decoded is reported by the probe, not passed over. */
const PICTURE_EXTENSIONS = new Set(
  ".jpg .jpeg .jpe .jfif .png .webp .gif .tif .tiff .avif .heic .heif .bmp .jxl .ppm".split(" "),
);

/**
 * Lists a folder of captioned pictures, laid out as Hugging Face's `imagefolder`: `metadata.jsonl` or `metadata.csv` in
 * the folder or in its subfolders, each naming pictures from its own place; or else `<picture>.txt` beside each picture.
 * Pictures are not opened. Every record and every picture is an item or is skipped with a reason; hidden files are left
 * out. A record whose path leaves the folder is skipped, and what it names is not touched.
 *
 * @throws FileFormatError with file and line for a broken line of metadata, and for a column that no record has.
 * @throws InvalidArgumentError if there is no folder, no picture or no caption; the message says what was looked for.
 */
export async function readImageFolder(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const root = resolve(folder);
  const listing = await listFolder(root);
  const boundary = await Promise.all([root, ...(options.linkTargets ?? [])].map((path) => realpath(path)));
  const jsonl = listing.filter((file) => posix.basename(file) === "metadata.jsonl");
  const csv = listing.filter((file) => posix.basename(file) === "metadata.csv");
  if (jsonl.length > 0 && csv.length > 0)
    throw invalid("image folder", "metadata.jsonl or metadata.csv, not both,", `${jsonl[0]} and ${csv[0]} in ${root}`);
  const { imageColumn = "image", captionColumn = "text", regionsColumn = null } = options;
  if (jsonl.length + csv.length === 0) {
    if (regionsColumn !== null)
      throw invalid("regions_column", "metadata.jsonl or metadata.csv, which have columns,", `text files in ${root}`);
    return readSidecars({ root, listing, boundary });
  }
  const columns = { imageColumn, captionColumn, regionsColumn };
  return readMetadata([...jsonl, ...csv], { root, listing, boundary, columns });
}

interface Place {
  readonly root: string;
  /** All files in it. */
  readonly listing: readonly string[];
  /** The real paths of the folders in which pictures may lie. */
  readonly boundary: readonly string[];
}

/** All files below `root`, as paths from it with forward slashes, in code-unit order; hidden ones are left out. */
async function listFolder(root: string): Promise<string[]> {
  const info = await stat(root).catch(() => undefined);
  if (!info?.isDirectory()) throw invalid("image folder", "a folder", root);
  const files: string[] = [];
  const visit = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(root, prefix), { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      // Links to folders are not followed: they may lead out or round in circles.
      if (entry.isDirectory()) await visit(`${prefix}${entry.name}/`);
      else files.push(prefix + entry.name);
    }
  };
  await visit("");
  return files.sort((a, b) => (a < b ? -1 : 1));
}

const isPicture = (file: string): boolean => PICTURE_EXTENSIONS.has(posix.extname(file).toLowerCase());

// Metadata files.

async function readMetadata(
  files: readonly string[],
  place: Place & { readonly columns: ImageColumns },
): Promise<ImageFolder> {
  const { root, columns } = place;
  const captionSource = files[0]!.endsWith(".csv") ? "metadata.csv" : "metadata.jsonl";
  const read = captionSource === "metadata.csv" ? readCsv : readJsonLines;
  const items: ImageFolderItem[] = [];
  const skipped: SkippedPicture[] = [];
  const named = new Set<string>();
  for (const file of files) {
    const path = join(root, file);
    const problem = await pathProblem(path, place.boundary);
    if (problem !== undefined) throw new FileFormatError(path, problem);
    for await (const record of pickColumns(read(path), path, columns)) {
      const result = await readRecord(record, { ...place, folder: dirname(path) });
      named.add(result.fileName);
      if ("reason" in result) skipped.push(result);
      else items.push(result);
    }
  }
  const unnamed = place.listing.filter((file) => isPicture(file) && !named.has(file));
  for (const fileName of unnamed) skipped.push({ fileName, reason: `no ${captionSource} names it` });
  return { folder: root, captionSource, items, skipped };
}

/** `folder` is where the metadata file lies. */
async function readRecord(
  record: CaptionedRecord,
  place: Place & { readonly columns: ImageColumns; readonly folder: string },
): Promise<ImageFolderItem | SkippedPicture> {
  const { line, file } = record;
  if (typeof file !== "string" || file === "")
    return { fileName: "", line, reason: `expected a file name but found ${show(file)}` };
  const path = resolve(place.folder, file);
  if (isAbsolute(file) || win32.isAbsolute(file) || !isInside(path, place.root))
    return { fileName: file, line, reason: "its path leaves the folder" };
  const fileName = relative(place.root, path).split(sep).join("/");
  const reason = await pathProblem(path, place.boundary);
  if (reason !== undefined) return { fileName, line, reason };
  const captions = captionsOf(record.caption, place.columns.captionColumn);
  if ("reason" in captions) return { fileName, line, ...captions };
  const { regionsColumn } = place.columns;
  const regions = regionsColumn === null ? [] : regionsOf(record.regions, regionsColumn);
  return "reason" in regions ? { fileName, line, ...regions } : { path, fileName, captions, regions, line };
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Why a path inside the folder cannot be opened; the file itself is not read. */
async function pathProblem(path: string, boundary: readonly string[]): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if (!boundary.some((folder) => isInside(real, folder))) return "its symbolic link leads out of the folder";
    return (await stat(real)).isFile() ? undefined : "it is not a file";
  } catch (error) {
    return fileProblem(error);
  }
}

// Text files beside the pictures.

async function readSidecars(place: Place): Promise<ImageFolder> {
  const { root, listing } = place;
  const pictures = listing.filter(isPicture);
  if (pictures.length === 0) throw invalid("image folder", `pictures (${[...PICTURE_EXTENSIONS].join(" ")})`, root);
  const files = new Set(listing);
  if (!pictures.some((picture) => files.has(sidecarOf(picture))))
    throw invalid(
      "image folder",
      `captions in metadata.jsonl, metadata.csv or a text file beside each picture (such as ${sidecarOf(pictures[0]!)})`,
      root,
    );
  const items: ImageFolderItem[] = [];
  const skipped: SkippedPicture[] = [];
  for (const fileName of pictures) {
    const result = await readSidecar(fileName, { ...place, files });
    if ("reason" in result) skipped.push(result);
    else items.push(result);
  }
  return { folder: root, captionSource: ".txt", items, skipped };
}

const sidecarOf = (picture: string): string => `${picture.slice(0, -posix.extname(picture).length)}.txt`;

/** The whole text is one caption, without white space around it. */
async function readSidecar(
  fileName: string,
  place: Place & { readonly files: ReadonlySet<string> },
): Promise<ImageFolderItem | SkippedPicture> {
  const sidecar = sidecarOf(fileName);
  if (!place.files.has(sidecar)) return { fileName, reason: `there is no caption file ${sidecar}` };
  const path = join(place.root, fileName);
  const problem = await pathProblem(path, place.boundary);
  if (problem !== undefined) return { fileName, reason: problem };
  const captionPath = join(place.root, sidecar);
  const captionProblem = await pathProblem(captionPath, place.boundary);
  if (captionProblem !== undefined) return { fileName, reason: `caption file ${sidecar}: ${captionProblem}` };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(captionPath));
    return { path, fileName, captions: [text.trim()], regions: [] };
  } catch (error) {
    const reason = error instanceof TypeError ? "it is not UTF-8" : fileProblem(error);
    return { fileName, reason: `caption file ${sidecar}: ${reason}` };
  }
}
