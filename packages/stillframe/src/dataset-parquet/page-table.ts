import { FileFormatError } from "@stillframe/torch/errors";
import { type AsyncBuffer, type ColumnChunk, type DataReader, type PageHeader, readOffsetIndex } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";

/** One data page of a column chunk, in the words of Parquet's offset index. */
export interface PageLocation {
  /** Byte of the file at which the page's header begins. */
  readonly offset: bigint;
  /** Bytes of header and content as stored. */
  readonly compressed_page_size: number;
  /** First row, counted from the row group's first. */
  readonly first_row_index: bigint;
}

/** No page of a data set of pictures is larger; a header that says so lies. */
const MAX_PAGE_BYTES = 2 ** 30;
const HEADER_READS = [1 << 10, 1 << 14, 1 << 20] as const;

/**
 * Where each data page of a flat column chunk is, so that some rows can be read without the rest: from the file's offset
 * index where it has one, else by walking from page header to page header (a small read for each).
 *
 * Parquet: github.com/apache/parquet-format, "Data Pages" and PageIndex.md.
 */
export async function pageTable(
  file: AsyncBuffer,
  chunk: ColumnChunk,
  { path, rows }: { path: string; rows: number },
): Promise<PageLocation[]> {
  const { offset_index_offset: indexOffset, offset_index_length: indexLength } = chunk;
  const pages =
    indexOffset !== undefined && indexLength
      ? await readIndex(file, Number(indexOffset), indexLength)
      : await walkPages(file, chunk, { path, rows });
  checkPages(pages, { path, rows, size: file.byteLength });
  return pages;
}

async function readIndex(file: AsyncBuffer, offset: number, length: number): Promise<PageLocation[]> {
  const view = new DataView(await file.slice(offset, offset + length));
  return readOffsetIndex({ view, offset: 0 }).page_locations;
}

async function walkPages(
  file: AsyncBuffer,
  chunk: ColumnChunk,
  { path, rows }: { path: string; rows: number },
): Promise<PageLocation[]> {
  const meta = chunk.meta_data!;
  const first = Number(meta.dictionary_page_offset || meta.data_page_offset);
  const end = Math.min(first + Number(meta.total_compressed_size), file.byteLength);
  const pages: PageLocation[] = [];
  let row = 0;
  for (let offset = first; offset < end && row < rows; ) {
    const { header, headerBytes } = await readHeader(file, { offset, end, path });
    const size = headerBytes + header.compressed_page_size;
    const count = header.data_page_header?.num_values ?? header.data_page_header_v2?.num_rows;
    if (count !== undefined) {
      pages.push({ offset: BigInt(offset), compressed_page_size: size, first_row_index: BigInt(row) });
      row += count;
    }
    offset += size;
  }
  if (row !== rows) throw new FileFormatError(path, `expected pages of ${rows} rows but found pages of ${row}`);
  return pages;
}

async function readHeader(
  file: AsyncBuffer,
  { offset, end, path }: { offset: number; end: number; path: string },
): Promise<{ header: PageHeader; headerBytes: number }> {
  for (const bytes of HEADER_READS) {
    const stop = Math.min(offset + bytes, end);
    const reader: DataReader = { view: new DataView(await file.slice(offset, stop)), offset: 0 };
    let header: PageHeader;
    try {
      header = parquetHeader(reader);
    } catch {
      // A header with long statistics may be cut: read more of it.
      if (stop === end) break;
      continue;
    }
    const { compressed_page_size: stored, uncompressed_page_size: size } = header;
    if (stored > 0 && size >= 0 && size <= MAX_PAGE_BYTES) return { header, headerBytes: reader.offset };
    throw new FileFormatError(path, `expected a page of 1 B to 1 GiB at byte ${offset} but its header says ${size}`);
  }
  throw new FileFormatError(path, `expected a page header of less than 1 MiB at byte ${offset}`);
}

function checkPages(
  pages: readonly PageLocation[],
  { path, rows, size }: { path: string; rows: number; size: number },
): void {
  let row = -1n;
  for (const page of pages) {
    const inFile = page.offset >= 4n && Number(page.offset) + page.compressed_page_size <= size;
    if (!inFile || page.compressed_page_size <= 0 || page.first_row_index <= row) {
      throw new FileFormatError(
        path,
        `expected pages in order inside the file but received one at byte ${page.offset}`,
      );
    }
    row = page.first_row_index;
  }
  if (pages[0]?.first_row_index !== 0n || Number(row) >= rows) {
    throw new FileFormatError(path, `expected pages from row 0 to ${rows - 1}`);
  }
}
