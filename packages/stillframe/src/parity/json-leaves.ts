/** A step of a path within a JSON document; paths are joined with `/`, because keys hold dots. */
export const jsonPath = (...steps: readonly (string | number)[]): string => steps.join("/");

/**
 * Reads JSON as Python writes it: infinities are the bare words `Infinity` and `-Infinity`.
 *
 * @throws SyntaxError on anything else that is not JSON
 */
export function parsePythonJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const words = text.replace(/([:[,]\s*)(-?)Infinity(?=\s*[,}\]])/g, "$1$21e999");
    if (words === text) throw error;
    return JSON.parse(words);
  }
}

/** Keys that tell how a reference was made or how exact it is; nothing under them is a quantity to reproduce. */
const REMARK = /^(note|notes|description|comment|call|precision|seed)$|fp32_vs_fp64|perturbation|version/;

/**
 * Paths of the quantities of a JSON document: numbers, truth values and lists of plain values. A string that stands
 * alone is an input or a remark, never a quantity.
 */
export function quantityPaths(value: unknown, path = ""): string[] {
  if (typeof value === "string" || value === null) return [];
  if (typeof value !== "object") return [path];
  const entries = Object.entries(value);
  if (Array.isArray(value) && value.every((v) => typeof v !== "object" || v === null || Array.isArray(v)))
    return value.length === 0 && path === "" ? [] : [path];
  return entries.flatMap(([key, inner]) =>
    REMARK.test(key) ? [] : quantityPaths(inner, path === "" ? key : `${path}/${key}`),
  );
}
