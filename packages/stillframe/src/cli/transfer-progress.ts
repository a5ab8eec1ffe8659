import type { HubProgress } from "../hub/snapshot.js";
import type { PublishProgress } from "../publish/upload.js";
import { counted, formatBytes, formatDuration } from "./quantity.js";
import { bar, fitted, StatusLine } from "./status-line.js";
import { type Style, styleFor } from "./style.js";
import type { Terminal } from "./terminal.js";

/** Shows a download or an upload: a bar while bytes move, a line for what a person should know. */
export class TransferProgress {
  readonly #status: StatusLine;
  readonly #style: Style;
  readonly #now: () => number;
  readonly #sent = new Map<string, number>();
  #bytes = 0;
  #began: { at: number; done: number } | undefined;

  /** @param terminal where to write; the standard output of `pull` is for the folder alone, so its view writes to `err` */
  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#status = new StatusLine(terminal, now);
    this.#style = styleFor(terminal.color);
    this.#now = now;
  }

  print(text: string): void {
    this.#status.print(text);
  }

  /** Leaves the screen clean; to be called however the transfer ends. */
  close(): void {
    this.#status.clear();
  }

  /** Shows an event of a download. */
  download(event: HubProgress): void {
    const line = this.#downloadLine(event);
    if (line !== undefined) this.print(line);
  }

  /** Shows an event of an upload. */
  upload(event: PublishProgress): void {
    const line = this.#uploadLine(event);
    if (line !== undefined) this.print(line);
  }

  /** The lasting line of an event; `undefined` for one that only moves the bar. */
  #downloadLine(event: HubProgress): string | undefined {
    if (event.kind === "retry") return this.#retryLine(event);
    if (event.kind === "wait") return `${event.path}: another process fetches it; waiting`;
    if (event.kind === "offline") return `${this.#warning()} ${event.reason}; the cache is used`;
    if (event.kind === "plan") {
      const cached = event.cachedBytes > 0 ? `, ${formatBytes(event.cachedBytes)} of it here already` : "";
      return `${counted(event.files, "file")}, ${formatBytes(event.bytes)}${cached}`;
    }
    if (event.kind === "bytes") this.#draw("fetching", { path: event.path, done: event.received, total: event.bytes });
    return undefined;
  }

  #uploadLine(event: PublishProgress): string | undefined {
    if (event.kind === "retry") return this.#retryLine(event);
    if (event.kind === "repo")
      return `${event.repo}: ${event.created ? "a new" : "the"} ${event.private ? "private" : "public"} repository`;
    if (event.kind === "plan") {
      this.#bytes = event.bytes;
      this.#sent.clear();
      const same = event.unchanged.length > 0 ? `; ${counted(event.unchanged.length, "file")} there already` : "";
      return `Sending ${counted(event.send.length, "file")}, ${formatBytes(event.bytes)}${same}`;
    }
    if (event.kind === "bytes") {
      this.#sent.set(event.path, event.sent);
      const done = [...this.#sent.values()].reduce((sum, one) => sum + one, 0);
      this.#draw("sending", { path: event.path, done, total: Math.max(done, this.#bytes) });
    }
    return undefined;
  }

  #draw(verb: string, { path, done, total }: { path: string; done: number; total: number }): void {
    this.#began ??= { at: this.#now(), done };
    const seconds = (this.#now() - this.#began.at) / 1000;
    const rate = seconds > 1 ? (done - this.#began.done) / seconds : 0;
    const speed = rate > 0 ? [`${formatBytes(rate)}/s`, `${formatDuration((total - done) / rate)} left`] : [];
    const share = total > 0 ? done / total : 1;
    const amount = `${formatBytes(done)} of ${formatBytes(total)}`;
    this.#status.draw((columns) => fitted([`${verb} ${amount}`, bar(share, 20), ...speed, path], columns));
  }

  #retryLine({ reason, delayMs }: { reason: string; delayMs: number }): string {
    return `${this.#warning()} ${reason}; again in ${formatDuration(Math.ceil(delayMs / 1000))}`;
  }

  #warning(): string {
    return this.#style.yellow("warning:");
  }
}
