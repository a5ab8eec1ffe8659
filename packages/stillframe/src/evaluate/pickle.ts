import { FileFormatError, show } from "@stillframe/torch/errors";
import { GLOBALS, type Item, isCount, isGlobal, MARK, type PickleValue } from "./pickle-names.js";

const MAX_ITEMS = 10_000_000;

/**
 * Reads one pickle that holds weights: tensors in dictionaries, lists and tuples, with numbers and strings beside them.
 * Nothing is ever imported or called: the few names that weights need are known here, and every other name, and every
 * opcode that weights do not need, is an error that names it.
 */
export class PickleReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly path: string;
  private at: number;
  private stack: Item[] = [];
  private readonly memo = new Map<number, Item>();
  private made = 0;

  /** @param start where the pickle begins in `bytes` */
  constructor(bytes: Uint8Array, { path, start = 0 }: { path: string; start?: number }) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.path = path;
    this.at = start;
  }

  /**
   * The value, and where the bytes after it begin.
   *
   * @throws FileFormatError for anything but weights, and for a pickle that is damaged
   */
  read(): { value: PickleValue; end: number } {
    for (;;) {
      const opcode = this.byte();
      if (opcode === STOP) {
        const value = this.plain(this.pop());
        if (this.stack.length > 0) throw this.wrong("its pickle leaves values unused");
        return { value, end: this.at };
      }
      const step = STEPS.get(opcode);
      if (step === undefined) throw this.refused(`the pickle opcode ${opcodeName(opcode)}`);
      step(this);
    }
  }

  // Bytes.

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw this.wrong("its pickle ends too early");
    return value;
  }

  uint(size: 2 | 4 | 8): number {
    const at = this.skip(size);
    if (size === 2) return this.view.getUint16(at, true);
    if (size === 4) return this.view.getUint32(at, true);
    const long = this.view.getBigUint64(at, true);
    if (long > BigInt(Number.MAX_SAFE_INTEGER)) throw this.wrong("its pickle holds a length beyond 2^53");
    return Number(long);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  /** Big-endian, unlike all other numbers. */
  float(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** A little-endian integer in two's complement, of any length. */
  long(size: number): number | bigint {
    const at = this.skip(size);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!);
    value = BigInt.asIntN(size * 8, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(size: number): string {
    const at = this.skip(size);
    try {
      return UTF8.decode(this.bytes.subarray(at, at + size));
    } catch {
      throw this.wrong("its pickle holds text that is not UTF-8");
    }
  }

  line(): string {
    const end = this.bytes.indexOf(NEWLINE, this.at);
    if (end === -1) throw this.wrong("its pickle ends too early");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  private skip(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.length) throw this.wrong("its pickle ends too early");
    this.at += size;
    return at;
  }

  // The stack and the memo.

  push(item: Item): void {
    if (++this.made > MAX_ITEMS) throw this.wrong(`its pickle makes more than ${MAX_ITEMS} values`);
    this.stack.push(item);
  }

  pop(): Item {
    const item = this.stack.pop();
    if (item === undefined) throw this.wrong("its pickle takes a value from an empty stack");
    return item;
  }

  top(): Item {
    const item = this.stack.at(-1);
    if (item === undefined) throw this.wrong("its pickle takes a value from an empty stack");
    return item;
  }

  /** Everything above the last mark, which goes too. */
  popToMark(): PickleValue[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark === -1) throw this.wrong("its pickle has no mark where it needs one");
    const items = this.stack.splice(mark);
    return items.slice(1).map((item) => this.plain(item));
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  rememberNext(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    const item = this.memo.get(index);
    if (item === undefined) throw this.wrong(`its pickle recalls value ${index}, which it never kept`);
    this.push(item);
  }

  // What the opcodes do.

  import(module: string, name: string): void {
    const global = GLOBALS.get(`${module}.${name}`);
    if (global === undefined) throw this.refused(`${module}.${name}`);
    this.push(global);
  }

  call(): void {
    const args = this.plain(this.pop());
    const callee = this.pop();
    if (!isGlobal(callee) || !Array.isArray(args)) throw this.wrong("its pickle calls a value that is no known name");
    if (callee.call === null) throw this.refused(`a call of ${callee.name}`);
    try {
      this.push(callee.call(args));
    } catch (e) {
      throw this.wrong(`its pickle calls ${callee.name} with what is no ${(e as Error).message}`);
    }
  }

  setItems(pairs: readonly PickleValue[]): void {
    const map = this.top();
    if (!(map instanceof Map) || pairs.length % 2 !== 0)
      throw this.wrong("its pickle puts entries into what is no dictionary");
    for (let i = 0; i < pairs.length; i += 2) map.set(pairs[i], pairs[i + 1]);
  }

  appendItems(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.wrong("its pickle appends to what is no list");
    for (const item of items) list.push(item);
  }

  /** The state of an ordered dictionary: attributes such as `_metadata`, which are no weights and are left out. */
  setState(): void {
    const state = this.pop();
    if (!(state instanceof Map) || !(this.top() instanceof Map))
      throw this.refused("an object with a state of its own");
  }

  /** `('storage', type, key, location, number of elements)`, in old files with a view behind it. */
  storage(): void {
    const id = this.pop();
    if (!Array.isArray(id)) throw this.wrong("its pickle names a storage in an unknown way");
    const [tag, type, key, , numel, view = null] = id as readonly Item[];
    if (
      tag !== "storage" ||
      !isGlobal(type) ||
      !type.name.endsWith("Storage") ||
      typeof key !== "string" ||
      !isCount(numel)
    )
      throw this.wrong("its pickle names a storage in an unknown way");
    if (view !== null) throw this.refused("a view of a storage");
    this.push({ kind: "storage", type: type.name.replace("torch.", ""), key, numel });
  }

  /** A value without names that were never called; storage types stand in the argument of `storage` alone. */
  plain(item: Item): PickleValue {
    if (item === MARK) throw this.wrong("its pickle uses a mark as a value");
    if (isGlobal(item) && !item.name.endsWith("Storage")) throw this.refused(`${item.name} as a value`);
    return item as PickleValue;
  }

  wrong(problem: string): FileFormatError {
    return new FileFormatError(this.path, problem);
  }

  private refused(what: string): FileFormatError {
    return this.wrong(
      `its pickle asks for ${what}, which weights do not need; it is refused, because a pickle can run code`,
    );
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const NEWLINE = 10;

type Step = (machine: PickleReader) => void;

const STOP = 0x2e;
const tuple =
  (n: number): Step =>
  (m) => {
    const items = Array.from({ length: n }, () => m.plain(m.pop()));
    m.push(items.reverse());
  };

/** The opcodes of protocols 0 to 5 that weights need, with their names in `pickletools`. */
const OPCODES: readonly (readonly [code: number | string, name: string, step: Step])[] = [
  [0x80, "PROTO", (m) => void (m.byte() > 5 && fail(m, "its pickle is of a protocol above 5"))],
  [0x95, "FRAME", (m) => void m.uint(8)],
  ["(", "MARK", (m) => m.push(MARK)],
  ["N", "NONE", (m) => m.push(null)],
  [0x88, "NEWTRUE", (m) => m.push(true)],
  [0x89, "NEWFALSE", (m) => m.push(false)],
  ["J", "BININT", (m) => m.push(m.int32())],
  ["K", "BININT1", (m) => m.push(m.byte())],
  ["M", "BININT2", (m) => m.push(m.uint(2))],
  [0x8a, "LONG1", (m) => m.push(m.long(m.byte()))],
  ["G", "BINFLOAT", (m) => m.push(m.float())],
  ["X", "BINUNICODE", (m) => m.push(m.text(m.uint(4)))],
  [0x8c, "SHORT_BINUNICODE", (m) => m.push(m.text(m.byte()))],
  [0x8d, "BINUNICODE8", (m) => m.push(m.text(m.uint(8)))],
  ["T", "BINSTRING", (m) => m.push(m.text(m.uint(4)))],
  ["U", "SHORT_BINSTRING", (m) => m.push(m.text(m.byte()))],
  ["}", "EMPTY_DICT", (m) => m.push(new Map())],
  ["]", "EMPTY_LIST", (m) => m.push([])],
  [")", "EMPTY_TUPLE", (m) => m.push([])],
  [0x85, "TUPLE1", tuple(1)],
  [0x86, "TUPLE2", tuple(2)],
  [0x87, "TUPLE3", tuple(3)],
  ["t", "TUPLE", (m) => m.push(m.popToMark())],
  ["a", "APPEND", (m) => appendOne(m)],
  ["e", "APPENDS", (m) => m.appendItems(m.popToMark())],
  ["s", "SETITEM", (m) => setOne(m)],
  ["u", "SETITEMS", (m) => m.setItems(m.popToMark())],
  ["q", "BINPUT", (m) => m.remember(m.byte())],
  ["r", "LONG_BINPUT", (m) => m.remember(m.uint(4))],
  [0x94, "MEMOIZE", (m) => m.rememberNext()],
  ["h", "BINGET", (m) => m.recall(m.byte())],
  ["j", "LONG_BINGET", (m) => m.recall(m.uint(4))],
  ["c", "GLOBAL", (m) => m.import(m.line(), m.line())],
  [0x93, "STACK_GLOBAL", (m) => importFromStack(m)],
  ["R", "REDUCE", (m) => m.call()],
  ["b", "BUILD", (m) => m.setState()],
  ["Q", "BINPERSID", (m) => m.storage()],
];
const STEPS = new Map(OPCODES.map(([code, , step]) => [typeof code === "string" ? code.charCodeAt(0) : code, step]));

/** Opcodes that are refused, for the message. */
const REFUSED: Readonly<Record<string, string>> = {
  "0": "POP",
  "1": "POP_MARK",
  "2": "DUP",
  F: "FLOAT",
  I: "INT",
  L: "LONG",
  S: "STRING",
  V: "UNICODE",
  P: "PERSID",
  d: "DICT",
  l: "LIST",
  i: "INST",
  o: "OBJ",
  p: "PUT",
  g: "GET",
  "\x81": "NEWOBJ",
  "\x82": "EXT1",
  "\x83": "EXT2",
  "\x84": "EXT4",
  "\x8b": "LONG4",
  "\x8e": "BINBYTES8",
  "\x8f": "EMPTY_SET",
  "\x90": "ADDITEMS",
  "\x91": "FROZENSET",
  "\x92": "NEWOBJ_EX",
  B: "BINBYTES",
  C: "SHORT_BINBYTES",
};

function opcodeName(code: number): string {
  const hex = `0x${code.toString(16).padStart(2, "0")}`;
  const name = REFUSED[String.fromCharCode(code)];
  return name === undefined ? hex : `${name} (${hex})`;
}

function fail(machine: PickleReader, problem: string): never {
  throw machine.wrong(problem);
}

function appendOne(m: PickleReader): void {
  const item = m.plain(m.pop());
  m.appendItems([item]);
}

function setOne(m: PickleReader): void {
  const value = m.plain(m.pop());
  const key = m.plain(m.pop());
  m.setItems([key, value]);
}

function importFromStack(m: PickleReader): void {
  const name = m.pop();
  const module = m.pop();
  if (typeof name !== "string" || typeof module !== "string")
    fail(m, `its pickle imports ${show(name)}, which is no name`);
  m.import(module, name);
}
