import { closeSync, openSync } from "node:fs";
import { appendWhole } from "../../files/append-whole.js";
import { maskedCrc32c } from "./crc32c.js";
import { bytesField, doubleField, floatField, integerField } from "./message.js";

/** A picture in an encoded form that browsers show. */
export interface EncodedImage {
  width: number;
  height: number;
  bytes: Uint8Array;
}

/** When something was, in seconds since 1970, and at which step. */
export interface Moment {
  time: number;
  step: number;
}

// Field numbers of tensorflow's event.proto and summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2, image: 4 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const SESSION_STATUS = 1;
const SESSION_START = 1;
const RGB = 3;

/** One record: length, its checksum, data, their checksum; numbers in little endian. */
export function record(data: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(data));
  return Buffer.concat([head, data, tail]);
}

const event = ({ time, step }: Moment, what: Buffer): Buffer =>
  // a number that is 0 is left out, as every writer of this format does
  Buffer.concat([doubleField(EVENT.wallTime, time), ...(step === 0 ? [] : [integerField(EVENT.step, step)]), what]);

const summary = (tag: string, value: Buffer): Buffer =>
  bytesField(EVENT.summary, bytesField(SUMMARY_VALUE, Buffer.concat([bytesField(VALUE.tag, tag), value])));

/** What every file begins with. */
export const versionRecord = (time: number): Buffer =>
  record(event({ time, step: 0 }, bytesField(EVENT.fileVersion, "brain.Event:2")));

/** From `moment.step` on, whatever earlier files say is void: the run goes on from a checkpoint before it. */
export const startRecord = (moment: Moment): Buffer =>
  record(event(moment, bytesField(EVENT.sessionLog, integerField(SESSION_STATUS, SESSION_START))));

export const scalarRecord = (moment: Moment, tag: string, value: number): Buffer =>
  record(event(moment, summary(tag, floatField(VALUE.simpleValue, value))));

export function imageRecord(moment: Moment, tag: string, { width, height, bytes }: EncodedImage): Buffer {
  const image = [
    integerField(IMAGE.height, height),
    integerField(IMAGE.width, width),
    integerField(IMAGE.colorspace, RGB),
    bytesField(IMAGE.encoded, bytes),
  ];
  return record(event(moment, summary(tag, bytesField(VALUE.image, Buffer.concat(image)))));
}

/** A file of records that grows at its end. TensorBoard reads it while it grows. */
export class EventFile {
  private readonly fd: number;

  /** @param path a new file */
  constructor(path: string, time: number) {
    this.fd = openSync(path, "wx");
    this.append(versionRecord(time));
  }

  append(...records: readonly Uint8Array[]): void {
    appendWhole(this.fd, Buffer.concat(records));
  }

  close(): void {
    closeSync(this.fd);
  }
}
