import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Generator, noGrad, normal, randn, readSafetensors, tensor, writeSafetensors } from "@stillframe/torch";
import { Unet } from "../unet/model.js";
import { SMALL_UNET } from "../unet/testing/small-unet.js";
import { applyLora } from "./apply.js";
import { readLora, writeDiffusersLora, writeKohyaLora } from "./format.js";
import { fuseLora, injectLora, layerSlots, setLoraMultiplier } from "./inject.js";
import { kohyaSgmName } from "./names.js";

/** Every kind of layer that an adapter of "everything" has. */
const TARGETS = ["to_q", "proj_in", "ff.net.0.proj", "time_emb_proj", "linear_1"];
const CONVOLUTIONS = ["conv1", "conv2", "conv_shortcut", "conv", "conv_in", "conv_out"];

const root = mkdtempSync(join(tmpdir(), "lora-format-"));
after(() => rmSync(root, { recursive: true }));

const base = (): Unet => new Unet(SMALL_UNET).initialize(new Generator(1));
const paths = { unet: layerSlots(base()).map((s) => s.path) };

function predict(unet: Unet): number[] {
  const generator = new Generator(2);
  const draw = (...shape: number[]) => randn(shape, { generator });
  return noGrad(() =>
    unet.forward(draw(1, 4, 8, 8), tensor([3]), {
      promptEmbeds: draw(1, 7, 24),
      textEmbeds: draw(1, 12),
      timeIds: tensor([[64, 64, 0, 0, 64, 64]]),
    }),
  ).toArray() as number[];
}

function adapted() {
  const unet = base();
  const generator = new Generator(3);
  const layers = injectLora(unet, { rank: 4, alpha: 2, targets: [...TARGETS, ...CONVOLUTIONS], generator });
  for (const { layer } of layers) layer.loraB = normal(layer.loraB, 0.3, generator);
  return { unet, layers };
}

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((v, i) => Math.abs(v - (b[i] as number))));

describe("an adapter with convolutions", () => {
  const { unet, layers } = adapted();
  const expected = predict(unet);
  const writers = {
    diffusers: (path: string) => writeDiffusersLora(path, { unet: layers }),
    kohya: (path: string) =>
      writeKohyaLora(path, { unet: layers }, { unet: SMALL_UNET, alphaTensor: (alpha) => tensor(alpha) }),
  };

  for (const [name, write] of Object.entries(writers))
    it(`is read again as it was written for ${name}`, () => {
      const path = join(root, `${name}.safetensors`);
      write(path);
      const other = base();
      assert.ok(apart(predict(other), expected) > 0.01);
      assert.equal(applyLora({ unet: other }, readLora(path, { paths, unet: SMALL_UNET })), layers.length);
      assert.ok(apart(predict(other), expected) < 1e-5);
      setLoraMultiplier(other, 0);
      assert.deepEqual(predict(other), predict(base()));
    });

  it("has factors of four dimensions in a file, as other programs expect", () => {
    const path = join(root, "shapes.safetensors");
    writers.diffusers(path);
    const { tensors } = readSafetensors(path);
    const shape = (key: string) => tensors.get(`unet.${key}.weight`)?.shape;
    assert.deepEqual(shape("down_blocks.1.resnets.0.conv1.lora.down"), [4, 16, 3, 3]);
    assert.deepEqual(shape("down_blocks.1.resnets.0.conv1.lora.up"), [32, 4, 1, 1]);
    assert.deepEqual(shape("down_blocks.1.resnets.0.conv_shortcut.lora.down"), [4, 16, 1, 1]);
    assert.deepEqual(shape("down_blocks.1.resnets.0.time_emb_proj.lora.down"), [4, 64]);
  });

  it("can be folded in", () => {
    const { unet: other } = adapted();
    fuseLora(other);
    assert.deepEqual(
      layerSlots(other).map((s) => s.layer.constructor.name),
      layerSlots(base()).map((s) => s.layer.constructor.name),
    );
    assert.ok(apart(predict(other), expected) < 1e-4);
  });

  it("is refused where a factor does not fit its layer", () => {
    const path = join(root, "wrong.safetensors");
    const key = "unet.down_blocks.1.resnets.0.conv1.lora";
    writeSafetensors(path, [
      [`${key}.down.weight`, randn([4, 16, 1, 1])],
      [`${key}.up.weight`, randn([32, 4, 1, 1])],
    ]);
    assert.throws(() => applyLora({ unet: base() }, readLora(path, { paths }), { source: "wrong.safetensors" }), {
      name: "FileFormatError",
      message:
        /wrong\.safetensors.*unet\.down_blocks\.1\.resnets\.0\.conv1 expects factors \[rank, 16, 3, 3\] and \[32, rank, 1, 1\] but received \[4, 16, 1, 1\] and \[32, 4, 1, 1\]/,
    });
  });
});

describe("kohyaSgmName", () => {
  it("gives the names that diffusers reads as these layers", () => {
    const file = fileURLToPath(new URL("../../fixtures/lora/kohya-names.json", import.meta.url));
    const names = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
    assert.equal(Object.keys(names).length, 69);
    for (const [name, path] of Object.entries(names)) assert.equal(kohyaSgmName(path, SMALL_UNET), name);
  });
});
