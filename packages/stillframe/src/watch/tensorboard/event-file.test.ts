import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { imageRecord, record, scalarRecord, startRecord, versionRecord } from "./event-file.js";
import { integerField } from "./message.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const fixture = (name: string) => new URL(`../../../fixtures/tensorboard/${name}`, import.meta.url);

test("the first record of a file as TensorFlow writes it", () => {
  // the eight bytes of the time, which TensorFlow took from its clock
  const time = latin1("\x00\x00\x80\x38\x99\xd6\xd7\x41").readDoubleLE();
  const contents = "\x09\x00\x00\x80\x38\x99\xd6\xd7\x41\x1a\x0dbrain.Event:2";
  const written = `\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7f\x4b\x22${contents}\x12\x4b\x36\xab`;
  assert.deepEqual(versionRecord(time), latin1(written));
});

test("length and checksums around a record as TensorFlow writes them", () => {
  const data = latin1(
    "\x09\xc4\x05\xb7\x3d\x99\xd6\xd7\x41\x10\x4d\x2a\x25\x0a\x23\x0a\x08accuracy" +
      "\x42\x0a\x08\x01\x12\x00\x22\x04\xa4\x70\x7d\x3f\x4a\x0b\x0a\x09\x0a\x07scalars",
  );
  const written = record(data);
  assert.deepEqual(written.subarray(0, 12), latin1("\x32\x00\x00\x00\x00\x00\x00\x00\x24\x19\x56\xec"));
  assert.deepEqual(written.subarray(-4), latin1("\xa5\x5b\x64\x33"));
});

test("scalars, pictures and starts are the bytes of another writer", () => {
  const png = Buffer.concat([0, 1].map(() => Buffer.from(Array.from({ length: 256 }, (_, i) => i))));
  const ours = [
    versionRecord(1700000000.25),
    startRecord({ time: 1700000000.25, step: 301 }),
    scalarRecord({ time: 1700000001.5, step: 301 }, "loss/train", 0.125),
    scalarRecord({ time: 1700000001.5, step: 70000 }, "Bilder/größe", -3.25e-7),
    imageRecord({ time: 1700000002, step: 301 }, "samples/seed 3", { height: 200, width: 300, bytes: png }),
  ];
  const theirs = Buffer.from(readFileSync(fixture("example.base64"), "utf8"), "base64");
  assert.deepEqual(Buffer.concat(ours), theirs);
});

test("integers in groups of seven bits, negative ones in ten bytes (protobuf, Encoding)", () => {
  assert.deepEqual(integerField(1, 150), Buffer.from([0x08, 0x96, 0x01]));
  assert.deepEqual(integerField(2, -1), Buffer.from([0x10, ...new Array<number>(9).fill(0xff), 0x01]));
  assert.deepEqual(integerField(1, 2 ** 53 - 1).length, 1 + 8);
});
