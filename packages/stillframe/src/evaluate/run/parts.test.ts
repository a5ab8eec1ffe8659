import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { tensor } from "@stillframe/torch";
import type { Picture } from "../../data/index.js";
import { encodePng } from "../../generate/png.js";
import { folderName, planArms } from "./arms.js";
import { fitPicture } from "./fitted.js";
import { isKept, KEY_TEXT, pictureKey } from "./kept-picture.js";
import { selectRows } from "./measure-arms.js";
import { joined, plainPrompt, readPrompts, withoutPrefix, withPrefix } from "./prompts.js";
import { meanScores } from "./scores.js";

const scratch = mkdtempSync(join(tmpdir(), "evaluate-parts-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(scratch, name), content);
  return join(scratch, name);
};

describe("prompts", () => {
  it("put a prefix before a prompt once, and take it away", () => {
    for (const prefix of ["Still from the Anime", "Still from the Anime, ", "Still from the Anime,"]) {
      assert.equal(withPrefix("a boy", prefix), "Still from the Anime, a boy");
      assert.equal(withPrefix("Still from the Anime, a boy", prefix), "Still from the Anime, a boy");
      assert.equal(withoutPrefix("Still from the Anime, a boy", prefix), "a boy");
      assert.equal(withoutPrefix("a boy", prefix), "a boy");
    }
    assert.equal(joined("In colour:", "a boy"), "In colour: a boy");
  });

  it("are read from lines and from metadata", async () => {
    const options = { name: "prompts", captionColumn: "text" };
    const texts = async (path: string) => (await readPrompts(path, options)).map((p) => p.text);
    assert.deepEqual(await texts(at("a.txt", "a cat \r\n\n a dög\n")), ["a cat", "a dög"]);
    const lines = ['{"file_name": "0.png", "text": "a cat"}', '{"file_name": "1.png", "text": ["a dog", "one dog"]}'];
    assert.deepEqual(await texts(at("m.jsonl", lines.join("\n"))), ["a cat", "a dog"]);
    const asked = [
      '{"text": "Mara", "base": "a render of Mara", "asked": {"name": "Mara", "hatColour": null}}',
      '{"text": "a boy", "base": "a boy, rendered"}',
    ];
    assert.deepEqual(await readPrompts(at("asked.jsonl", asked.join("\n")), { ...options, baseField: "base" }), [
      { text: "Mara", base: "a render of Mara", expected: { name: "Mara", hatColour: null } },
      { text: "a boy", base: "a boy, rendered", expected: null },
    ]);
    for (const wrong of ['"hat"', "[]", '{"hat": 1}'])
      await assert.rejects(
        readPrompts(at("wrong.jsonl", `{"text": "a", "asked": ${wrong}}`), options),
        /wrong\.jsonl: line 1: expected answers by their questions in asked but received/,
      );
    await assert.rejects(
      readPrompts(at("bare.jsonl", '{"text": "a"}'), { ...options, baseField: "base" }),
      /bare\.jsonl: line 1: expected a caption in base but received undefined/,
    );
    await assert.rejects(
      readPrompts(at("n.jsonl", '{"text": "a"}\n{"file_name": "1.png"}'), options),
      /n\.jsonl: line 2: expected a caption in text but received undefined/,
    );
    await assert.rejects(
      readPrompts(at("b.txt", Uint8Array.of(0xff, 0xfe)), options),
      /b\.txt: expected text in UTF-8/,
    );
  });
});

describe("arms", () => {
  const none = {
    lora: [],
    lora_scales: null,
    models: [],
    base_prompt_field: null,
    checkpoints: false,
    prefix: null,
    style_words: null,
    generic_prompts: null,
  };
  const adapter = (name: string): string => {
    mkdirSync(join(scratch, name), { recursive: true });
    at(`${name}/pytorch_lora_weights.safetensors`, "");
    return join(scratch, name);
  };

  it("show what differs and nothing else", () => {
    const arms = planArms(
      { ...none, lora: [adapter("first")], prefix: "P", style_words: "S" },
      ["a", "P, b"].map(plainPrompt),
      [plainPrompt("g")],
    );
    assert.deepEqual(
      arms.map(({ name, prompts, strength }) => [name, prompts, strength]),
      [
        ["base", ["P, a", "P, b"], 0],
        ["base with style words", ["S, a", "S, P, b"], 0],
        ["lora", ["P, a", "P, b"], 1],
        ["lora without the prefix", ["a", "b"], 1],
        ["base, generic prompts", ["g"], 0],
        ["lora, generic prompts", ["g"], 1],
      ],
    );
    assert.equal(new Set(arms.map((arm) => folderName(arm.name))).size, arms.length);
  });

  it("show other models, and the base in its own words", () => {
    const prompts = [{ text: "a", base: "a render of a", expected: null }];
    const arms = planArms({ ...none, lora: [adapter("first")], models: ["Full = x/full"], prefix: "P" }, prompts, null);
    assert.deepEqual(
      arms.map(({ name, kind, model, adapter: file, prompts: drawn }) => [name, kind, model, file !== null, drawn]),
      [
        ["base", "base", null, false, ["P, a"]],
        ["base in its own words", "base_in_own_words", null, false, ["a render of a"]],
        ["lora", "lora", null, true, ["P, a"]],
        ["lora without the prefix", "prefix", null, true, ["a"]],
        ["Full", "model", "x/full", false, ["P, a"]],
      ],
    );
    for (const models of [["base=x"], ["Base=x"], ["?=x"], ["a b=x", "a-b=y"]])
      assert.throws(() => planArms({ ...none, models }, prompts, null), /models with names of their own/);
  });

  it("have names that tell several adapters and strengths apart", () => {
    const one = [plainPrompt("a")];
    const lora = [adapter("one"), adapter("two")];
    assert.deepEqual(
      planArms({ ...none, lora, lora_scales: "0.5, 1" }, one, null).map((arm) => arm.name),
      ["base", "lora 1 (one) × 0.5", "lora 1 (one)", "lora 2 (two) × 0.5", "lora 2 (two)"],
    );
    assert.throws(() => planArms({ ...none, lora: [join(scratch, "three")] }, one, null), /for lora but received/);
  });
});

describe("kept pictures", () => {
  it("are those that are whole and have the same key", async () => {
    const key = pictureKey({ seed: 1, prompt: "a" });
    assert.equal(pictureKey({ prompt: "a", seed: 1 }), key);
    assert.notEqual(pictureKey({ prompt: "a", seed: 2 }), key);
    const raster = { width: 4, height: 4, data: new Uint8Array(48) };
    const png = await encodePng(raster, { parameters: "a", [KEY_TEXT]: key });
    const kept = (content: Uint8Array) => isKept(at("k.png", content), key);
    assert.equal(await kept(png), true);
    assert.equal(await isKept(at("k.png", png), pictureKey({ seed: 2 })), false);
    assert.equal(await kept(png.subarray(0, -1)), false);
    assert.equal(await kept(png.subarray(0, 40)), false);
    const damaged = Buffer.from(png);
    damaged[png.length - 20]! ^= 1;
    assert.equal(await kept(damaged), false);
    assert.equal(await kept(await encodePng(raster)), false);
    assert.equal(await kept(Buffer.from("no picture")), false);
    assert.equal(await isKept(join(scratch, "none.png"), key), false);
  });
});

describe("fitPicture", () => {
  const stripes = (width: number, height: number): Picture => {
    const data = new Uint8Array(width * height * 3);
    for (let i = 0; i < data.length; i++) data[i] = Math.floor((i / 3) % width);
    return { width, height, channels: 3, data };
  };

  it("cuts the middle in the shape of the generated pictures and resizes it", () => {
    const fitted = fitPicture(stripes(60, 20), { width: 20, height: 20 });
    assert.deepEqual([fitted.width, fitted.height, fitted.data.length], [20, 20, 1200]);
    assert.deepEqual(
      Array.from({ length: 20 }, (_, x) => fitted.data[3 * x]),
      Array.from({ length: 20 }, (_, x) => 20 + x),
    );
    const half = fitPicture(stripes(80, 40), { width: 20, height: 20 });
    assert.ok(Math.abs((half.data[30] as number) - 40.5) <= 1);
    const tall = fitPicture(stripes(10, 40), { width: 20, height: 20 });
    assert.deepEqual([tall.width, tall.height], [20, 20]);
  });

  it("leaves a picture of that size as it is", () => {
    const picture = stripes(20, 10);
    assert.equal(fitPicture(picture, { width: 20, height: 10 }), picture);
  });
});

describe("meanScores", () => {
  it("gives means, and intervals of paired differences that are narrower than the arms' own", () => {
    const spread = Float64Array.from({ length: 40 }, (_, i) => (i * 37) % 40);
    const shifted = spread.map((v, i) => v + 1 + (i % 2) / 8);
    const options = { clusters: null, resamples: 100, seed: 1 };
    const scores = [
      { arm: "base", values: spread },
      { arm: "lora", values: shifted },
    ];
    const { values, differences } = meanScores("lpips_diversity", scores, options);
    assert.deepEqual(
      values.map((v) => [v.arm, v.value]),
      [
        ["base", 19.5],
        ["lora", 20.5625],
      ],
    );
    const width = (i: { interval?: { low: number; high: number } } | undefined) =>
      (i?.interval?.high as number) - (i?.interval?.low as number);
    assert.ok(Math.abs((differences[0]?.value as number) - 1.0625) < 1e-12);
    assert.ok(width(differences[0]) < width(values[0]) / 20);
    const weights = Float64Array.from({ length: 40 }, (_, i) => (i < 20 ? 3 : 1));
    const weighted = meanScores("lpips_diversity", [{ arm: "base", values: spread, weights }], options).values[0]!;
    const sums = spread.reduce((sum, v, i) => sum + v * (weights[i] as number), 0);
    assert.ok(Math.abs(weighted.value - sums / 80) < 1e-12);
    assert.ok(weighted.interval!.low < weighted.value && weighted.value < weighted.interval!.high);
    const plain = meanScores("lpips_diversity", scores, { ...options, resamples: 0 });
    assert.ok(plain.values.every((v) => v.interval === undefined));
  });
});

describe("selectRows", () => {
  it("takes rows, or all, into a tensor of its own", () => {
    const features = tensor([1, 2, 3, 4, 5, 6], { shape: [3, 2] });
    assert.deepEqual(selectRows(features, [2, 0]).toArray(), [5, 6, 1, 2]);
    const all = selectRows(features, null);
    features.dispose();
    assert.deepEqual(all.toArray(), [1, 2, 3, 4, 5, 6]);
  });
});
