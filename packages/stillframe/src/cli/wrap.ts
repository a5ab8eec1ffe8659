/**
 * `text` broken at spaces into lines of at most `columns` characters. A word that is longer stands alone on its line:
 * paths and option names are never cut.
 */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}

/** `text` wrapped, each line indented by `indent` spaces. */
export function paragraph(text: string, columns: number, indent = 0): string {
  const margin = " ".repeat(indent);
  return wrap(text, columns - indent)
    .map((line) => margin + line)
    .join("\n");
}
