import { FileFormatError, show } from "@stillframe/torch/errors";
import type { MetadataRecord } from "./metadata-file.js";

/** Column names, as the reference's `--image_column` and `--caption_column` give them. */
export interface ImageColumns {
  /**
   * The picture. Its file is in `<imageColumn>_file_name`, or in `file_name` for the default `image`, or in the column of
   * this very name.
   */
  readonly imageColumn: string;
  /** Default `text`. */
  readonly captionColumn: string;
  /** Boxes that count otherwise in the loss (see `regionsOf`); null to read none. */
  readonly regionsColumn: string | null;
}

/** A record of which the file and the caption have been found, if it has them. */
export interface CaptionedRecord {
  readonly line: number;
  /** The value of the picture's column. */
  readonly file: unknown;
  /** The value of the caption's column. */
  readonly caption: unknown;
  /** The value of the regions' column. */
  readonly regions: unknown;
}

/**
 * Picks the columns out of the records of one metadata file.
 *
 * @throws FileFormatError if no record has one of the columns; the message lists those that there are.
 */
export async function* pickColumns(
  records: AsyncIterable<MetadataRecord>,
  path: string,
  columns: ImageColumns,
): AsyncGenerator<CaptionedRecord, void> {
  const { captionColumn, regionsColumn } = columns;
  const candidates = fileColumns(columns.imageColumn);
  const seen = new Set<string>();
  // Records wait until one has shown that both columns exist; a wrong column name must not read as missing values.
  let waiting: MetadataRecord[] = [];
  let fileColumn: string | undefined;
  for await (const record of records) {
    for (const name of Object.keys(record.fields)) seen.add(name);
    fileColumn ??= candidates.find((name) => seen.has(name));
    waiting.push(record);
    if (fileColumn === undefined || !seen.has(captionColumn)) continue;
    if (regionsColumn !== null && !seen.has(regionsColumn)) continue;
    for (const { line, fields } of waiting)
      yield {
        line,
        file: fields[fileColumn],
        caption: fields[captionColumn],
        regions: regionsColumn === null ? null : fields[regionsColumn],
      };
    waiting = [];
  }
  if (seen.size === 0) throw new FileFormatError(path, "expected records but found none");
  const found = `but found ${[...seen].join(", ")}`;
  if (fileColumn === undefined)
    throw new FileFormatError(path, `expected a column ${candidates.join(" or ")} ${found}`);
  if (waiting.length === 0) return;
  if (!seen.has(captionColumn))
    throw new FileFormatError(path, `expected a column ${captionColumn} for captions ${found}`);
  throw new FileFormatError(path, `expected a column ${regionsColumn} for regions ${found}`);
}

function fileColumns(imageColumn: string): string[] {
  return [...(imageColumn === "image" ? ["file_name"] : []), `${imageColumn}_file_name`, imageColumn];
}

/** The captions in a column's value, or the reason why there are none. Empty strings are captions. */
export function captionsOf(value: unknown, column: string): readonly string[] | { readonly reason: string } {
  if (value === undefined || value === null) return { reason: `it has no caption in column ${column}` };
  if (typeof value === "string") return [value];
  if (Array.isArray(value) && value.length === 0)
    return { reason: `the list of captions in column ${column} is empty` };
  if (Array.isArray(value) && value.every((caption) => typeof caption === "string")) return value;
  return { reason: `expected a string or a list of strings in column ${column} but found ${show(value)}` };
}
