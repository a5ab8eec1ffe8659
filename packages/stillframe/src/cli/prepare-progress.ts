import { join } from "node:path";
import type { PrepareEvent, PrepareEventOf } from "@stillframe/schema";
import { reportTable } from "../prepare/report-table.js";
import { stageOf } from "./preparing.js";
import { formatBytes, formatDuration } from "./quantity.js";
import { bar, fitted, StatusLine } from "./status-line.js";
import { type Style, styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";

/** How often a line is written where no line can be drawn again (a file, a pipe). */
const PLAIN_LINE_MS = 10_000;

/** Shows a preparation on a terminal: a bar for each stage, then the report as a table. */
export class PrepareProgress {
  readonly #terminal: Terminal;
  readonly #status: StatusLine;
  readonly #style: Style;
  readonly #now: () => number;
  #stage = "";
  #linedAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#status = new StatusLine(terminal, now);
    this.#style = styleFor(terminal.color);
    this.#now = now;
  }

  /** Shows one event. */
  show(event: PrepareEvent): void {
    if (event.type === "preparing") this.#preparing(event);
    else if (event.type === "warning") this.print(`${this.#style.yellow("warning:")} ${event.message}`);
    else if (event.type === "prepared") this.print(this.#prepared(event));
    else this.print(`Stopped after ${formatDuration(event.seconds)}; what was encoded is kept.`);
  }

  /** A lasting line above the bar. */
  print(text: string): void {
    this.#status.print(text);
  }

  /** Leaves the screen clean; to be called however the preparation ends. */
  close(): void {
    this.#status.clear();
  }

  #preparing(event: PrepareEventOf<"preparing">): void {
    const { title, count, share } = stageOf(event);
    if (this.#terminal.interactive) {
      this.#status.draw((columns) => fitted([title, count, bar(share, 20)], columns));
      return;
    }
    if (event.stage !== this.#stage) this.#linedAt = Number.NEGATIVE_INFINITY;
    this.#stage = event.stage;
    if (event.done !== event.total && this.#now() - this.#linedAt < PLAIN_LINE_MS) return;
    this.#linedAt = this.#now();
    this.print(`${title}: ${count}`);
  }

  #prepared({ output_dir, report, files, seconds }: PrepareEventOf<"prepared">): string {
    const table = reportTable(report, { columns: Math.min(this.#terminal.columns(), 120), bold: this.#style.bold });
    const paths = files.map((file) => join(output_dir, file.path));
    const width = Math.max(...paths.map((path) => path.length));
    const lines = files.map((file, i) => `  ${(paths[i] as string).padEnd(width)}  ${formatBytes(file.bytes)}`);
    return ["", table, "", this.#style.green(`Done in ${formatDuration(seconds)}.`), ...lines].join("\n");
  }
}
