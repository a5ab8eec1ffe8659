import type { Manifest } from "@stillframe/schema";
import { scrubPaths } from "../publish/scrub.js";
import { codeBlock } from "./markdown.js";
import { manifestOf } from "./run-record.js";

const FIRST_LINE = '{ "format": "stillframe-manifest",';

/**
 * The manifest as a block of the card, so that the card alone tells how to train again: without the paths of the machine
 * and without the list of trained tensors, which the weights themselves have.
 */
export function provenanceBlock(manifest: Manifest): string {
  const { format: _format, ...rest } = manifest;
  const scrubbed = scrubPaths({ ...rest, adapter: { ...manifest.adapter, keys: [] } }) as Record<string, unknown>;
  const fields = Object.entries(scrubbed).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return codeBlock(`${FIRST_LINE}\n${fields.join(",\n")} }`, "json");
}

/**
 * The manifest that a card holds, or `undefined` when it holds none.
 *
 * @throws FileFormatError or TypeError when it was damaged
 */
export function manifestInCard(card: string, source: string): Manifest | undefined {
  const lines = card.split(/\r?\n/);
  const begin = lines.indexOf(FIRST_LINE);
  const fence = /^`{3,}/.exec(lines[begin - 1] ?? "")?.[0];
  if (begin < 1 || fence === undefined) return undefined;
  const length = lines.slice(begin).indexOf(fence);
  const json = length < 0 ? lines.slice(begin) : lines.slice(begin, begin + length);
  return manifestOf(json.join("\n"), `${source} (line ${begin + 1})`);
}
