import { readFileSync } from "node:fs";
import { type AnyOptionSet, type OptionSpec, unknownOption } from "@stillframe/schema";
import { type Document, isMap, isNode, isScalar, LineCounter, type Pair, parseDocument } from "yaml";

/** Options read from a YAML file. */
export interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>;
  /** Where each option stands, for messages: `run.yaml:3`. */
  readonly places: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
  /** Whether the file was read to its end; if not, an option that is missing may stand in it. */
  readonly whole: boolean;
}

/**
 * Reads a flat YAML map of options, in any spelling that the command line takes. An option of kind list may be a single
 * value. Types are YAML 1.2's: `no` is text, `false` is not.
 */
export function readConfigFile(set: AnyOptionSet, path: string): ConfigFile {
  const places = new Map<string, string>();
  const unreadable = (...problems: string[]) => ({ values: {}, places, problems, whole: false });
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return unreadable(`cannot read --config ${path}: ${reason(error as NodeJS.ErrnoException)}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const placeAt = (offset: number) => `${path}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0)
    return unreadable(...document.errors.map((error) => `${placeAt(error.pos[0])}: ${error.message}`));
  if (document.contents === null) return { values: {}, places, problems: [], whole: true };
  if (!isMap(document.contents)) return unreadable(`${path}: expected options as "name: value", one a line`);

  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const pair of document.contents.items) {
    const { name, place } = keyOf(pair, placeAt);
    const spec = set.find(name);
    const earlier = spec && places.get(spec.name);
    if (spec === undefined) problems.push(`${place}: ${unknownOption(name, set.nearest(name))}`);
    else if (earlier !== undefined) problems.push(`${place}: ${spec.name} is given twice, first at ${earlier}`);
    else {
      values[spec.name] = valueIn(pair, spec, document);
      places.set(spec.name, place);
    }
  }
  return { values, places, problems, whole: true };
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  return code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : message;
}

function valueIn({ value: node }: Pair, spec: OptionSpec, document: Document): unknown {
  const value: unknown = isNode(node) ? node.toJS(document) : null;
  return spec.kind === "list" && typeof value === "string" ? [value] : value;
}

function keyOf(pair: Pair, placeAt: (offset: number) => string): { name: string; place: string } {
  const { key } = pair;
  if (!isScalar(key)) return { name: String(key), place: placeAt(0) };
  return { name: String(key.value), place: placeAt(key.range?.[0] ?? 0) };
}
