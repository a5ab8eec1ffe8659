import type { Writable } from "node:stream";

/** Where a command writes, and what that place can show. */
export interface Terminal {
  readonly out: Writable;
  readonly err: Writable;
  /** Whether `out` is a screen, on which a line can be drawn again. */
  readonly interactive: boolean;
  readonly color: boolean;
  /** Columns of the screen now; asked at every drawing, because windows are resized. */
  columns(): number;
}

const USUAL_COLUMNS = 80;

/** The terminal of this process. `COLUMNS` and `NO_COLOR` in `env` win over what the screen says of itself. */
export function processTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  const interactive = stdout.isTTY === true && env.TERM !== "dumb";
  return {
    out: stdout,
    err: stderr,
    interactive,
    color: interactive && !env.NO_COLOR,
    columns: () => positive(env.COLUMNS) ?? positive(stdout.columns) ?? USUAL_COLUMNS,
  };
}

/** A reader that went away (`| head`) ends the reading, not the run. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
}

function positive(value: string | number | undefined): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
