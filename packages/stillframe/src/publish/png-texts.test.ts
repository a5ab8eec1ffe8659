import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { encodePng } from "../generate/png.js";
import { scrubbedPng } from "./png-texts.js";

const raster = { width: 2, height: 1, data: new Uint8Array([1, 2, 3, 4, 5, 6]) };

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, "latin1");
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return Buffer.concat([head, data, tail]);
}

/** `png` with more chunks behind its header. */
function withChunks(png: Buffer, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

test("the folder of a model leaves the text of a picture, its pixels stay", async () => {
  const png = await encodePng(raster, {
    parameters: "a café, x\nSteps: 4, Model: /srv/models/tiny-sdxl, Lora: run step 20",
  });
  const scrubbed = scrubbedPng("a.png", png);
  assert.ok(scrubbed.includes(Buffer.from("a café, x\nSteps: 4, Model: local:tiny-sdxl, Lora: run step 20")));
  assert.ok(!scrubbed.includes("/srv"));
  assert.deepEqual(await sharp(scrubbed).raw().toBuffer(), Buffer.from(raster.data));
});

test("a picture without paths stays as it is", async () => {
  const png = await encodePng(raster, { parameters: "a cat, Model: org/base" });
  assert.deepEqual(scrubbedPng("a.png", png), png);
});

test("other kinds of text are looked at too, and camera data goes", async () => {
  const png = withChunks(
    await encodePng(raster),
    chunk("tEXt", Buffer.from("Comment\0made in /srv/one", "latin1")),
    chunk("zTXt", Buffer.concat([Buffer.from("Comment\0\0", "latin1"), deflateSync("made in /srv/two")])),
    chunk("iTXt", Buffer.concat([Buffer.from("Comment\0\x01\0en\0\0", "latin1"), deflateSync("made in /srv/three")])),
    chunk("eXIf", Buffer.from("MM\0*/srv/four")),
  );
  const scrubbed = scrubbedPng("a.png", png);
  assert.ok(!scrubbed.includes("/srv") && !scrubbed.includes("eXIf"));
  for (const word of ["one", "two", "three"]) assert.ok(scrubbed.includes(`made in local:${word}`), word);
  assert.deepEqual(await sharp(scrubbed).raw().toBuffer(), Buffer.from(raster.data));
});

test("what is no whole PNG is refused", async () => {
  const png = await encodePng(raster);
  assert.throws(() => scrubbedPng("a.png", Buffer.from("GIF89a")), /a\.png: expected a PNG picture/);
  assert.throws(() => scrubbedPng("a.png", png.subarray(0, -3)), /a\.png: the PNG picture is cut/);
  const bomb = withChunks(
    png,
    chunk("zTXt", Buffer.concat([Buffer.from("C\0\0", "latin1"), deflateSync(Buffer.alloc(2 << 20))])),
  );
  assert.throws(() => scrubbedPng("a.png", bomb), /a text of the PNG picture cannot be read/);
});
