import { join } from "node:path";
import type { Skipped, TrainEvent, TrainEventOf } from "@stillframe/schema";
import { stageOf } from "./preparing.js";
import { counted, formatBytes, formatCount, formatDuration, formatRate } from "./quantity.js";
import { bar, fitted, StatusLine } from "./status-line.js";
import { type Style, styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";

/** How much of the smoothed loss the newest step replaces. */
const SMOOTHING = 0.05;
/** How often a line is written where no line can be drawn again (a file, a pipe). */
const PLAIN_LINE_MS = 10_000;

/** What the last lines of a run say besides its events. */
export interface TrainProgressOptions {
  /** The command that makes pictures with the result. */
  readonly generateCommand: string;
  /** The command that goes on with this run. */
  readonly resumeCommand: string;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/** Shows a training run on a terminal: a bar and lasting lines, or plain lines now and then. */
export class TrainProgress {
  readonly #terminal: Terminal;
  readonly #options: TrainProgressOptions;
  readonly #status: StatusLine;
  readonly #style: Style;
  readonly #now: () => number;
  readonly #loss = new SmoothedLoss();
  #run: TrainEventOf<"run_started"> | undefined;
  #data: TrainEventOf<"data_prepared"> | undefined;
  #stage = "";
  #linedAt = Number.NEGATIVE_INFINITY;
  #sampledAt = -1;

  constructor(terminal: Terminal, options: TrainProgressOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#status = new StatusLine(terminal, this.#now);
    this.#style = styleFor(terminal.color);
  }

  /** Shows one event. */
  show(event: TrainEvent): void {
    const text = this.#text(event);
    if (text !== undefined) this.#status.print(text);
  }

  /** A lasting line above the bar. */
  print(text: string): void {
    this.#status.print(text);
  }

  /** Leaves the screen clean; to be called however the run ends. */
  close(): void {
    this.#status.clear();
  }

  /** The lasting lines of an event; `undefined` for one that only moves the bar. */
  #text(event: TrainEvent): string | undefined {
    switch (event.type) {
      case "run_started":
        this.#run = event;
        return startLine(event);
      case "preparing":
        return this.#preparing(event);
      case "data_prepared":
        this.#data = event;
        return dataLines(event);
      case "step":
        return this.#step(event);
      case "picture_losses":
        return undefined;
      case "validating":
        return this.#validating(event);
      case "validation":
        return `step ${event.step}: validation loss ${formatLoss(event.loss)} over ${counted(event.pictures, "picture")}`;
      case "sample":
        return this.#sample(event);
      case "checkpoint":
        return `step ${event.step}: checkpoint ${this.#inRun(event.path)}`;
      case "estimated":
        return estimateLine(event);
      case "published":
        return `published: ${event.url}`;
      case "warning":
        return `${this.#style.yellow("warning:")} ${event.message}`;
      case "run_finished":
        return this.#finished(event);
      case "run_interrupted":
        return this.#stopped(`Stopped after step ${event.step} (${formatDuration(event.seconds)}).`, event.checkpoint);
      case "run_failed":
        // The message itself is told by whoever catches the error.
        return this.#stopped(`Failed after step ${event.step}.`, event.checkpoint);
    }
  }

  #preparing(event: TrainEventOf<"preparing">): string | undefined {
    const { title, count, share: done } = stageOf(event);
    this.#enter(event.stage);
    if (this.#terminal.interactive) {
      this.#status.draw((columns) => fitted([title, count, bar(done, 20)], columns));
      return undefined;
    }
    return event.done === event.total || this.#due() ? this.#timed(`${title}: ${count}`) : undefined;
  }

  #step(event: TrainEventOf<"step">): string | undefined {
    const loss = this.#loss.add(event.loss);
    const total = this.#run?.total_steps ?? event.step;
    this.#enter("step");
    if (this.#terminal.interactive) {
      this.#status.draw((columns) => stepStatus(event, loss, total, columns));
      return undefined;
    }
    return event.step === total || this.#due() ? this.#timed(stepLine(event, loss, total)) : undefined;
  }

  #validating({ step, what, done, total }: TrainEventOf<"validating">): string | undefined {
    const title = what === "pictures" ? `step ${step}: drawing validation pictures` : `step ${step}: validation loss`;
    if (this.#terminal.interactive) {
      this.#status.draw((columns) => fitted([title, `${done}/${total}`, bar(share(done, total), 20)], columns));
      return undefined;
    }
    return done < total && this.#due() ? this.#timed(`${title}: ${done}/${total}`) : undefined;
  }

  /** One line for all pictures of a step. */
  #sample({ step, path }: TrainEventOf<"sample">): string | undefined {
    if (step === this.#sampledAt) return undefined;
    this.#sampledAt = step;
    return `step ${step}: validation pictures, the first ${this.#inRun(path)}`;
  }

  #finished(event: TrainEventOf<"run_finished">): string {
    const { step, files, seconds } = event;
    const width = Math.max(0, ...files.map((file) => this.#inRun(file.path).length));
    const lines = [
      "",
      this.#style.green(this.#style.bold(`Done: ${counted(step, "step")} in ${formatDuration(seconds)}.`)),
      ...tableLines(this.#summary(event)),
      ...files.map((file) => `  ${this.#inRun(file.path).padEnd(width)}  ${formatBytes(file.bytes)}`),
    ];
    if (this.#data !== undefined && this.#data.skipped.length > 0)
      lines.push("", "Skipped:", ...this.#data.skipped.map(skippedLine));
    lines.push("", "Make pictures with it:", `  ${this.#options.generateCommand}`);
    return lines.join("\n");
  }

  #summary(event: TrainEventOf<"run_finished">): [name: string, value: string][] {
    const { images_per_second, loss, validation, loss_plot, contact_sheet } = event;
    const rows: [string, string | undefined][] = [
      ["speed", images_per_second === undefined ? undefined : `${images_per_second.toPrecision(3)} pictures/s`],
      ["training loss", loss === undefined ? undefined : `${formatLoss(loss)} at the end, smoothed`],
      ["validation loss", validation === undefined ? undefined : validationText(validation)],
      ["curves", loss_plot === undefined ? undefined : this.#inRun(loss_plot)],
      ["pictures", contact_sheet === undefined ? undefined : this.#inRun(contact_sheet)],
    ];
    return rows.filter((row): row is [string, string] => row[1] !== undefined);
  }

  #stopped(head: string, checkpoint: string | null): string {
    const goOn =
      checkpoint === null
        ? ["There is no checkpoint yet to go on from."]
        : [`Checkpoint: ${this.#inRun(checkpoint)}`, "Go on with:", `  ${this.#options.resumeCommand}`];
    return ["", this.#style.bold(head), ...goOn].join("\n");
  }

  #inRun(path: string): string {
    return this.#run === undefined ? path : join(this.#run.output_dir, path);
  }

  /** The first line of a stage is written whatever the time. */
  #enter(stage: string): void {
    if (stage !== this.#stage) this.#linedAt = Number.NEGATIVE_INFINITY;
    this.#stage = stage;
  }

  #due(): boolean {
    return this.#now() - this.#linedAt >= PLAIN_LINE_MS;
  }

  /** `text`, which is written now. */
  #timed(text: string): string {
    this.#linedAt = this.#now();
    return text;
  }
}

/** Exponential moving average that starts at the first value instead of at 0. */
class SmoothedLoss {
  #sum = 0;
  #weight = 0;

  add(loss: number): number {
    this.#sum = (1 - SMOOTHING) * this.#sum + SMOOTHING * loss;
    this.#weight = (1 - SMOOTHING) * this.#weight + SMOOTHING;
    return this.#sum / this.#weight;
  }
}

/** ` 24% ━━━━─────  120/500  loss 0.0812  1:51 left  3.42 it/s  lr 1e-4`; what does not fit leaves from the end. */
function stepStatus(event: TrainEventOf<"step">, loss: number, total: number, columns: number): string {
  const done = share(event.step, total);
  const percent = `${String(Math.floor(100 * done)).padStart(3)}%`;
  const parts = [
    `${event.step}/${total}`,
    `loss ${formatLoss(loss)}`,
    `${formatDuration(event.eta_seconds)} left`,
    formatRate(event.steps_per_second),
    `lr ${formatLearningRate(event.lr)}`,
  ];
  const forBar = columns >= 50 ? 12 : 0;
  const text = fitted([percent, ...parts], columns - forBar);
  const room = Math.min(30, columns - text.length - 1);
  return room < 6 ? text : `${percent} ${bar(done, room)}${text.slice(percent.length)}`;
}

function stepLine(event: TrainEventOf<"step">, loss: number, total: number): string {
  const percent = Math.floor(100 * share(event.step, total));
  return (
    `step ${event.step}/${total} (${percent} %), epoch ${event.epoch + 1}, loss ${formatLoss(loss)}, ` +
    `lr ${formatLearningRate(event.lr)}, ${formatRate(event.steps_per_second)}, ` +
    `${formatDuration(event.eta_seconds)} left, ${formatBytes(event.memory_bytes)}`
  );
}

function startLine(event: TrainEventOf<"run_started">): string {
  const { device, dtype, seed, total_steps, total_epochs, first_step, trained_parameters } = event;
  const from = first_step === 0 ? "" : `, going on after step ${first_step}`;
  return (
    `Training on ${device} (${dtype}), seed ${seed}: ${counted(total_steps, "step")} in ` +
    `${counted(total_epochs, "epoch")}, ${formatCount(trained_parameters)} trained weights${from}`
  );
}

function dataLines(data: TrainEventOf<"data_prepared">): string {
  const { pictures, captions, held_out, captions_cut, with_regions, skipped } = data;
  const parts = [`${counted(pictures, "picture")}, ${counted(captions, "caption")}`];
  if (held_out > 0) parts.push(`${held_out} more held out for validation`);
  if (captions_cut > 0) parts.push(`${counted(captions_cut, "caption")} cut (see --max_token_length)`);
  if (with_regions !== undefined) parts.push(`${with_regions} with regions that count otherwise`);
  const count = skipped.reduce((sum, item) => sum + item.count, 0);
  if (count > 0) parts.push(`${count} skipped:`);
  return [parts.join("; "), ...skipped.map(skippedLine)].join("\n");
}

/** Two columns, and a line without anything below them. */
function tableLines(rows: readonly (readonly [name: string, value: string])[]): string[] {
  if (rows.length === 0) return [];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ""];
}

function validationText({ first, best, last }: NonNullable<TrainEventOf<"run_finished">["validation"]>): string {
  const at = ({ step, loss }: { step: number; loss: number }) => `${formatLoss(loss)} (step ${step})`;
  return `first ${at(first)}, best ${at(best)}, last ${at(last)}`;
}

function skippedLine({ reason, count, examples }: Skipped): string {
  const more = count > examples.length ? ", …" : "";
  const files = examples.length === 0 ? "" : ` (${examples.join(", ")}${more})`;
  return `  ${count} × ${reason}${files}`;
}

function share(done: number, total: number): number {
  return total === 0 ? 1 : done / total;
}

function formatLoss(loss: number): string {
  return loss !== 0 && Math.abs(loss) < 1e-3 ? loss.toExponential(2) : loss.toFixed(4);
}

function formatLearningRate(lr: number): string {
  return lr === 0 ? "0" : lr.toExponential(2).replace(/\.?0+e/, "e");
}

/** What the run will take, in a line. */
function estimateLine({ memory_bytes, available_bytes, seconds }: TrainEventOf<"estimated">): string {
  const free = available_bytes === null ? "" : ` of ${formatBytes(available_bytes)} that are free`;
  return `Will need about ${formatBytes(memory_bytes)} of memory${free}, and about ${formatDuration(seconds)}.`;
}
