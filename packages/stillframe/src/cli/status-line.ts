import { clearLine, cursorTo } from "node:readline";
import type { Terminal } from "./terminal.js";

/** Redrawn at most so often; faster than the eye costs time and tears. */
const REDRAW_MS = 100;

/**
 * One line at the bottom of the screen that is drawn again and again, with lasting lines above it. On anything but a
 * screen only the lasting lines are written.
 */
export class StatusLine {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #shown = false;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#now = now;
  }

  /** Draws what `line` makes for the screen's width, unless it was drawn a moment ago. */
  draw(line: (columns: number) => string): void {
    if (!this.#terminal.interactive || this.#now() - this.#drawnAt < REDRAW_MS) return;
    this.clear();
    this.#drawnAt = this.#now();
    // The last column stays free: some terminals break the line there.
    const columns = this.#terminal.columns() - 1;
    this.#terminal.out.write(line(columns).slice(0, columns));
    this.#shown = true;
  }

  /** Writes a lasting line above. */
  print(text: string): void {
    this.clear();
    this.#terminal.out.write(`${text}\n`);
  }

  /** Takes the status line away; the next `draw` brings it back at once. */
  clear(): void {
    if (!this.#shown) return;
    cursorTo(this.#terminal.out, 0);
    clearLine(this.#terminal.out, 1);
    this.#shown = false;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }
}

/** `━━━━────` of `columns` characters. */
export function bar(share: number, columns: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * columns);
  return "━".repeat(full) + "─".repeat(columns - full);
}

/**
 * The parts that fit in `columns`, two spaces between. The first is always there; then the later ones leave first.
 */
export function fitted(parts: readonly string[], columns: number): string {
  let line = parts[0] ?? "";
  for (const part of parts.slice(1)) {
    if (line.length + 2 + part.length > columns) break;
    line += `  ${part}`;
  }
  return line;
}
