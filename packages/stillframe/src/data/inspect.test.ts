import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { inspectPictures } from "./inspect.js";

const folder = mkdtempSync(join(tmpdir(), "inspect-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const fixture = (file: string): string =>
  fileURLToPath(new URL(`../../fixtures/data/pictures/${file}`, import.meta.url));

/** Pictures that break programs, by name; each is in the folder when the tests begin. */
const names = ["photo.jpg", "empty.png", "text.png", "truncated.jpg", "pixel.png", "missing.png", "exif-6.jpg"];
const items = names.map((fileName, i) => ({ path: join(folder, fileName), fileName, captions: ["x"], line: i + 1 }));
copyFileSync(fixture("photo.jpg"), join(folder, "photo.jpg"));
copyFileSync(fixture("exif-6.jpg"), join(folder, "exif-6.jpg"));
writeFileSync(join(folder, "empty.png"), "");
writeFileSync(join(folder, "text.png"), "this is text");
const photo = readFileSync(fixture("photo.jpg"));
writeFileSync(join(folder, "truncated.jpg"), photo.subarray(0, photo.length - 200));
const pixel = sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } });
writeFileSync(join(folder, "pixel.png"), await pixel.png().toBuffer());

describe("inspectPictures", () => {
  it("tells the usable from the unusable, in order and with reasons", async () => {
    const { usable, rejected } = await inspectPictures(items, { concurrency: 3 });
    assert.deepEqual(
      usable.map(({ fileName, line, header }) => [fileName, line, header.format, header.width, header.height]),
      [
        ["photo.jpg", 1, "jpeg", 40, 24],
        ["exif-6.jpg", 7, "jpeg", 24, 40],
      ],
    );
    assert.deepEqual(
      rejected.map(({ item, reason }) => [item.fileName, item.line, reason]),
      [
        ["empty.png", 2, "the file is empty"],
        ["text.png", 3, "it is not a picture of a known format"],
        ["truncated.jpg", 4, "it cannot be decoded: VipsJpeg: premature end of JPEG image"],
        ["pixel.png", 5, "1 × 1 pixels: the shorter side is below the limit of 16"],
        ["missing.png", 6, "the file does not exist"],
      ],
    );
  });

  it("gives the hash of the file", async () => {
    const { usable } = await inspectPictures(items.slice(0, 1));
    assert.equal(usable[0]!.sha256, createHash("sha256").update(photo).digest("hex"));
  });

  it("finds a changed file behind the same path", async () => {
    const path = join(folder, "changing.png");
    const write = (width: number): Promise<unknown> =>
      sharp({ create: { width, height: 20, channels: 3, background: "red" } }).toFile(path);
    await write(20);
    const before = await inspectPictures([{ path }]);
    await write(21);
    const later = await inspectPictures([{ path }]);
    assert.equal(later.usable[0]!.header.width, 21);
    assert.notEqual(later.usable[0]!.sha256, before.usable[0]!.sha256);
  });

  it("looks at headers alone when asked", async () => {
    const { usable } = await inspectPictures(items, { decode: false });
    assert.deepEqual(
      usable.map(({ fileName }) => fileName),
      ["photo.jpg", "truncated.jpg", "exif-6.jpg"],
    );
  });

  it("throws what is not the picture's fault", async () => {
    await assert.rejects(inspectPictures(items, { minSide: -1 }), {
      message: "expected a number of 1 or more for minSide but received -1",
    });
    await assert.rejects(inspectPictures(items, { signal: AbortSignal.abort(new Error("stop")) }), { message: "stop" });
  });
});
