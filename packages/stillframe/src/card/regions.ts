import { createHash } from "node:crypto";
import { FileFormatError } from "@stillframe/torch/errors";

/**
 * A card's text, in parts: regions that were generated, between two marks each, and what a person wrote around them.
 *
 * ```
 * <!-- stillframe:begin usage 0123456789ab -->
 * …
 * <!-- stillframe:end usage -->
 * ```
 *
 * The mark holds a hash of the region, so that a change by hand is seen.
 */
export type CardPart = { readonly kind: "text"; readonly text: string } | Region;

export interface Region {
  readonly kind: "region";
  readonly id: string;
  readonly content: string;
  /** Of the content as it was generated. */
  readonly hash: string;
}

const BEGIN = /^<!-- stillframe:begin ([a-z]+) ([0-9a-f]{12}) -->[ \t]*$/;
const END = /^<!-- stillframe:end ([a-z]+) -->[ \t]*$/;

/** A hash of a region that does not change with white space at its ends. */
export function contentHash(content: string): string {
  return createHash("sha256").update(content.trim()).digest("hex").slice(0, 12);
}

export function region(id: string, content: string): Region {
  return { kind: "region", id, content: content.trim(), hash: contentHash(content) };
}

export function isEdited({ content, hash }: Region): boolean {
  return contentHash(content) !== hash;
}

/**
 * The parts of a card's body, in their order.
 *
 * @throws FileFormatError when a mark has lost its other one: then nobody can tell what was written by hand
 */
export function splitCard(body: string, source: string): CardPart[] {
  const parts: CardPart[] = [];
  let text: string[] = [];
  let open: { id: string; hash: string; lines: string[] } | undefined;
  const bad = (problem: string, line: number) =>
    new FileFormatError(source, `${problem} (line ${line + 1} below the front matter)`);
  const seen = new Set<string>();
  for (const [i, line] of body.split("\n").entries()) {
    const [, begun, hash = ""] = BEGIN.exec(line) ?? [];
    const ended = END.exec(line)?.[1];
    if (begun !== undefined) {
      if (open !== undefined) throw bad(`expected the mark "stillframe:end ${open.id}" before "begin ${begun}"`, i);
      if (seen.has(begun)) throw bad(`expected one part ${begun} but found a second`, i);
      seen.add(begun);
      parts.push({ kind: "text", text: text.join("\n") });
      text = [];
      open = { id: begun, hash, lines: [] };
    } else if (ended !== undefined) {
      if (open?.id !== ended) throw bad(`expected the mark "stillframe:begin ${ended}" before its end`, i);
      parts.push({ kind: "region", id: ended, hash: open.hash, content: open.lines.join("\n").trim() });
      open = undefined;
    } else (open?.lines ?? text).push(line);
  }
  if (open !== undefined)
    throw new FileFormatError(source, `expected the mark "stillframe:end ${open.id}" behind its part`);
  parts.push({ kind: "text", text: text.join("\n") });
  return parts.filter((part) => part.kind === "region" || part.text.trim() !== "");
}

/** The body again. */
export function joinCard(parts: readonly CardPart[]): string {
  return parts.map((part) => (part.kind === "text" ? part.text.replace(/^\n+|\s+$/g, "") : marked(part))).join("\n\n");
}

function marked({ id, hash, content }: Region): string {
  return `<!-- stillframe:begin ${id} ${hash} -->\n\n${content}\n\n<!-- stillframe:end ${id} -->`;
}

/** What a merge has to know besides the old parts and the new ones. */
export interface MergeOptions {
  /** Parts that the card had when it was last written. */
  readonly before: readonly string[];
  /** Write parts anew that were edited or taken out by hand. */
  readonly regenerate: boolean;
}

export interface Merged {
  readonly parts: readonly CardPart[];
  /** Parts that were edited by hand and stay as they are. */
  readonly kept: readonly string[];
  /** Parts that were taken out by hand and stay out. */
  readonly removed: readonly string[];
}

/** New regions in the places of the old ones; what a person wrote stays. New parts come behind the one before them. */
export function mergeCard(
  old: readonly CardPart[],
  fresh: readonly Region[],
  { before, regenerate }: MergeOptions,
): Merged {
  const kept: string[] = [];
  const parts = old.flatMap((part): CardPart[] => {
    if (part.kind === "text") return [part];
    if (isEdited(part) && !regenerate) {
      kept.push(part.id);
      return [part];
    }
    return fresh.filter(({ id }) => id === part.id);
  });
  const has = (id: string) => old.some((part) => part.kind === "region" && part.id === id);
  const removed = regenerate ? [] : fresh.map(({ id }) => id).filter((id) => before.includes(id) && !has(id));
  for (const [i, one] of fresh.entries()) {
    if (has(one.id) || removed.includes(one.id)) continue;
    const previous = fresh.slice(0, i).map(({ id }) => id);
    const after = parts.findLastIndex((part) => part.kind === "region" && previous.includes(part.id));
    const following = parts.findIndex((part) => part.kind === "region");
    parts.splice(after >= 0 ? after + 1 : following >= 0 ? following : parts.length, 0, one);
  }
  return { parts, kept, removed };
}
