/** Text as one line: runs of white space become one space. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** Text that shows as it is, whatever Markdown or HTML it looks like. */
export function plain(text: string): string {
  return oneLine(text).replaceAll(/[\\`*_{}[\]<>#|~$&!]/g, (mark) =>
    mark === "<" || mark === "&" ? `&${mark === "<" ? "lt" : "amp"};` : `\\${mark}`,
  );
}

/** Text in a typewriter face; a pipe is escaped as tables need it. */
export function code(text: string): string {
  const line = oneLine(text);
  if (line === "") return "";
  const ticks = "`".repeat(longestRun(line, /`+/g) + 1);
  const space = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${space}${line}${space}${ticks}`;
}

/** Lines of code in a block; text that holds backticks gets a longer fence. */
export function codeBlock(text: string, language = ""): string {
  const fence = "`".repeat(Math.max(3, longestRun(text, /`+/g) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A table; cells are Markdown, and their pipes and line breaks are made harmless. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** A part that is folded until it is clicked. */
export function folded(summary: string, content: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${content}\n\n</details>`;
}

/** A picture of the repository. */
export function picture(path: string, description: string): string {
  return `![${plain(description)}](${encodeURI(path).replaceAll("(", "%28").replaceAll(")", "%29")})`;
}

/** `1234567 → 1,234,567`. */
export function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 1 });
}

/** `1 picture`, `1,790 pictures`. */
export function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Four significant digits. */
export function measured(value: number): string {
  return value === 0 ? "0" : String(Number(value.toPrecision(4)));
}

/** Two significant digits, for what is an estimate. */
export function rough(value: number): string {
  return number(Number(value.toPrecision(2)));
}

function cell(markdown: string): string {
  // `\|` is a pipe in a table even inside code; what `plain` escaped already stays.
  return markdown.replaceAll(/\n+/g, "<br>").replaceAll(/(?<!\\)\|/g, "\\|");
}

function longestRun(text: string, runs: RegExp): number {
  return Math.max(0, ...[...text.matchAll(runs)].map(([run]) => run.length));
}
