import { FileFormatError } from "@stillframe/torch/errors";
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { type PageLocation, pageTable } from "./page-table.js";

/** A row group: what a writer put together, and the unit that is addressed. */
export interface RowGroupInfo {
  /** First row, counted from the file's first. */
  readonly firstRow: number;
  readonly rows: number;
}

/** A column at the top of the schema. */
export interface ParquetColumn {
  readonly name: string;
  /** `binary`, `string`, `list of string`, `{bytes: binary, path: string}`, or Parquet's own word. */
  readonly type: string;
}

/** Page tables that are kept; one row group needs one for each leaf of the picture column. */
const KEPT_TABLES = 64;

/** Bytes of pages that are read at once while streaming. */
const READ_BYTES = 4 << 20;

/**
 * One parquet file, opened by its footer. Rows are read by pages, so that memory is bounded by a few pages even where a
 * writer put the whole data set into one row group.
 */
export class ParquetShard {
  readonly path: string;
  readonly rows: number;
  readonly groups: readonly RowGroupInfo[];
  readonly columns: readonly ParquetColumn[];
  readonly #file: AsyncBuffer;
  readonly #metadata: FileMetaData;
  readonly #tables = new Map<string, Promise<PageLocation[]>>();

  private constructor(path: string, file: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.#file = file;
    this.#metadata = metadata;
    const groups: RowGroupInfo[] = [];
    let firstRow = 0;
    for (const group of metadata.row_groups) {
      groups.push({ firstRow, rows: Number(group.num_rows) });
      firstRow += Number(group.num_rows);
    }
    this.groups = groups;
    this.rows = firstRow;
    this.columns = parquetSchema(metadata).children.map((tree) => ({ name: tree.element.name, type: typeName(tree) }));
  }

  /** Reads the footer alone. */
  static async open(path: string): Promise<ParquetShard> {
    const file = await asyncBufferFromFile(path);
    let metadata: FileMetaData;
    try {
      if (file.byteLength < 12) throw new Error(`it has ${file.byteLength} bytes`);
      metadata = await parquetMetadataAsync(file, { geoparquet: false });
    } catch (error) {
      throw new FileFormatError(path, `expected a parquet file: ${(error as Error).message}`);
    }
    checkLayout(path, file.byteLength, metadata);
    return new ParquetShard(path, file, metadata);
  }

  /** All values of one column of a row group: for captions, which are small. */
  async column(group: number, name: string): Promise<unknown[]> {
    const { firstRow, rows } = this.groups[group]!;
    const objects = await this.#read({ name, rowStart: firstRow, rowEnd: firstRow + rows });
    return objects.map((object) => object[name]);
  }

  /** Values of one column for rows `from` to `to` (exclusive) of a row group; only their pages are read. */
  async values(group: number, name: string, { from, to }: { from: number; to: number }): Promise<unknown[]> {
    const { firstRow } = this.groups[group]!;
    const pages = await this.#pagesOf(group, name);
    const objects = await this.#read({ name, rowStart: firstRow + from, rowEnd: firstRow + to, group, pages });
    return objects.map((object) => object[name]);
  }

  /**
   * Ranges `[from, to)` of a row group's rows, each of about `READ_BYTES` of the column's pages. A range ends where a
   * page ends, so that streaming reads and unpacks every page once.
   */
  async ranges(group: number, name: string): Promise<{ from: number; to: number }[]> {
    const { rows } = this.groups[group]!;
    const table = largest(await this.#pagesOf(group, name));
    if (!table) return rows > 0 ? [{ from: 0, to: rows }] : [];
    const ranges: { from: number; to: number }[] = [];
    let from = 0;
    let bytes = 0;
    for (const [i, page] of table.entries()) {
      bytes += page.compressed_page_size;
      const to = i + 1 < table.length ? Number(table[i + 1]!.first_row_index) : rows;
      if (bytes < READ_BYTES && to < rows) continue;
      ranges.push({ from, to });
      from = to;
      bytes = 0;
    }
    return ranges;
  }

  /** Page tables of the column's leaves by path; a repeated leaf has none and is read whole. */
  async #pagesOf(group: number, name: string): Promise<Record<string, PageLocation[]>> {
    const tables: Record<string, PageLocation[]> = {};
    const rows = this.groups[group]!.rows;
    if (rows === 0) return tables;
    for (const chunk of this.#metadata.row_groups[group]!.columns) {
      const path = chunk.meta_data?.path_in_schema ?? [];
      if (path[0] !== name || this.#isRepeated(path)) continue;
      const leaf = path.join(".");
      const key = `${group}/${leaf}`;
      const known = this.#tables.get(key) ?? pageTable(this.#file, chunk, { path: this.path, rows });
      this.#tables.set(key, known);
      if (this.#tables.size > KEPT_TABLES) this.#tables.delete(this.#tables.keys().next().value!);
      tables[leaf] = await known;
    }
    return tables;
  }

  #isRepeated(path: readonly string[]): boolean {
    let tree: SchemaTree | undefined = parquetSchema(this.#metadata);
    for (const part of path) {
      tree = tree?.children.find((child) => child.element.name === part);
      if (tree?.element.repetition_type === "REPEATED") return true;
    }
    return false;
  }

  async #read(request: {
    name: string;
    rowStart: number;
    rowEnd: number;
    group?: number;
    pages?: Record<string, PageLocation[]>;
  }): Promise<Record<string, unknown>[]> {
    const { name, rowStart, rowEnd, group, pages } = request;
    const options = {
      file: this.#file,
      metadata: this.#metadata,
      columns: [name],
      rowStart,
      rowEnd,
      compressors,
      // Bytes without a text annotation are pictures, not texts.
      utf8: false,
      geoparquet: false,
      // The page tables that hyparquet's own page-index search hands to its reader, here made without that search.
      ...(pages && group !== undefined && { pageLocationsByGroup: sparse(group, pages) }),
    };
    try {
      return await parquetReadObjects(options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
      throw new FileFormatError(
        this.path,
        `expected to read rows ${rowStart} to ${rowEnd - 1} of column ${name}: ${(error as Error).message}`,
      );
    }
  }
}

function sparse(group: number, pages: Record<string, PageLocation[]>): (Record<string, PageLocation[]> | undefined)[] {
  const byGroup: (Record<string, PageLocation[]> | undefined)[] = [];
  byGroup[group] = pages;
  return byGroup;
}

function largest(tables: Record<string, PageLocation[]>): PageLocation[] | undefined {
  const bytes = (pages: PageLocation[]) => pages.reduce((sum, page) => sum + page.compressed_page_size, 0);
  return Object.values(tables).sort((a, b) => bytes(b) - bytes(a))[0];
}

/** Offsets of the footer must lie inside the file before anything is read there. */
function checkLayout(path: string, size: number, metadata: FileMetaData): void {
  for (const [group, { columns, num_rows }] of metadata.row_groups.entries()) {
    if (num_rows < 0n) throw new FileFormatError(path, `expected a number of rows for row group ${group}`);
    for (const { meta_data: meta } of columns) {
      const start = Number(meta?.dictionary_page_offset || meta?.data_page_offset || 0n);
      const bytes = Number(meta?.total_compressed_size ?? -1n);
      if (!meta || start < 4 || bytes < 0 || start + bytes > size) {
        throw new FileFormatError(
          path,
          `expected row group ${group} inside the ${size} bytes of the file but column ${meta?.path_in_schema.join(".")} ends at ${start + bytes}; the file may be cut`,
        );
      }
    }
  }
}

/** A short word for a column's type, for messages. */
function typeName(tree: SchemaTree): string {
  const { element, children } = tree;
  if (children.length === 0) {
    if (isText(tree)) return "string";
    return element.type === "BYTE_ARRAY" ? "binary" : (element.type ?? "unknown").toLowerCase();
  }
  const isList = element.converted_type === "LIST" || element.logical_type?.type === "LIST";
  if (isList && children[0]) {
    const item = children[0].children.length === 1 ? children[0].children[0]! : children[0];
    return `list of ${typeName(item)}`;
  }
  return `{${children.map((child) => `${child.element.name}: ${typeName(child)}`).join(", ")}}`;
}

function isText({ element }: SchemaTree): boolean {
  return (
    element.type === "BYTE_ARRAY" && (element.converted_type === "UTF8" || element.logical_type?.type === "STRING")
  );
}
