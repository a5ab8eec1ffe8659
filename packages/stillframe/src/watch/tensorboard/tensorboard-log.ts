import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import type { TrainEvent, TrainEventOf } from "@stillframe/schema";
import { EventFile, imageRecord, type Moment, scalarRecord, startRecord } from "./event-file.js";

const OWN_FILE = /^events\.out\.tfevents\.\d+\.stillframe\.\d+\.\d+$/;

/** Width and height of a PNG (PNG specification, §11.2.2: they are the first in the file). */
function pngSize(png: Buffer): { width: number; height: number } {
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

function stepScalars(event: TrainEventOf<"step">): [tag: string, value: number | null | undefined][] {
  return [
    ["loss/train", event.loss],
    ["learning_rate", event.lr],
    ["learning_rate_text_encoder", event.text_encoder_lr],
    ["grad_norm", event.grad_norm],
    ["images_per_second", event.images_per_second],
    ["memory_bytes", event.memory_bytes],
  ];
}

/**
 * A run's events as TensorBoard reads them: curves of loss, learning rate, gradient norm, speed and memory, the
 * validation loss, and the validation pictures by seed. Every start of a run writes a file of its own.
 */
export class TensorBoardLog {
  private readonly runFolder: string;
  private readonly folder: string;
  private readonly now: () => number;
  private file: EventFile | null = null;

  /**
   * @param options `folder` is relative to the run's folder; `now` gives milliseconds since 1970
   */
  constructor(runFolder: string, { folder, now = Date.now }: { folder: string; now?: () => number }) {
    this.runFolder = runFolder;
    this.folder = resolve(runFolder, folder);
    this.now = now;
  }

  /** Takes in one event; the run's first makes the file. */
  record(event: TrainEvent): void {
    if (event.type === "run_started") this.open(event.first_step);
    const { file } = this;
    if (file === null) return;
    const at = (step: number): Moment => ({ time: this.now() / 1000, step });
    switch (event.type) {
      case "step":
        file.append(
          ...stepScalars(event).flatMap(([tag, value]) =>
            value == null ? [] : [scalarRecord(at(event.step), tag, value)],
          ),
        );
        break;
      case "picture_losses":
        file.append(
          ...event.losses.map(({ picture, loss }) => scalarRecord(at(event.step), `picture_loss/${picture}`, loss)),
        );
        break;
      case "validation":
        file.append(scalarRecord(at(event.step), "loss/validation", event.loss));
        break;
      case "sample": {
        const bytes = readFileSync(join(this.runFolder, event.path));
        file.append(imageRecord(at(event.step), `samples/seed ${event.seed}`, { ...pngSize(bytes), bytes }));
        break;
      }
    }
  }

  private open(firstStep: number): void {
    mkdirSync(this.folder, { recursive: true });
    let earlier = readdirSync(this.folder).filter((name) => OWN_FILE.test(name));
    if (firstStep === 0) {
      // curves of a run that was here before and is made anew would be mixed with this one's
      for (const name of earlier) rmSync(join(this.folder, name));
      earlier = [];
    }
    const time = this.now() / 1000;
    // files are read in the order of their names: the second first, and within a second the count
    const seconds = String(Math.floor(time)).padStart(10, "0");
    const name = `events.out.tfevents.${seconds}.stillframe.${String(earlier.length).padStart(4, "0")}.${process.pid}`;
    this.file = new EventFile(join(this.folder, name), time);
    if (firstStep > 0) this.file.append(startRecord({ time, step: firstStep + 1 }));
  }

  close(): void {
    this.file?.close();
    this.file = null;
  }
}
