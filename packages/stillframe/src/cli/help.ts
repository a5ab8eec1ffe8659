import { type AnyOptionSet, formatOptionValue, type OptionSpec } from "@stillframe/schema";
import type { Command } from "./command.js";
import { styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";
import { paragraph, wrap } from "./wrap.js";

/** Lines longer than this are hard to read, however wide the window is. */
const WIDEST = 120;
/** Below this, help stands under its option instead of beside it. */
const TWO_COLUMNS_FROM = 60;
/** An option that is longer has its help on the next line. */
const LEFT_COLUMN = 30;

type Page = Pick<Terminal, "color" | "columns">;

/** What every command takes. */
const COMMON: readonly OptionLine[] = [
  { term: "--config=FILE", text: "Read options from a YAML file; what stands on the command line wins." },
  { term: "-h, --help", text: "Show this page." },
];

interface OptionLine {
  readonly term: string;
  readonly text: string;
}

/** The page of one command: `stillframe train --help`. */
export function commandHelp({ options, examples }: Command, page: Page): string {
  const columns = Math.min(page.columns(), WIDEST);
  const style = styleFor(page.color);
  const groups = options.groups.map((group) => {
    const lines = options.specs.filter((spec) => spec.group === group.id).map(optionLine);
    return [style.bold(group.title), ...lines.map((line) => entry(line, columns, style.bold))].join("\n");
  });
  return `${[
    paragraph(`${options.summary}.`, columns),
    [style.bold("Usage"), usage(options, columns)].join("\n"),
    ...groups,
    [style.bold("Everywhere"), ...COMMON.map((line) => entry(line, columns, style.bold))].join("\n"),
    paragraph(SPELLING, columns),
    [
      style.bold(examples.length === 1 ? "Example" : "Examples"),
      ...examples.map((line) => exampleLines(line, columns)),
    ].join("\n"),
  ].join("\n\n")}\n`;
}

const SPELLING =
  "Underscores and hyphens are the same: --train-batch-size is --train_batch_size. A value follows after = or a space. " +
  "A switch needs none; --no-NAME turns it off.";

/** The page of all commands: `stillframe --help`. */
export function overviewHelp(commands: readonly Command[], page: Page): string {
  const columns = Math.min(page.columns(), WIDEST);
  const style = styleFor(page.color);
  const lines = [
    ...commands.map(({ options }) => ({ term: options.command, text: `${options.summary}.` })),
    { term: "help", text: "Show the options of a command: stillframe help train." },
    { term: "version", text: "Show the versions of Stillframe and Node." },
  ];
  return `${[
    paragraph("Stillframe fine-tunes Stable Diffusion XL to a style.", columns),
    [style.bold("Usage"), "  stillframe COMMAND [options]"].join("\n"),
    [style.bold("Commands"), ...lines.map((line) => entry(line, columns, style.bold, 12))].join("\n"),
    paragraph("Set STILLFRAME_DEBUG=1 to see where an error came from, and NO_COLOR=1 for plain text.", columns),
  ].join("\n\n")}\n`;
}

function usage({ command, specs }: AnyOptionSet, columns: number): string {
  const positional = specs.filter((spec) => spec.positional === true);
  const values = positional.map((spec) => (spec.required ? metavar(spec) : `[${metavar(spec)}]`));
  const required = specs.filter((spec) => spec.required && !positional.includes(spec));
  const named = required.map((spec) => `--${spec.name}=${metavar(spec)}`);
  const lines = wrap(["stillframe", command, ...values, ...named, "[options]"].join(" "), columns - 4);
  return lines.map((line, i) => `${i === 0 ? "  " : "    "}${line}`).join("\n");
}

/** The option and its help with the default behind: `Frames a second. (default: 25)`. */
function optionLine(spec: OptionSpec): OptionLine {
  const parts = [spec.help];
  // Choices that the metavar does not list already.
  if (spec.kind === "choice" && spec.metavar !== undefined) parts.push(`One of ${spec.choices.join(", ")}.`);
  if (spec.aliases !== undefined) parts.push(`Also: ${spec.aliases.map((name) => `--${name}`).join(", ")}.`);
  const standard = defaultText(spec);
  if (standard !== undefined) parts.push(`(${standard})`);
  return { term: optionTerm(spec), text: parts.join(" ") };
}

function optionTerm(spec: OptionSpec): string {
  if (spec.positional === true) return metavar(spec);
  if (spec.kind !== "boolean") return `--${spec.name}=${metavar(spec)}`;
  return spec.default === true ? `--no-${spec.name}` : `--${spec.name}`;
}

function metavar(spec: OptionSpec): string {
  if (spec.metavar !== undefined) return spec.metavar;
  switch (spec.kind) {
    case "integer":
      return "N";
    case "number":
      return "X";
    case "choice":
      return spec.choices.join("|");
    default:
      return "TEXT";
  }
}

/** What stands in parentheses: the default, or that there is none; nothing for a switch that is off. */
function defaultText(spec: OptionSpec): string | undefined {
  if (spec.required) return "required";
  if (spec.default === null) return spec.unset === undefined ? undefined : `default: ${spec.unset}`;
  if (spec.kind === "boolean") return spec.default === true ? "default: on; this turns it off" : undefined;
  if (spec.default === "") return undefined;
  return `default: ${formatOptionValue(spec.default)}`;
}

/** `  --rank=N    Help…` with the help wrapped in its column, or below when the term is too long for its own. */
function entry(
  { term, text }: OptionLine,
  columns: number,
  bold: (text: string) => string,
  left = LEFT_COLUMN,
): string {
  const beside = columns >= TWO_COLUMNS_FROM;
  const indent = beside ? left : 6;
  const lines = wrap(text, columns - indent);
  const margin = " ".repeat(indent);
  const head = `  ${bold(term)}`;
  const room = indent - 2 - term.length;
  if (!beside || room < 2) return [head, ...lines.map((line) => margin + line)].join("\n");
  const [first = "", ...rest] = lines;
  return [`${head}${" ".repeat(room)}${first}`, ...rest.map((line) => margin + line)].join("\n");
}

/** A command line that is too long is broken before its options, as a shell takes it. */
function exampleLines(example: string, columns: number): string {
  const words = example.split(/ (?=--)/);
  const lines: string[] = [];
  let line = "  ";
  for (const [i, word] of words.entries()) {
    const ending = i === words.length - 1 ? 0 : 2;
    if (line.trim() !== "" && line.length + 1 + word.length + ending > columns) {
      lines.push(`${line} \\`);
      line = `    ${word}`;
    } else {
      line += line.trim() === "" ? word : ` ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
