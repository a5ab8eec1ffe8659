import { invalid } from "./errors.js";

/** Element types, by their usual names. */
export type DType =
  | "uint8"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float16"
  | "float32"
  | "float64"
  | "bool"
  | "bfloat16";

/** `c10::ScalarType`'s numbers: they are part of libtorch's file format and do not change. */
const CODES: Readonly<Record<DType, number>> = {
  uint8: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  float16: 5,
  float32: 6,
  float64: 7,
  bool: 11,
  bfloat16: 15,
};
const NAMES = new Map(Object.entries(CODES).map(([name, code]) => [code, name as DType]));

/** Bytes of one element. */
export const ELEMENT_SIZE: Readonly<Record<DType, number>> = {
  uint8: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
  bool: 1,
  bfloat16: 2,
};

/** libtorch's number of an element type. */
export function dtypeCode(dtype: DType): number {
  const code = CODES[dtype];
  if (code === undefined) throw invalid("dtype", `one of ${Object.keys(CODES).join(", ")}`, dtype);
  return code;
}

/** The name of libtorch's number. */
export function dtypeName(code: number): DType {
  const name = NAMES.get(code);
  if (name === undefined) throw invalid("dtype", "an element type that this library handles", code);
  return name;
}

/** Whether an element type is a floating-point one. */
export const isFloating = (dtype: DType): boolean => dtype.startsWith("float") || dtype === "bfloat16";
