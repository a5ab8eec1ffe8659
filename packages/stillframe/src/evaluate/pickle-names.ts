/** A storage of numbers, named in the pickle and kept outside of it. */
export interface StorageRecord {
  readonly kind: "storage";
  /** For instance `FloatStorage`. */
  readonly type: string;
  readonly key: string;
  /** Number of elements. */
  readonly numel: number;
}

/** A tensor: a window of a storage. */
export interface TensorRecord {
  readonly kind: "tensor";
  readonly storage: StorageRecord;
  /** In elements, as the strides. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** What a pickle of weights may hold. Dictionaries become maps, lists and tuples arrays, `None` null. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | TensorRecord
  | StorageRecord
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>;

/** A name that the pickle may import, and what calling it makes. It stands for no code of Python's. */
export interface Global {
  readonly kind: "global";
  readonly name: string;
  readonly call: ((args: readonly Item[]) => Item) | null;
}
export const MARK = Symbol("mark");
/** What lies on the machine's stack. */
export type Item = PickleValue | Global | typeof MARK;

export const isGlobal = (item: unknown): item is Global =>
  typeof item === "object" && item !== null && (item as Global).kind === "global";
export const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
const isCounts = (v: unknown): v is number[] => Array.isArray(v) && v.every(isCount);

const STORAGES = ["Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"].map(
  (t) => `${t}Storage`,
);

/** `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)` */
function rebuildTensor(args: readonly Item[]): TensorRecord {
  const [storage, offset, shape, strides] = args;
  if (
    (storage as StorageRecord | null)?.kind !== "storage" ||
    !isCount(offset) ||
    !isCounts(shape) ||
    !isCounts(strides) ||
    shape.length !== strides.length
  )
    throw new Error("tensor");
  return { kind: "tensor", storage: storage as StorageRecord, offset, shape, strides };
}

function rebuildParameter([data]: readonly Item[]): TensorRecord {
  if ((data as TensorRecord | null)?.kind !== "tensor") throw new Error("parameter");
  return data as TensorRecord;
}

function orderedDict(args: readonly Item[]): Map<PickleValue, PickleValue> {
  const pairs = args[0] ?? [];
  if (!Array.isArray(pairs) || !pairs.every((p) => Array.isArray(p) && p.length === 2))
    throw new Error("list of pairs");
  return new Map(pairs as [PickleValue, PickleValue][]);
}

function size([list]: readonly Item[]): number[] {
  if (!isCounts(list)) throw new Error("shape");
  return list;
}

/** Every name that weights need. A name without a function is a type, and stands in a storage's description alone. */
export const GLOBALS: ReadonlyMap<string, Global> = new Map(
  (
    [
      ["collections.OrderedDict", orderedDict],
      ["torch._utils._rebuild_tensor_v2", rebuildTensor],
      ["torch._utils._rebuild_tensor", rebuildTensor],
      ["torch._utils._rebuild_parameter", rebuildParameter],
      ["torch.Size", size],
      ...STORAGES.map((type) => [`torch.${type}`, null] as const),
    ] as const
  ).map(([name, call]) => [name, { kind: "global", name, call }]),
);
