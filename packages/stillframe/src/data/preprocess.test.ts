import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { decodePicture } from "./decode.js";
import type { Picture } from "./picture.js";
import { preprocess, resizedSize, resizeShorterSide } from "./preprocess.js";
import type { Interpolation } from "./resample.js";

interface Case {
  key: string;
  file: string;
  interpolation: Interpolation;
  crop: "center" | "given";
  flip: boolean;
  original_size: [number, number];
  resized_hw: [number, number];
  crop_top_left: [number, number];
  time_ids: number[];
}

const folder = new URL("../../fixtures/data/preprocess/", import.meta.url);
const { resolution, cases } = JSON.parse(readFileSync(new URL("preprocess.json", folder), "utf8")) as {
  resolution: number;
  cases: Case[];
};
const expected = readTensors(readFileSync(new URL("preprocess.safetensors", folder)));

/** The tensors of a safetensors file, without shapes. */
function readTensors(file: Buffer): Map<string, Uint8Array | Float32Array> {
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, Uint8Array | Float32Array>();
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const bytes = new Uint8Array(file.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]));
    tensors.set(name, dtype === "U8" ? bytes : new Float32Array(bytes.buffer));
  }
  return tensors;
}

const read = (file: string): Promise<Picture> => decodePicture(fileURLToPath(new URL(file, folder)));

describe("preprocess against the reference", () => {
  assert.equal(cases.length, 21);
  for (const { key, file, interpolation, ...asked } of cases)
    it(`makes ${key}`, async () => {
      const picture = await read(file);
      const resized = resizeShorterSide(picture, { resolution, interpolation });
      assert.deepEqual([resized.height, resized.width], asked.resized_hw);
      assert.deepEqual(resized.data, expected.get(`${file.split(".")[0]}.${interpolation}.resized_u8`));
      const [top, left] = asked.crop_top_left;
      const crop = asked.crop === "center" ? "center" : { top, left };
      const made = preprocess(picture, { resolution, interpolation, crop, flip: asked.flip });
      assert.deepEqual(made.originalSize, asked.original_size);
      assert.deepEqual(made.cropTopLeft, asked.crop_top_left);
      assert.deepEqual(made.timeIds, asked.time_ids);
      assert.equal(made.flipped, asked.flip);
      // Only the lanczos cases come with values; equality is to the bit.
      if (interpolation === "lanczos") assert.deepEqual(made.pixelValues, expected.get(`${key}.pixel_values`));
    });
});

describe("preprocess", () => {
  const wide: Picture = { width: 9, height: 4, channels: 3, data: Uint8Array.from({ length: 108 }, (_, i) => i) };

  it("uses lanczos, the centre and no flip unless told otherwise", () => {
    assert.deepEqual(
      preprocess(wide, { resolution: 4 }),
      preprocess(wide, { resolution: 4, interpolation: "lanczos", crop: "center", flip: false }),
    );
  });

  it("rounds half a pixel of the centre offset to the even side", () => {
    // 5 pixels to spare: 2.5 becomes 2; 7 pixels to spare: 3.5 becomes 4.
    const spare = (width: number): Picture => ({ width, height: 4, channels: 3, data: new Uint8Array(width * 12) });
    assert.deepEqual(preprocess(spare(9), { resolution: 4 }).cropTopLeft, [0, 2]);
    assert.deepEqual(preprocess(spare(11), { resolution: 4 }).cropTopLeft, [0, 4]);
  });

  it("cuts the longer side to an integer", () => {
    assert.deepEqual(resizedSize({ width: 75, height: 50 }, 1024), { width: 1536, height: 1024 });
    assert.deepEqual(resizedSize({ width: 757, height: 576 }, 512), { width: 672, height: 512 });
    assert.deepEqual(resizedSize({ width: 48, height: 97 }, 32), { width: 32, height: 64 });
  });

  it("draws the flip, then the top, then the left", () => {
    const drawn = [0.49, 0.999, 0.6];
    const random = (): number => drawn.shift()!;
    const made = preprocess(wide, { resolution: 4, crop: "random", flip: "random", random });
    assert.equal(made.flipped, true);
    assert.deepEqual(made.cropTopLeft, [0, 3]);
    assert.deepEqual(drawn, []);
  });

  it("does not draw an offset for a picture that fits", () => {
    const square: Picture = { width: 4, height: 4, channels: 3, data: new Uint8Array(48) };
    const random = (): number => assert.fail("drew a number");
    assert.deepEqual(preprocess(square, { resolution: 4, crop: "random", random }).cropTopLeft, [0, 0]);
  });

  it("reaches every offset and no other", () => {
    const offsets = new Set<number>();
    for (let i = 0; i < 100; i++) {
      const made = preprocess(wide, { resolution: 4, crop: "random", random: () => i / 100 });
      offsets.add(made.cropTopLeft[1]);
    }
    assert.deepEqual([...offsets], [0, 1, 2, 3, 4, 5]);
  });

  it("measures the crop in the mirrored picture", () => {
    const made = preprocess(wide, { resolution: 4, crop: { top: 0, left: 1 }, flip: true });
    // Red of the eighth pixel of the first row, the second from the right.
    assert.equal(made.pixelValues[0], Math.fround(Math.fround(Math.fround(21 / 255) - 0.5) / 0.5));
  });

  it("refuses bad arguments", () => {
    assert.throws(() => preprocess(wide, { resolution: 4, crop: { top: 0, left: 6 } }), {
      message: "expected an integer from 0 to 5 for crop.left but received 6",
    });
    assert.throws(() => preprocess(wide, { resolution: 4, crop: "random" }), {
      message: "expected a function for a random crop or flip for random but received undefined",
    });
    assert.throws(() => preprocess(wide, { resolution: 4, flip: "random", random: () => 1 }), {
      message: "expected numbers from 0 to below 1 for random but received 1",
    });
    assert.throws(() => preprocess(wide, { resolution: 4.5 }), {
      message: "expected a positive integer for resolution but received 4.5",
    });
  });

  it("refuses to blow a sliver up", () => {
    const sliver: Picture = { width: 4000, height: 20, channels: 3, data: new Uint8Array(4000 * 20 * 3) };
    assert.throws(() => preprocess(sliver, { resolution: 1024 }), {
      message:
        'expected at most 100 megapixels after resizing to 1024 for picture but received "4000 × 20 (204800 × 1024 after resizing)"',
    });
  });
});
