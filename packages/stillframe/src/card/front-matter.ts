import { createHash } from "node:crypto";
import { FileFormatError } from "@stillframe/torch/errors";
import { Document, isMap, parseDocument } from "yaml";
import type { HubFrontMatter } from "./hub-rules.js";

/** A README: the YAML between its first two `---` lines, and what follows. */
export interface SplitReadme {
  readonly yaml: string | undefined;
  readonly body: string;
}

export function splitReadme(text: string): SplitReadme {
  const normal = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const match = /^---[ \t]*\n(?:([\s\S]*?)\n)?---[ \t]*(?:\n|$)/.exec(normal);
  return match === null
    ? { yaml: undefined, body: normal }
    : { yaml: match[1] ?? "", body: normal.slice(match[0].length) };
}

/** A hash of each value that was generated, by its key: what a later writing knows a change by hand by. */
export type ValueHashes = Readonly<Record<string, string>>;

export function valueHashes(values: HubFrontMatter): ValueHashes {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, valueHash(value)]));
}

export interface MergedFrontMatter {
  readonly yaml: string;
  /** All values, a person's own included. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys whose values were changed by hand and stay. */
  readonly kept: readonly string[];
  /** Keys that were taken out by hand and stay out. */
  readonly removed: readonly string[];
}

/**
 * The generated values in the place of those that were generated before. A person's own keys and comments stay, and so
 * does a generated key that they changed or took out, unless `regenerate`.
 *
 * @throws FileFormatError when the old front matter is not YAML
 */
export function mergeFrontMatter(
  yaml: string | undefined,
  fresh: HubFrontMatter,
  { before, regenerate, source }: { before: ValueHashes; regenerate: boolean; source: string },
): MergedFrontMatter {
  const document = readYaml(yaml, source);
  const old = (document.toJS() ?? {}) as Record<string, unknown>;
  const kept: string[] = [];
  const removed: string[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(fresh)])) {
    const wasOurs = Object.hasOwn(before, key);
    const isThere = Object.hasOwn(old, key);
    const changed = isThere ? !wasOurs || valueHash(old[key]) !== before[key] : wasOurs;
    if (changed && !regenerate) {
      if (isThere) kept.push(key);
      else if (Object.hasOwn(fresh, key)) removed.push(key);
    } else if (!Object.hasOwn(fresh, key)) document.delete(key);
    else if (!isThere || valueHash(old[key]) !== valueHash(fresh[key]))
      document.set(key, document.createNode(fresh[key]));
  }
  // A value of the person's that happens to be ours is no change.
  const differing = kept.filter((key) => Object.hasOwn(fresh, key) && valueHash(old[key]) !== valueHash(fresh[key]));
  return {
    yaml: document.toString({ lineWidth: 0 }),
    values: document.toJS() as Record<string, unknown>,
    kept: differing,
    removed,
  };
}

function readYaml(yaml: string | undefined, source: string): Document {
  // Python's YAML reads `no` and `on` as truth values; such texts are quoted for both.
  const options = { compat: "yaml-1.1" as const };
  if (yaml === undefined || yaml.trim() === "") return new Document({}, options);
  const document = parseDocument(yaml, { ...options, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw new FileFormatError(source, `expected YAML between the --- lines: ${error.message}`);
  if (!isMap(document.contents))
    throw new FileFormatError(source, 'expected "name: value" lines between the --- lines');
  return document as Document;
}

function valueHash(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)) ?? "")
    .digest("hex")
    .slice(0, 8);
}

/** The order of keys is no difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
