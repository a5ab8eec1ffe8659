import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSafetensors, tensor } from "@stillframe/torch";
import type { Picture } from "../data/index.js";
import { type FidResize, inceptionInput, pixels } from "./resize.js";
import { fixture, largestDifference } from "./testing/fixture.js";
import { CLIP_NORMALIZATION, IMAGENET_NORMALIZATION, SQUARINGS, type Squaring, visionInput } from "./vision-input.js";

const { tensors: images } = readSafetensors(fixture("fid/inception_features.safetensors"));
const { tensors: expected } = readSafetensors(fixture("resize/resize.safetensors"));

/** 420 rows of 333 pixels by the formula of fixtures/evaluate/resize/make.py. */
function large(): Picture {
  const [height, width] = [420, 333];
  const data = new Uint8Array(height * width * 3);
  let o = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[o++] = (x * 7 + y * 13 + c * 50 + ((x * y) % 31) * 5 + (Math.floor(x / 40) % 2) * 90) % 256;
  return { width, height, channels: 3, data };
}

function pictureOf(name: string): Picture {
  if (name === "large") return large();
  const image = images.get(name)!;
  const [height, width] = image.shape as [number, number];
  return { width, height, channels: 3, data: image.data() as Uint8Array };
}

describe("inceptionInput", () => {
  const names = ["image0", "image1", "image2", "image3", "large"];
  for (const [resize, limit] of [
    ["tensorflow", 0],
    ["clean", 1e-6],
  ] as const)
    it(`is the reference's (${resize})`, () => {
      for (const name of names) {
        const input = inceptionInput(pictureOf(name), { resize });
        const difference = largestDifference(
          input.slice(1, 0, 299, 37).slice(2, 0, 299, 37),
          expected.get(`${resize}.${name}`)!,
        );
        assert.ok(difference <= limit, `${name}: ${difference}`);
      }
    });

  it("is the reference's (pytorch)", () => {
    for (const name of names.slice(0, 4)) {
      const input = inceptionInput(pictureOf(name), { resize: "pytorch" });
      const stored = images.get(name.replace("image", "resized_sub"))!;
      assert.ok(largestDifference(input.slice(1, 0, 299, 37).slice(2, 0, 299, 37), stored) < 1e-5);
    }
  });

  it("keeps a picture that has the size already, and one of one colour", () => {
    const data = Uint8Array.from({ length: 299 * 299 * 3 }, (_, i) => (i * 31) % 256);
    const exact: Picture = { width: 299, height: 299, channels: 3, data };
    const flat: Picture = { width: 20, height: 500, channels: 3, data: new Uint8Array(20 * 500 * 3).fill(192) };
    for (const resize of ["tensorflow", "clean"] as const) {
      assert.ok(largestDifference(inceptionInput(exact, { resize }).mul(128).add(128), pixels(exact)) < 1e-4, resize);
      assert.ok(
        largestDifference(
          inceptionInput(flat, { resize }),
          tensor(new Float32Array(3 * 299 * 299).fill(0.5), { shape: [3, 299, 299] }),
        ) < 1e-6,
        resize,
      );
    }
    assert.ok(largestDifference(inceptionInput(exact, { resize: "pytorch" }).add(1).mul(127.5), pixels(exact)) < 1e-4);
  });

  it("refuses other ways", () => {
    assert.throws(
      () => inceptionInput(large(), { resize: "legacy" as FidResize }),
      /expected one of pytorch, tensorflow, clean for resize but received "legacy"/,
    );
  });
});

describe("visionInput", () => {
  for (const squaring of SQUARINGS)
    it(`is Pillow's, ${squaring}`, () => {
      const normalization = squaring === "stretch" ? IMAGENET_NORMALIZATION : CLIP_NORMALIZATION;
      for (const name of ["large", "image1"]) {
        const input = visionInput(pictureOf(name), { size: 224, squaring, normalization });
        assert.deepEqual(input.shape, [3, 224, 224]);
        const difference = largestDifference(
          input.slice(1, 0, 224, 16).slice(2, 0, 224, 16),
          expected.get(`${squaring}.${name}`)!,
        );
        assert.ok(difference < 1e-6, `${name}: ${difference}`);
      }
    });

  it("refuses other ways", () => {
    const options = { size: 224, squaring: "pad" as Squaring, normalization: CLIP_NORMALIZATION };
    assert.throws(
      () => visionInput(large(), options),
      /expected one of shorter-side, centre-square, stretch for squaring but received "pad"/,
    );
  });
});
