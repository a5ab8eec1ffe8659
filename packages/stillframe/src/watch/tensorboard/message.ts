/**
 * Fields of protobuf messages as bytes ("Encoding", protobuf.dev): a key (field number and wire type), then the value. A
 * message is its fields one after the other.
 */

/** Base-128 groups, the lowest first; a negative number takes ten bytes, as int64 does. */
function varint(value: number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
const key = (field: number, wire: keyof typeof WIRE): Buffer => varint(field * 8 + WIRE[wire]);

/** An int32, int64 or enum. */
export const integerField = (field: number, value: number): Buffer =>
  Buffer.concat([key(field, "varint"), varint(value)]);

export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, "fixed64"), bytes]);
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, "fixed32"), bytes]);
}

/** A string, bytes, or a message made of fields. */
export function bytesField(field: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([key(field, "bytes"), varint(bytes.length), bytes]);
}
