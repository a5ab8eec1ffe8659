import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Picture } from "./picture.js";
import { type Interpolation, resample } from "./resample.js";

interface Packed {
  readonly width: number;
  readonly height: number;
  readonly data: string;
}

const fixture = JSON.parse(readFileSync(new URL("../../fixtures/data/resample.json", import.meta.url), "utf8")) as {
  source: Packed;
  cases: (Packed & { interpolation: Interpolation })[];
};
const source = unpack(fixture.source);

function unpack({ width, height, data }: Packed): Picture {
  return { width, height, channels: 3, data: new Uint8Array(Buffer.from(data, "base64")) };
}

describe("resample", () => {
  for (const expected of fixture.cases) {
    const { interpolation, width, height } = expected;
    it(`equals Pillow's ${interpolation} from 23 × 17 to ${width} × ${height}`, () => {
      assert.deepEqual(resample(source, { width, height, interpolation }), unpack(expected));
    });
  }

  it("takes torchvision's second nearest mode for the same as the first", () => {
    const size = { width: 9, height: 7 };
    assert.deepEqual(
      resample(source, { ...size, interpolation: "nearest-exact" }),
      resample(source, { ...size, interpolation: "nearest" }),
    );
  });

  it("copies a picture that has the size already", () => {
    const copy = resample(source, { width: 23, height: 17, interpolation: "lanczos" });
    assert.deepEqual(copy, source);
    assert.notEqual(copy.data.buffer, source.data.buffer);
  });

  it("keeps a flat picture flat, at both ends of the range", () => {
    for (const value of [0, 255]) {
      const flat: Picture = { width: 50, height: 40, channels: 3, data: new Uint8Array(50 * 40 * 3).fill(value) };
      const { data } = resample(flat, { width: 13, height: 77, interpolation: "lanczos" });
      assert.ok(data.every((v) => v === value));
    }
  });

  it("refuses bad arguments", () => {
    const size = { width: 2, height: 2 };
    assert.throws(() => resample(source, { ...size, interpolation: "cubic" as Interpolation }), {
      name: "InvalidArgumentError",
      message:
        'expected one of nearest, nearest-exact, bilinear, bicubic, box, hamming, lanczos for interpolation but received "cubic"',
    });
    assert.throws(() => resample(source, { width: 0, height: 2, interpolation: "box" }), {
      message: "expected a positive integer for width but received 0",
    });
    assert.throws(() => resample({ ...source, data: source.data.subarray(3) }, { ...size, interpolation: "box" }), {
      message: 'expected 1173 bytes (23 × 17 × 3) for data but received "1170 bytes"',
    });
  });
});
