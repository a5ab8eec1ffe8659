import { readFile } from "node:fs/promises";
import { FileFormatError, invalid } from "@stillframe/torch/errors";
import { readJsonLines } from "../../data/index.js";

/**
 * Prompts from a file: one on each line of a text file, blank lines left out, or the captions of a `metadata.jsonl` (of a
 * list of captions the first).
 *
 * @param name the option that names the file, for messages
 * @throws InvalidArgumentError, FileFormatError for a file that is not there, is not UTF-8 or has no prompt
 */
export async function readPrompts(
  path: string,
  { name, captionColumn }: { name: string; captionColumn: string },
): Promise<string[]> {
  const bytes = await readFile(path).catch(() => {
    throw invalid(name, "a file of prompts", path);
  });
  const prompts = /\.jsonl$/i.test(path) ? await captionsOf(path, captionColumn) : linesOf(path, bytes);
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

async function captionsOf(path: string, column: string): Promise<string[]> {
  const captions: string[] = [];
  for await (const { fields, line } of readJsonLines(path)) {
    const value = fields[column];
    const caption = Array.isArray(value) ? value[0] : value;
    if (typeof caption !== "string" || caption.trim() === "")
      throw new FileFormatError(
        path,
        `line ${line}: expected a caption in ${column} but received ${JSON.stringify(value)}`,
      );
    captions.push(caption);
  }
  return captions;
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
