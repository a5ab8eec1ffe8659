import { readFile } from "node:fs/promises";
import { FileFormatError, invalid } from "@stillframe/torch/errors";
import { readJsonLines } from "../../data/index.js";
import type { Expected } from "../recognition.js";

/** One thing to draw. */
export interface Prompt {
  readonly text: string;
  /** The same in words that the base knows; null where they were not asked for. */
  readonly base: string | null;
  /** What the picture should show, question to answer; null where the file does not say. */
  readonly expected: Expected | null;
}

interface PromptFile {
  /** The option that names the file, for messages. */
  readonly name: string;
  readonly captionColumn: string;
  /** The field of a `metadata.jsonl` with the base's words; null for none. */
  readonly baseField?: string | null;
}

/** A prompt that says no more than its text. */
export const plainPrompt = (text: string): Prompt => ({ text, base: null, expected: null });

/**
 * Prompts from a file: one on each line of a text file, blank lines left out, or the captions of a `metadata.jsonl` (of a
 * list of captions the first) with what its field `asked` says of each.
 *
 * @throws InvalidArgumentError, FileFormatError for a file that is not there, is not UTF-8 or has no prompt
 */
export async function readPrompts(
  path: string,
  { name, captionColumn, baseField = null }: PromptFile,
): Promise<Prompt[]> {
  const bytes = await readFile(path).catch(() => {
    throw invalid(name, "a file of prompts", path);
  });
  const prompts = /\.jsonl$/i.test(path)
    ? await rowsOf(path, { captionColumn, baseField })
    : linesOf(path, bytes).map(plainPrompt);
  if (prompts.length === 0) throw new FileFormatError(path, "expected at least one prompt but the file has none");
  return prompts;
}

function linesOf(path: string, bytes: Uint8Array): string[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
  } catch {
    throw new FileFormatError(path, "expected text in UTF-8");
  }
}

async function rowsOf(
  path: string,
  { captionColumn, baseField }: { captionColumn: string; baseField: string | null },
): Promise<Prompt[]> {
  const prompts: Prompt[] = [];
  for await (const { fields, line } of readJsonLines(path)) {
    const where = `line ${line}: expected`;
    const caption = (column: string): string => {
      const value = fields[column];
      const text = Array.isArray(value) ? value[0] : value;
      if (typeof text === "string" && text.trim() !== "") return text;
      throw new FileFormatError(path, `${where} a caption in ${column} but received ${JSON.stringify(value)}`);
    };
    const { asked } = fields;
    if (asked !== undefined && !isExpected(asked))
      throw new FileFormatError(
        path,
        `${where} answers by their questions in asked but received ${JSON.stringify(asked)}`,
      );
    const base = baseField === null ? null : caption(baseField);
    prompts.push({ text: caption(captionColumn), base, expected: asked ?? null });
  }
  return prompts;
}

function isExpected(value: unknown): value is Expected {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((answer) => answer === null || typeof answer === "string");
}

/** A prompt that begins with the prefix, which is not put there twice. */
export function withPrefix(prompt: string, prefix: string): string {
  return prompt.startsWith(prefix.trim()) ? prompt : joined(prefix, prompt);
}

/** A prompt without the prefix, where it has it. */
export function withoutPrefix(prompt: string, prefix: string): string {
  const words = prefix.trim();
  return prompt.startsWith(words) ? prompt.slice(words.length).replace(/^[\s,]+/, "") : prompt;
}

/** `Still from the Anime` or `Still from the Anime,` and `a boy` → with one comma and one space between. */
export function joined(words: string, prompt: string): string {
  const head = words.trim();
  return /[,.;:]$/.test(head) ? `${head} ${prompt}` : `${head}, ${prompt}`;
}
