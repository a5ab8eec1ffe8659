import { Writable } from "node:stream";
import type { Terminal } from "./terminal.js";

/** A terminal in memory for tests. */
export interface FakeTerminal extends Terminal {
  /** All that was written to `out`, escape codes included. */
  readonly written: () => string;
  readonly errors: () => string;
  /** The lines that stand on the screen: each redrawn line once, in its last form. */
  readonly screen: () => string[];
}

export function fakeTerminal({ interactive = false, color = false, columns = 80 } = {}): FakeTerminal {
  const out = collector();
  const err = collector();
  return {
    out: out.stream,
    err: err.stream,
    interactive,
    color,
    columns: () => columns,
    written: out.text,
    errors: err.text,
    screen: () => screenOf(out.text()),
  };
}

function collector(): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}

const ESCAPE = "\x1b";

/** Knows what a status line needs: cursor to the first column and clear to the end of the line. */
function screenOf(text: string): string[] {
  const lines = [""];
  for (const [i, part] of text.split(`${ESCAPE}[1G${ESCAPE}[0K`).entries()) {
    if (i > 0) lines[lines.length - 1] = "";
    const [first = "", ...more] = part.split("\n");
    lines[lines.length - 1] += first;
    lines.push(...more);
  }
  return lines;
}
