export type Status = "pass" | "FAIL" | "not yet checked" | "absent";

/** One quantity. */
export interface Row {
  readonly file: string;
  readonly quantity: string;
  /** Rows of a file with the same group are one line of the table. */
  readonly group: string;
  readonly absolute: number | null;
  readonly relative: number | null;
  readonly tolerance: string;
  readonly status: Status;
  /** what went wrong, where the numbers do not say it */
  readonly detail?: string | undefined;
}

/** What a run of the checks found. */
export class ParityReport {
  readonly rows: Row[] = [];

  add(row: Row): void {
    this.rows.push(row);
  }

  count(status: Status): number {
    return this.rows.filter((row) => row.status === status).length;
  }

  /** Whether nothing failed and something was checked at all. */
  get passed(): boolean {
    return this.count("FAIL") === 0 && this.count("pass") > 0;
  }
}

/** The group of quantities that no check has used. */
export const NOT_CHECKED = "not checked";

const HEAD = ["file", "quantity", "abs error", "rel error", "tolerance", "result"];

/** Three digits, so that a column of errors can be read at a glance. */
function showError(value: number | null): string {
  if (value === null) return "-";
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return value.toExponential(1).replace("e+", "e");
}

const worst = (values: readonly (number | null)[]): number | null => {
  const numbers = values.filter((v) => v !== null);
  if (numbers.length === 0) return null;
  return numbers.some(Number.isNaN) ? Number.NaN : Math.max(...numbers);
};

function grouped(rows: readonly Row[]): Row[][] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const alone = row.status === "FAIL" && row.group !== NOT_CHECKED ? row.quantity : "";
    const key = [row.file, row.group, row.status, alone].join("\n");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return [...groups.values()];
}

function cellsOf(rows: readonly Row[]): string[] {
  const [first] = rows as [Row];
  const quantity = rows.length === 1 ? first.quantity : `${first.group} (${rows.length})`;
  const errors = [worst(rows.map((r) => r.absolute)), worst(rows.map((r) => r.relative))];
  const tolerance = rows.every((r) => r.tolerance === first.tolerance) ? first.tolerance : "several";
  return [first.file, quantity, ...errors.map(showError), tolerance, first.status];
}

const MAX_DETAIL = 400;
const shortened = (text: string): string => (text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}…` : text);

/** What went wrong, a line for each failure; the quantities of a file that were not checked in one. */
function detailLines(rows: readonly Row[]): string[] {
  const unchecked = new Map<string, string[]>();
  const lines: string[] = [];
  for (const { file, group, quantity, detail } of rows) {
    if (group === NOT_CHECKED) unchecked.set(file, [...(unchecked.get(file) ?? []), quantity]);
    else if (detail !== undefined) lines.push(shortened(`${file} ${quantity}: ${detail}`));
  }
  for (const [file, quantities] of unchecked) lines.push(shortened(`${file} not checked: ${quantities.join(", ")}`));
  return lines;
}

/**
 * The table: a line for each group of quantities, or for each quantity when `verbose`; failures are always shown one by
 * one. Then what went wrong, and the counts.
 */
export function formatReport(report: ParityReport, { verbose = false }: { verbose?: boolean } = {}): string {
  const groups = verbose ? report.rows.map((row) => [row]) : grouped(report.rows);
  const lines = [HEAD, ...groups.map(cellsOf)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const table = lines.map((line) =>
    line
      .map((cell, i) => pad(cell, widths[i] as number, i))
      .join("  ")
      .trimEnd(),
  );
  const details = detailLines(report.rows);
  return [...table, ...(details.length > 0 ? ["", ...details] : []), "", summary(report)].join("\n");
}

const pad = (cell: string, width: number, column: number): string =>
  column === 2 || column === 3 ? cell.padStart(width) : cell.padEnd(width);

function summary(report: ParityReport): string {
  const counts: [Status, string][] = [
    ["pass", "passed"],
    ["FAIL", "failed"],
    ["not yet checked", "not yet checked"],
    ["absent", "absent"],
  ];
  return counts
    .map(([status, word]) => [report.count(status), word] as const)
    .filter(([count, word]) => count > 0 || word === "passed" || word === "failed")
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}
