import { join } from "node:path";
import type { GenerateEvent, GenerateEventOf } from "@stillframe/schema";
import { counted, formatDuration } from "./quantity.js";
import { bar, fitted, StatusLine } from "./status-line.js";
import { type Style, styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";

/** Shows a generation on a terminal: a bar, and a line for each picture. */
export class GenerateProgress {
  readonly #status: StatusLine;
  readonly #style: Style;
  #run: GenerateEventOf<"generation_started"> | undefined;

  constructor(terminal: Terminal, now?: () => number) {
    this.#status = new StatusLine(terminal, now);
    this.#style = styleFor(terminal.color);
  }

  /** Shows one event. */
  show(event: GenerateEvent): void {
    if (event.type === "generation_started") this.#run = event;
    if (event.type === "denoised") this.#denoised(event);
    else this.#status.print(this.#text(event));
  }

  /** A lasting line above the bar. */
  print(text: string): void {
    this.#status.print(text);
  }

  /** Leaves the screen clean; to be called however the generation ends. */
  close(): void {
    this.#status.clear();
  }

  #text(event: Exclude<GenerateEvent, { type: "denoised" }>): string {
    switch (event.type) {
      case "generation_started":
        return `${counted(event.pictures, "picture")} of ${counted(event.steps, "step")} on ${event.device} (${event.dtype})`;
      case "picture":
        return `${this.#inRun(event.path)}  seed ${event.seed}, ${event.label}`;
      case "contact_sheet":
        return `${this.#inRun(event.path)}  all of them`;
      case "warning":
        return `${this.#style.yellow("warning:")} ${event.message}`;
      case "generation_finished":
        return this.#style.green(`Done: ${counted(event.pictures, "picture")} in ${formatDuration(event.seconds)}.`);
      case "generation_interrupted":
        return `Stopped after ${counted(event.pictures, "picture")} (${formatDuration(event.seconds)}).`;
    }
  }

  #denoised({ picture, step, steps }: GenerateEventOf<"denoised">): void {
    const total = this.#run?.pictures ?? picture + 1;
    const done = (picture + step / steps) / total;
    const parts = [`picture ${picture + 1}/${total}`, `step ${step}/${steps}`, bar(done, 30)];
    this.#status.draw((columns) => fitted(parts, columns));
  }

  #inRun(path: string): string {
    return this.#run === undefined ? path : join(this.#run.output_dir, path);
  }
}
