import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { decodePicture } from "./decode.js";
import { UnusablePictureError } from "./unusable-picture-error.js";

const fixtures = new URL("../../fixtures/data/", import.meta.url);
const expected = JSON.parse(readFileSync(new URL("pictures.json", fixtures), "utf8")) as Record<
  string,
  { width: number; height: number; rgb: string }
>;
const pathOf = (file: string): string => fileURLToPath(new URL(`pictures/${file}`, fixtures));

/** A noisy picture in the given format, large enough that half of its bytes are half of its rows. */
async function encoded(format: "jpeg" | "png" | "webp" | "gif" | "tiff"): Promise<Buffer> {
  let state = 1;
  const noise = Uint8Array.from({ length: 64 * 64 * 3 }, () => (state = (state * 48271) % 2147483647) & 255);
  return sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

describe("decodePicture against Pillow", () => {
  for (const [file, { width, height, rgb }] of Object.entries(expected))
    it(`reads ${file}`, async () => {
      const picture = await decodePicture(pathOf(file));
      assert.deepEqual([picture.width, picture.height, picture.channels], [width, height, 3]);
      assert.deepEqual(Buffer.from(picture.data), Buffer.from(rgb, "base64"));
    });

  it("has all eight orientations' witnesses", () => {
    const sizes = [2, 3, 4, 5, 6, 7, 8].map((o) => expected[`exif-${o}.jpg`]!.width);
    assert.deepEqual(sizes, [40, 40, 40, 24, 24, 24, 24]);
  });
});

describe("decodePicture", () => {
  it("cuts 16 bits of grey to the upper 8", async () => {
    const grey = Uint16Array.from({ length: 64 }, (_, i) => i * 1021);
    const png = await sharp(grey, { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer();
    assert.equal((await sharp(png).metadata()).depth, "ushort");
    const { data } = await decodePicture(png);
    assert.deepEqual(
      [...data],
      [...grey].flatMap((v) => [v >> 8, v >> 8, v >> 8]),
    );
  });

  it("cuts 16 bits of colour to the upper 8", async () => {
    const colour = Uint16Array.from({ length: 192 }, (_, i) => i * 341);
    const png = await sharp(colour, { raw: { width: 8, height: 8, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    assert.equal((await sharp(png).metadata()).depth, "ushort");
    assert.deepEqual(
      [...(await decodePicture(png)).data],
      [...colour].map((v) => v >> 8),
    );
  });

  it("brings another colour profile to sRGB, or leaves the numbers", async () => {
    const srgb = { r: 200, g: 40, b: 90 };
    const png = await sharp({ create: { width: 2, height: 2, channels: 3, background: srgb } })
      .withIccProfile("p3")
      .png()
      .toBuffer();
    const converted = (await decodePicture(png)).data;
    const stored = (await decodePicture(png, { colourProfile: "ignore" })).data;
    const away = [200, 40, 90].map((v, i) => Math.abs(converted[i]! - v));
    assert.ok(Math.max(...away) <= 1, `${converted.subarray(0, 3)}`);
    assert.ok(stored[0]! < 190, `${stored.subarray(0, 3)}`);
  });

  it("converts CMYK by its profile if it has one", async () => {
    const grey = { r: 120, g: 120, b: 120 };
    const jpeg = await sharp({ create: { width: 16, height: 16, channels: 3, background: grey } })
      .withIccProfile("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer();
    assert.equal((await sharp(jpeg).metadata()).space, "cmyk");
    // Grey inks of a press profile are not equal parts, and its paper is not white: light less ink is far too dark.
    const converted = (await decodePicture(jpeg)).data.subarray(0, 3);
    const naive = (await decodePicture(jpeg, { colourProfile: "ignore" })).data.subarray(0, 3);
    assert.ok(Math.max(...converted) - Math.min(...converted) <= 2, `${converted}`);
    assert.ok(Math.abs(converted[0]! - 120) <= 16, `${converted}`);
    assert.ok(naive[0]! <= 100, `${naive}`);
  });

  it("gives plain bytes", async () => {
    assert.equal((await decodePicture(pathOf("grey.png"))).data.constructor, Uint8Array);
  });

  for (const format of ["jpeg", "png", "webp", "gif", "tiff"] as const)
    it(`refuses a ${format} of which the end is missing`, async () => {
      const bytes = await encoded(format);
      assert.equal((await decodePicture(bytes)).width, 64);
      await assert.rejects(decodePicture(bytes.subarray(0, bytes.length / 2), { name: "half" }), (error) => {
        assert.ok(error instanceof UnusablePictureError);
        assert.match(error.message, /^half: it (cannot be decoded: .|is not a picture of a known format$)/);
        return true;
      });
    });

  it("refuses what is not a picture, by name", async () => {
    await assert.rejects(decodePicture(Buffer.from("just some text here"), { name: "row 7" }), {
      name: "FileFormatError",
      message: "row 7: it is not a picture of a known format",
      reason: "it is not a picture of a known format",
    });
    await assert.rejects(decodePicture(new Uint8Array(0), { name: "row 8" }), { message: "row 8: the file is empty" });
    await assert.rejects(decodePicture("/nowhere/a.png"), { message: "/nowhere/a.png: the file does not exist" });
    await assert.rejects(decodePicture(fileURLToPath(fixtures)), { reason: "it is not a file" });
  });

  it("refuses a picture of more pixels than the limit before decoding it", async () => {
    await assert.rejects(decodePicture(pathOf("rgb.png"), { pixelLimit: 95 }), {
      reason: "12 × 8 pixels are 0.000096 megapixels, more than the limit of 0.000095 megapixels",
    });
    assert.equal((await decodePicture(pathOf("rgb.png"), { pixelLimit: 96 })).width, 12);
  });

  it("refuses an unknown way with colour profiles", async () => {
    await assert.rejects(decodePicture(pathOf("rgb.png"), { colourProfile: "keep" as "ignore" }), {
      message: 'expected convert or ignore for colourProfile but received "keep"',
    });
  });
});
