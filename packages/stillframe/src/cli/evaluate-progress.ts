import { join } from "node:path";
import type { EvaluateEvent, EvaluateEventOf } from "@stillframe/schema";
import { stageOf } from "./preparing.js";
import { counted, formatDuration } from "./quantity.js";
import { bar, fitted, StatusLine } from "./status-line.js";
import { type Style, styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";

/** How often a line is written where no line can be drawn again (a file, a pipe). */
const PLAIN_LINE_MS = 10_000;

/** What is under way, as a title, a count and a share of the whole. */
interface Stage {
  readonly title: string;
  readonly count: string;
  readonly share: number;
}

/** Shows an evaluation on a terminal: a bar for each stage, then the table. */
export class EvaluateProgress {
  readonly #terminal: Terminal;
  readonly #status: StatusLine;
  readonly #style: Style;
  readonly #now: () => number;
  #title = "";
  #linedAt = Number.NEGATIVE_INFINITY;
  #kept = 0;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#status = new StatusLine(terminal, now);
    this.#style = styleFor(terminal.color);
    this.#now = now;
  }

  /** Shows one event. */
  show(event: EvaluateEvent): void {
    const line = this.#lineOf(event);
    if (typeof line === "string") this.print(line);
    else this.#stage(line);
  }

  /** A lasting line above the bar. */
  print(text: string): void {
    this.#status.print(text);
  }

  /** Leaves the screen clean; to be called however the evaluation ends. */
  close(): void {
    this.#status.clear();
  }

  /** A lasting line, or the stage that the bar shows. */
  #lineOf(event: EvaluateEvent): string | Stage {
    switch (event.type) {
      case "evaluation_started":
        return started(event);
      case "warning":
        return `${this.#style.yellow("warning:")} ${event.message}`;
      case "left_out":
        return `note: ${event.message}`;
      case "selected":
        return `Best on the validation half by ${event.metric}: ${event.arm}`;
      case "evaluated":
        return this.#evaluated(event);
      case "evaluation_interrupted":
        return `Stopped after ${formatDuration(event.seconds)}; ${counted(event.pictures, "picture")} kept. The same command goes on from there.`;
      default:
        return this.#stageOf(event);
    }
  }

  #stageOf(
    event: Extract<EvaluateEvent, { type: "preparing" | "drawing" | "drawn" | "features" | "measuring" }>,
  ): Stage {
    switch (event.type) {
      case "preparing":
        return stageOf(event);
      case "drawing":
        return {
          title: `drawing ${event.arm}`,
          count: `picture ${event.picture + 1}/${event.pictures}, step ${event.step}/${event.steps}`,
          share: (event.picture + event.step / event.steps) / event.pictures,
        };
      case "drawn": {
        this.#kept += event.kept ? 1 : 0;
        const kept = this.#kept === 0 ? "" : `, ${this.#kept} of them kept`;
        const done = event.picture + 1;
        return {
          title: `drawing ${event.arm}`,
          count: `picture ${done}/${event.pictures}${kept}`,
          share: done / event.pictures,
        };
      }
      case "features":
        return {
          title: `features of ${event.set}, ${event.network}`,
          count: `${event.done}/${event.total} (${event.pictures_per_second.toFixed(1)}/s)`,
          share: event.done / event.total,
        };
      case "measuring":
        return {
          title: "measuring",
          count: `${event.metric} of ${event.arm}`,
          share: event.total === 0 ? 1 : event.done / event.total,
        };
    }
  }

  #stage({ title, count, share }: Stage): void {
    if (this.#terminal.interactive) {
      this.#status.draw((columns) => fitted([title, count, bar(share, 20)], columns));
      return;
    }
    if (title !== this.#title) this.#linedAt = Number.NEGATIVE_INFINITY;
    this.#title = title;
    if (share < 1 && this.#now() - this.#linedAt < PLAIN_LINE_MS) return;
    this.#linedAt = this.#now();
    this.print(`${title}: ${count}`);
  }

  #evaluated({ output_dir, table, files, seconds }: EvaluateEventOf<"evaluated">): string {
    const shown = files.filter((path) => !path.startsWith("plots"));
    const lines = shown.map((path) => `  ${join(output_dir, path)}`);
    return ["", table, this.#style.green(`Done in ${formatDuration(seconds)}.`), ...lines].join("\n");
  }
}

function started({ real, arms, networks }: EvaluateEventOf<"evaluation_started">): string {
  const pictures = arms.reduce((sum, arm) => sum + arm.pictures, 0);
  const against = real === 0 ? "statistics of real pictures" : counted(real, "real picture");
  return `${against}; ${counted(pictures, "picture")} in ${counted(arms.length, "arm")}: ${arms.map((arm) => arm.name).join(", ")}\nmeasured with ${networks.join(", ")}`;
}
