import type { Manifest } from "@stillframe/schema";

/** A beginning that several captions share. */
export interface CaptionOpening {
  /** Without the space that follows it: `Still from the Anime,`. */
  readonly text: string;
  /** How many captions begin so. */
  readonly captions: number;
}

/** An opening of fewer captions says nothing of the data. */
const LEAST_SHARE = 0.1;
/** A word belongs to the opening when so many of its captions go on with it. */
const TOGETHER = 0.8;
const MOST_OPENINGS = 5;
/** Words that begin any sentence, or end an opening in the middle of a thought. */
const FILLERS = new Set(["a", "an", "the", "in", "on", "at", "there", "this", "it", "is", "are", "two", "his", "her"]);

/**
 * Beginnings that at least a tenth of the captions share, the commonest first. Captions are grouped by their first word;
 * a group's opening goes on while most of its captions do, and ends after its last comma or other mark if it has one.
 */
export function commonOpenings(captions: readonly string[]): CaptionOpening[] {
  const groups = groupBy(
    captions.map((caption) => caption.trim().split(/\s+/)),
    (words) => words[0] ?? "",
  );
  const openings = [...groups].flatMap(([first, members]) => {
    if (first === "" || members.length < LEAST_SHARE * captions.length || members.length < 2) return [];
    const text = finished(longestOpening(members));
    return text === "" ? [] : [{ text, captions: captions.filter((caption) => beginsWith(caption, text)).length }];
  });
  return openings.sort((a, b) => b.captions - a.captions).slice(0, MOST_OPENINGS);
}

/** Whether a caption begins with the words of an opening. */
export function beginsWith(caption: string, opening: string): boolean {
  const text = caption.trim().replaceAll(/\s+/g, " ");
  // `A cat` does not begin `A catalogue`.
  const cutsWord = /\w$/.test(opening) && /^\w/.test(text.slice(opening.length));
  return text.startsWith(opening) && !cutsWord;
}

/** What a prompt has to begin with, and what says so. */
export interface StylePrefix {
  /** As it is put before a prompt: `Still from the Anime, `. */
  readonly prefix: string;
  readonly evidence:
    | { readonly kind: "option" }
    | { readonly kind: "captions"; readonly with: number; readonly of: number }
    | { readonly kind: "prompts"; readonly with: number; readonly of: number };
}

/** Prompts of an evaluation are as good as captions from this many on. */
const ENOUGH_PROMPTS = 5;

/**
 * The prefix that the style needs: the option that put it before every caption, or else what nearly all captions begin
 * with, or else what nearly all prompts of the evaluation do. `undefined` when there is none, or nothing is known.
 */
export function stylePrefix(
  { options, data }: Pick<Manifest, "options" | "data">,
  prompts: readonly string[] = [],
): StylePrefix | undefined {
  const option = options.caption_prefix;
  if (typeof option === "string" && option.trim() !== "") return { prefix: option, evidence: { kind: "option" } };
  const [opening] = data.captions.openings ?? [];
  const all = data.captions.captions - data.captions.empty;
  if (opening !== undefined && all > 0 && opening.captions >= TOGETHER * all)
    return { prefix: `${opening.text} `, evidence: { kind: "captions", with: opening.captions, of: all } };
  if (data.captions.openings !== undefined) return undefined;
  const distinct = [...new Set(prompts)];
  const [shared] = distinct.length >= ENOUGH_PROMPTS ? commonOpenings(distinct) : [];
  if (shared === undefined || shared.captions < TOGETHER * distinct.length) return undefined;
  return { prefix: `${shared.text} `, evidence: { kind: "prompts", with: shared.captions, of: distinct.length } };
}

/** The prefix as a trigger: without the mark that parts it from what follows. */
export function triggerOf({ prefix }: StylePrefix): string {
  return prefix.trim().replace(/[\s,.:;|–—-]+$/, "");
}

function longestOpening(members: readonly (readonly string[])[]): string[] {
  const opening = [members[0]?.[0] as string];
  let going = members;
  for (;;) {
    const next = [...groupBy(going, (words) => words[opening.length] ?? "")].sort((a, b) => b[1].length - a[1].length);
    const [word, followers] = next[0] ?? ["", []];
    if (word === "" || followers.length < TOGETHER * members.length) return opening;
    opening.push(word);
    going = followers;
  }
}

/** The opening up to its last mark, or without the fillers that its end hangs on; empty when nothing is left. */
function finished(words: readonly string[]): string {
  const marked = words.findLastIndex((word) => /[,.:;|–—-]$/.test(word));
  if (marked >= 0) return words.slice(0, marked + 1).join(" ");
  const end = words.findLastIndex((word) => !FILLERS.has(word.toLowerCase()));
  return words.slice(0, end + 1).join(" ");
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
