import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { writeWhole } from "../files/write-whole.js";
import { isRepoName } from "../hub/repo-file.js";
import type { Environment } from "../hub/settings.js";
import { findLeaks, leakSearch } from "../publish/leaks.js";
import { mergeFrontMatter, splitReadme, valueHashes } from "./front-matter.js";
import { hubMetadata } from "./hub-metadata.js";
import { frontMatterProblems } from "./hub-rules.js";
import { LeftOut } from "./left-out.js";
import { joinCard, mergeCard, region, splitCard } from "./regions.js";
import { type RunRecord, readRun } from "./run-record.js";
import { SECTIONS } from "./sections/index.js";

export interface WriteCardOptions {
  /** `organisation/name` that the examples load the adapter from; default: what the card or the run says. */
  readonly repo?: string | undefined;
  /** Power during training; default: what the card says. */
  readonly watts?: number | undefined;
  /** Write parts anew that were edited or taken out by hand. */
  readonly regenerate?: boolean | undefined;
  readonly env?: Environment | undefined;
}

/** A card as it was written, or would be. */
export interface Card {
  readonly path: string;
  readonly text: string;
  /** Generated parts that are in it, in their order. */
  readonly sections: readonly string[];
  readonly leftOut: readonly { readonly section: string; readonly reason: string }[];
  /** Parts and front-matter keys that were edited or taken out by hand and stay so. */
  readonly kept: readonly string[];
  /** What the Hub, or the publisher, would not take. */
  readonly warnings: readonly string[];
}

const CARD_FILE = "README.md";

/**
 * Writes a run's model card, `README.md`, from its manifest, its evaluation and its events. A part whose facts are
 * missing is left out. Of a card that is there, everything stays that a person wrote.
 *
 * @throws InvalidArgumentError when `run` is no run's folder, FileFormatError when a file in it is damaged
 */
export function writeCard(run: string, options: WriteCardOptions = {}): Card {
  const card = composeCard(run, options);
  if (!existsSync(card.path) || readFileSync(card.path, "utf8") !== card.text) writeWhole(card.path, card.text);
  return card;
}

/** The card that {@link writeCard} would write. */
export function composeCard(run: string, { regenerate = false, ...options }: WriteCardOptions = {}): Card {
  const path = join(run, CARD_FILE);
  const { yaml, body } = splitReadme(existsSync(path) ? readFileSync(path, "utf8") : "");
  const { note, rest } = takeNote(body);
  const record = readRun(run, {
    env: options.env,
    repo: options.repo ?? note.repo,
    watts: options.watts ?? note.watts,
  });
  const metadata = hubMetadata(record);
  const head = mergeFrontMatter(yaml, metadata, { before: note.values, regenerate, source: path });
  const old = splitCard(rest, path);
  // A person's own heading is the title then; a comment in their code is no heading.
  const prose = old.flatMap((part) =>
    part.kind === "text" ? [part.text.replaceAll(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, "")] : [],
  );
  const hasTitle = prose.some((text) => /^# /m.test(text));
  const { fresh, leftOut } = sectionsOf(record, hasTitle ? ["title"] : []);
  const merged = mergeCard(old, fresh, { before: note.sections, regenerate });
  const sections = merged.parts.flatMap((part) => (part.kind === "region" ? [part.id] : []));
  const next: Note = {
    sections: [...new Set([...sections, ...merged.removed])],
    values: valueHashes(metadata),
    ...(record.repo !== undefined && { repo: record.repo }),
    ...(record.watts !== undefined && { watts: record.watts }),
  };
  const text = `---\n${head.yaml}---\n\n${noteText(next)}\n\n${joinCard(merged.parts)}\n`;
  const hand = [...head.kept, ...head.removed].map((key) => `front matter: ${key}`);
  const kept = [...merged.kept, ...merged.removed, ...hand];
  const warnings = warningsOf(run, { text, values: head.values }, options.env);
  return { path, text, sections, leftOut, kept, warnings };
}

function sectionsOf(record: RunRecord, without: readonly string[]) {
  const fresh = [];
  const leftOut = [];
  for (const { id, write } of SECTIONS) {
    if (without.includes(id)) continue;
    const written = write(record);
    if (written instanceof LeftOut) leftOut.push({ section: id, reason: written.reason });
    else fresh.push(region(id, written));
  }
  return { fresh, leftOut };
}

function warningsOf(
  run: string,
  { text, values }: { text: string; values: Readonly<Record<string, unknown>> },
  env: Environment | undefined,
): string[] {
  const leaks = findLeaks(text, leakSearch([resolve(run)], { env }));
  return [
    ...frontMatterProblems(values).map((problem) => `the Hub would refuse the front matter: ${problem}`),
    ...leaks.map(({ what, line }) => `line ${line} holds ${what}: publishing refuses that`),
  ];
}

/** What a writing leaves for the next one: what was generated, and what the person said on the command line. */
const NoteSchema = z.object({
  sections: z.array(z.string()).default([]),
  values: z.record(z.string(), z.string()).default({}),
  repo: z.string().refine(isRepoName).optional(),
  watts: z.number().positive().optional(),
});
type Note = z.output<typeof NoteSchema>;

const NOTE = /^<!-- stillframe:card (\{.*\}) -->[ \t]*$\n?/m;
const FOR_PEOPLE =
  "<!-- stillframe card writes what stands between a begin and an end mark. Write your own text outside of them: it stays. -->";

function noteText(note: Note): string {
  return `<!-- stillframe:card ${JSON.stringify(note)} -->\n${FOR_PEOPLE}`;
}

/** The note, and the body without it. A note that cannot be read is as good as none: then everything is the person's. */
function takeNote(body: string): { note: Note; rest: string } {
  const empty: Note = { sections: [], values: {} };
  const match = NOTE.exec(body);
  if (match === null) return { note: empty, rest: body };
  const rest = body.replace(NOTE, "").replace(`${FOR_PEOPLE}\n`, "");
  try {
    return { note: NoteSchema.parse(JSON.parse(match[1] as string)), rest };
  } catch {
    return { note: empty, rest };
  }
}
