import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FileFormatError } from "@stillframe/torch/errors";
import { CsvError, parse } from "csv-parse";

/** One line of a metadata file. */
export interface MetadataRecord {
  /** Counted from 1; of a CSV record over several lines, the first. */
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Longer lines are an error: the file is hardly lines of JSON then, and memory is not for guessing. */
const MAX_LINE_LENGTH = 16 * 2 ** 20;

/**
 * The records of a `metadata.jsonl`, streamed. Blank lines are passed over.
 *
 * @throws FileFormatError that names the file and the line, for a line that is not a JSON object.
 */
export async function* readJsonLines(path: string): AsyncGenerator<MetadataRecord, void> {
  let line = 0;
  for await (const text of readLines(path)) {
    line++;
    if (text.trim() === "") continue;
    yield { line, fields: parseObject(text, path, line) };
  }
}

function parseObject(text: string, path: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FileFormatError(path, `line ${line}: expected a JSON object but ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new FileFormatError(path, `line ${line}: expected a JSON object but found ${text.trim().slice(0, 60)}`);
  return value as Record<string, unknown>;
}

/**
 * The records of a `metadata.csv` with a header line, streamed; quoting as in RFC 4180. An empty cell is an absent field.
 *
 * @throws FileFormatError that names the file and the line, for a record that does not fit the header or the quoting.
 */
export async function* readCsv(path: string): AsyncGenerator<MetadataRecord, void> {
  const columns = (header: string[]): string[] => checkHeader(header, path);
  const parser = parse({ columns, raw: true, skip_empty_lines: true });
  const feeding = pipeline(Readable.from(readText(path)), parser);
  // The parser is destroyed with the same error, which the loop below throws.
  feeding.catch(() => {});
  // The parser's own line numbers count a line break of two characters twice when it is quoted.
  let line = 2;
  try {
    for await (const { record, raw } of parser as AsyncIterable<{ record: Record<string, string>; raw: string }>) {
      const fields = Object.fromEntries(Object.entries(record).filter(([, cell]) => cell !== ""));
      yield { line: line + lineBreaks(/^[\r\n]*/.exec(raw)![0]), fields };
      line += lineBreaks(raw);
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new FileFormatError(path, `line ${line}: ${error.message}`);
  }
}

const lineBreaks = (text: string): number => text.match(/\r\n|\r|\n/g)?.length ?? 0;

function checkHeader(header: string[], path: string): string[] {
  const repeated = header.find((name, i) => header.indexOf(name) !== i);
  if (repeated !== undefined)
    throw new FileFormatError(path, `line 1: expected each column once but ${JSON.stringify(repeated)} is repeated`);
  return header;
}

async function* readLines(path: string): AsyncGenerator<string, void> {
  let rest = "";
  for await (const chunk of readText(path)) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > MAX_LINE_LENGTH)
      throw new FileFormatError(path, `expected lines of at most ${MAX_LINE_LENGTH} characters`);
  }
  if (rest !== "") yield rest;
}

/** Decoded pieces of a UTF-8 file, without the byte order mark. */
async function* readText(path: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new FileFormatError(path, `expected UTF-8 but found other bytes before byte ${bytes}`);
    }
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    yield decode(chunk);
  }
  yield decode();
}
