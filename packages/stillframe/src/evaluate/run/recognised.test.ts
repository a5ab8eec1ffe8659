import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EvaluateOptionsInput } from "@stillframe/schema";
import { liveTensors, noGrad, readSafetensors, writeSafetensors } from "@stillframe/torch";
import sharp from "sharp";
import { openWorkshop, type Workshop } from "../../testing/workshop.js";
import { train } from "../../train/index.js";
import { recognizing } from "../testing/recognizing.js";
import { runEvaluation } from "../testing/run-evaluation.js";
import type { EvaluateResult, Network } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop({ pictures: 12 });
  const rows = ["red", "green", "blue", "gold"].map((colour, i) => ({
    text: `a ${colour} circle`,
    base: `a drawing of a ${colour} circle`,
    asked: i % 2 === 0 ? { name: "Red", tint: "red" } : { tint: "blue", name: null },
  }));
  writeFileSync(shop.at("prompts.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
after(() => shop.close());

const own = (): Network[] => [{ kind: "classifier", extractor: recognizing() }];
const run = (options: EvaluateOptionsInput) => runEvaluation(options, { extractors: own() });

/** A folder of eight pictures, red ones with even numbers and blue ones with odd, of the given light. */
async function paint(name: string, light: number): Promise<string> {
  const folder = shop.at(name);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < 8; i++) {
    const [r, b] = i % 2 === 0 ? [light + 20 - i, light - 20] : [light - 20 + i, light + 20];
    const create = { width: 24, height: 24, channels: 3, background: { r, g: light, b } } as const;
    await sharp({ create })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  return folder;
}

describe("evaluate, with a network that recognises things", () => {
  it("gives shares with intervals, what was asked by question, and the network's own accuracy", async () => {
    const before = liveTensors();
    const generated = [`base=${await paint("dark", 60)}`, `lora=${await paint("light", 200)}`];
    const prompts = ["red", "blue"].flatMap((tint) =>
      [0, 1, 2, 3].map((i) =>
        JSON.stringify({ text: `${tint} ${i}`, asked: i < 2 ? { name: "Red", tint } : { tint } }),
      ),
    );
    writeFileSync(shop.at("eight.jsonl"), prompts.join("\n"));
    const { result } = await run({
      real: shop.stills,
      generated,
      prompts: shop.at("eight.jsonl"),
      resamples: 20,
      training: shop.stills,
      output_dir: shop.at("shares"),
    });
    const { evaluation } = result as EvaluateResult;
    const of = (metric: string) => evaluation.values.filter((v) => v.metric === metric);
    assert.deepEqual(
      of("style_recognised").map(({ arm, value, network }) => [arm, value, network]),
      [
        ["base", 0, "bright or dark"],
        ["lora", 1, "bright or dark"],
      ],
    );
    // Named: pictures 0, 1, 4 and 5, of which 0 and 4 are red. Asked for red: 0 to 3, for blue: 4 to 7.
    assert.deepEqual(
      of("name_recognised").map((v) => v.value),
      [0.5, 0.5],
    );
    assert.deepEqual(
      of("attributes_recognised").map((v) => v.value),
      [0.5, 0.5],
    );
    const { interval } = of("name_recognised")[0] as { interval?: { low: number; high: number } };
    assert.ok((interval?.low as number) < 0.5 && (interval?.high as number) > 0.5);
    const difference = evaluation.differences.find((d) => d.metric === "style_recognised");
    assert.equal(difference?.value, 1);
    const [recognition] = evaluation.recognition ?? [];
    assert.deepEqual(recognition?.arms[1], {
      arm: "lora",
      style: { right: 8, of: 8 },
      name: { right: 2, of: 4 },
      attributes: { right: 4, of: 8 },
      questions: { name: { right: 2, of: 4 }, tint: { right: 4, of: 8 } },
    });
    assert.deepEqual(recognition?.accuracy[0]?.name, { right: 3, of: 4 });
    assert.equal(evaluation.copies?.arm, "lora");
    const table = readFileSync(shop.at("shares", "evaluation.txt"), "utf8");
    assert.match(table, /^style recognised, % ↑ +0\.0 +100\.0 +100\.0$/m);
    assert.match(table, /^name recognised, % ↑ +50\.0 +50\.0 +75\.0$/m);
    assert.match(table, /the reference is how often the classifier is right itself: on 8 colours\.$/m);
    assert.match(
      readFileSync(shop.at("shares", "evaluation.html"), "utf8"),
      /What is recognised, question by question/,
    );
    assert.equal(liveTensors(), before);
  });

  it("gives the style alone where prompts do not say what to look for", async () => {
    const options = { real: shop.stills, generated: [`base=${await paint("plain", 90)}`], resamples: 0 };
    const { result } = await run({ ...options, output_dir: shop.at("plain-out") });
    const { values, caveats } = (result as EvaluateResult).evaluation;
    const measured = values.map((v) => v.metric).filter((m) => /recognised/.test(m));
    assert.deepEqual(measured, ["style_recognised"]);
    assert.match(caveats.join("\n"), /Of what is recognised the style alone is given: no prompt says in a field asked/);
  });

  it("refuses prompts that ask what the network does not know, before it draws", async () => {
    writeFileSync(shop.at("unknown.jsonl"), `{"text": "a", "asked": {"hat": "cap"}}\n`.repeat(8));
    const options = { real: shop.stills, pretrained_model_name_or_path: shop.base, output_dir: shop.at("refused") };
    await assert.rejects(
      run({ ...options, prompts: shop.at("unknown.jsonl") }),
      /expected prompt 1 to ask one of light, name, tint but received hat/,
    );
    assert.ok(!readdirSync(shop.folder).includes("refused"));
  });

  it("takes a module that recognises, and refuses one that only seems to", async () => {
    const options = { real: shop.stills, generated: [`base=${await paint("module", 90)}`], resamples: 0 };
    const source = new URL("../testing/recognizing.js", import.meta.url).href;
    const write = (name: string, change: string) => {
      const text = `import { recognizing } from "${source}";\nconst own = recognizing();\n${change}\nexport default own;\n`;
      writeFileSync(shop.at(name), text);
      return shop.at(name);
    };
    const classifier = (path: string) =>
      runEvaluation({ ...options, classifier: path, output_dir: shop.at("module-out") }, { extractors: [] });
    const { result } = await classifier(write("right.mjs", ""));
    assert.ok(result?.evaluation.recognition?.[0]?.network === "bright or dark");
    await assert.rejects(
      classifier(write("wrong.mjs", "own.recognition.style.answer = 'loud';")),
      /expected style as a question that it knows and one of its answers in the recognition of .*wrong\.mjs/,
    );
  });
});

describe("evaluate, with other models and the base's own words", () => {
  it("draws them with the same prompts and seeds", async () => {
    for await (const _ of train(shop.run("run", { max_train_steps: 2, learning_rate: 0.05 }))) {
      // to its end
    }
    cpSync(shop.base, shop.at("other"), { recursive: true });
    const file = shop.at("other", "unet", "diffusion_pytorch_model.safetensors");
    const { tensors } = readSafetensors(file);
    const changed = noGrad(() => new Map([...tensors].map(([k, t]) => [k, t.mul(1.5)])));
    writeSafetensors(file, changed);
    for (const t of [...tensors.values(), ...changed.values()]) t.dispose();
    const before = liveTensors();
    const options: EvaluateOptionsInput = {
      real: shop.stills,
      pretrained_model_name_or_path: shop.base,
      lora: [shop.at("run")],
      models: [`full=${shop.at("other")}`, `same=${shop.base}`],
      prompts: shop.at("prompts.jsonl"),
      base_prompt_field: "base",
      prefix: "a still,",
      num_images: 2,
      steps: 2,
      width: 32,
      height: 32,
      resamples: 4,
      output_dir: shop.at("models"),
    };
    const { result } = await run(options);
    const { evaluation } = result as EvaluateResult;
    assert.deepEqual(
      evaluation.arms.map(({ name, kind, pictures }) => [name, kind, pictures]),
      [
        ["base", "base", 8],
        ["base in its own words", "base_in_own_words", 8],
        ["lora", "lora", 8],
        ["lora without the prefix", "prefix", 8],
        ["full", "model", 8],
        ["same", "model", 8],
      ],
    );
    const pixels = (arm: string) =>
      sharp(shop.at("models", "pictures", arm, "00003-seed-3.png"))
        .raw()
        .toBuffer();
    const base = await pixels("base");
    assert.deepEqual(await pixels("same"), base);
    for (const arm of ["full", "lora", "base-in-its-own-words"]) assert.notDeepEqual(await pixels(arm), base, arm);
    const value = (arm: string) => evaluation.values.find((v) => v.metric === "classifier_fd" && v.arm === arm)?.value;
    assert.equal(value("same"), value("base"));
    assert.equal(evaluation.values.filter((v) => v.metric === "name_recognised").length, 6);
    const again = await run(options);
    assert.ok(again.events.every((e) => e.type !== "drawn" || e.kept));
    assert.equal(liveTensors(), before);
  });
});
