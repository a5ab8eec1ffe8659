import { closeSync, openSync, writeSync } from "node:fs";

/** One row of a test file. */
export interface TestRow {
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly text: string;
}

/**
 * Writes a parquet file of one row group, uncompressed, `rowsPerPage` rows to a page: the shape that other writers give a
 * data set when nobody asked for row groups. Pages are written as they come, so the file may be larger than memory.
 *
 * Thrift's compact protocol and the numbers are those of github.com/apache/parquet-format (parquet.thrift).
 */
export function writeParquet(
  path: string,
  rows: number,
  { rowAt, rowsPerPage }: { rowAt: (row: number) => TestRow; rowsPerPage: number },
): void {
  const file = openSync(path, "w");
  let offset = 0;
  const put = (bytes: Uint8Array) => {
    writeSync(file, bytes);
    offset += bytes.length;
  };
  put(Buffer.from("PAR1"));
  const column = (leaf: string[], value: (row: TestRow) => Uint8Array) => {
    const start = offset;
    for (let from = 0; from < rows; from += rowsPerPage) {
      const count = Math.min(rowsPerPage, rows - from);
      const content = Buffer.concat(
        Array.from({ length: count }, (_, i) => {
          const bytes = value(rowAt(from + i));
          const length = Buffer.alloc(4);
          length.writeUInt32LE(bytes.length);
          return Buffer.concat([length, bytes]);
        }),
      );
      const header = struct([1, i(0)], [2, i(content.length)], [3, i(content.length)], [5, dataPage(count)]);
      put(header.bytes);
      put(content);
    }
    const bytes = offset - start;
    const meta = struct(
      [1, i(6)],
      [2, list(5, [i(0)])],
      [3, list(8, leaf.map(text))],
      [4, i(0)],
      [5, long(rows)],
      [6, long(bytes)],
      [7, long(bytes)],
      [9, long(start)],
    );
    return struct([2, long(start)], [3, meta]);
  };
  const chunks = [
    column(["image", "bytes"], (row) => row.bytes),
    column(["image", "path"], (row) => Buffer.from(row.path)),
    column(["text"], (row) => Buffer.from(row.text)),
  ];
  const schema = [
    struct([4, text("schema")], [5, i(2)]),
    struct([3, i(0)], [4, text("image")], [5, i(2)]),
    struct([1, i(6)], [3, i(0)], [4, text("bytes")]),
    struct([1, i(6)], [3, i(0)], [4, text("path")], [6, i(0)]),
    struct([1, i(6)], [3, i(0)], [4, text("text")], [6, i(0)]),
  ];
  const group = struct([1, list(12, chunks)], [2, long(offset)], [3, long(rows)]);
  const footer = struct([1, i(1)], [2, list(12, schema)], [3, long(rows)], [4, list(12, [group])]);
  put(footer.bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.bytes.length);
  put(Buffer.concat([length, Buffer.from("PAR1")]));
  closeSync(file);
}

interface Thrift {
  readonly type: number;
  readonly bytes: Buffer;
}

function dataPage(values: number): Thrift {
  return struct([1, i(values)], [2, i(0)], [3, i(3)], [4, i(3)]);
}

function i(value: number): Thrift {
  return { type: 5, bytes: varint(BigInt(value) << 1n) };
}

function long(value: number): Thrift {
  return { type: 6, bytes: varint(BigInt(value) << 1n) };
}

function text(value: string): Thrift {
  const bytes = Buffer.from(value);
  return { type: 8, bytes: Buffer.concat([varint(BigInt(bytes.length)), bytes]) };
}

function list(type: number, items: readonly Thrift[]): Thrift {
  return {
    type: 9,
    bytes: Buffer.concat([Buffer.from([(items.length << 4) | type]), ...items.map((one) => one.bytes)]),
  };
}

function struct(...fields: readonly (readonly [id: number, value: Thrift])[]): Thrift {
  let last = 0;
  const parts = fields.map(([id, value]) => {
    const head = Buffer.from([((id - last) << 4) | value.type]);
    last = id;
    return Buffer.concat([head, value.bytes]);
  });
  return { type: 12, bytes: Buffer.concat([...parts, Buffer.from([0])]) };
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
