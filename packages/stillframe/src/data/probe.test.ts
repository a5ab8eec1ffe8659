import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { probePicture } from "./probe.js";

const pathOf = (file: string): string =>
  fileURLToPath(new URL(`../../fixtures/data/pictures/${file}`, import.meta.url));

function chunk(type: string, body: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), body]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length, 0);
  frame.writeUInt32BE(crc32(typed), 4);
  return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
}

/** A one-bit PNG that says how large it is, and has hardly any pixels. */
function bomb(width: number, height: number): Buffer {
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size[8] = 1;
  const pixels = deflateSync(Buffer.alloc(1000));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", size), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

const blank = (width: number, height: number): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: "red" } })
    .png()
    .toBuffer();

describe("probePicture", () => {
  it("reads the header", async () => {
    assert.deepEqual(await probePicture(pathOf("rgb-alpha.png"), { minSide: 1 }), {
      usable: true,
      header: { format: "png", width: 12, height: 8, pages: 1, hasAlpha: true, colourSpace: "srgb" },
    });
    const animated = await probePicture(pathOf("animated.gif"), { minSide: 1 });
    assert.equal(animated.usable && animated.header.pages, 2);
  });

  it("gives the size of the upright picture", async () => {
    const probe = await probePicture(pathOf("exif-6.jpg"));
    assert.ok(probe.usable);
    assert.deepEqual([probe.header.width, probe.header.height], [24, 40]);
  });

  const refused: [string, () => Promise<Uint8Array | string> | Uint8Array | string, string][] = [
    [
      "a PNG of 400 megapixels",
      () => bomb(20000, 20000),
      "20000 × 20000 pixels are 400 megapixels, more than the limit of 100 megapixels",
    ],
    ["one pixel", () => blank(1, 1), "1 × 1 pixels: the shorter side is below the limit of 16"],
    ["a sliver", () => blank(4000, 20), "4000 × 20 pixels: an aspect ratio of 200.0 is above the limit of 16"],
    ["text", () => Buffer.from("this is not a picture"), "it is not a picture of a known format"],
    ["nothing", () => new Uint8Array(0), "the file is empty"],
    ["a missing file", () => "/nowhere/a.png", "the file does not exist"],
    [
      "SVG",
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"></svg>'),
      "its format is svg, which is not one of jpeg, png, webp, gif, tiff, heif",
    ],
  ];
  for (const [name, make, reason] of refused)
    it(`refuses ${name}`, async () => {
      assert.deepEqual(await probePicture(await make()), { usable: false, reason });
    });

  it("takes other limits", async () => {
    const limits = { minSide: 1, maxAspectRatio: 200, pixelLimit: 80_000 };
    assert.equal((await probePicture(await blank(4000, 20), limits)).usable, true);
    assert.equal((await probePicture(await blank(4001, 20), limits)).usable, false);
  });

  it("refuses limits that are none", async () => {
    await assert.rejects(probePicture(pathOf("rgb.png"), { minSide: 0 }), {
      message: "expected a number of 1 or more for minSide but received 0",
    });
    await assert.rejects(probePicture(pathOf("rgb.png"), { pixelLimit: Number.NaN }), {
      message: "expected a number of 1 or more for pixelLimit but received NaN",
    });
  });
});
