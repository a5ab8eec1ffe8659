import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EvaluateOptionsInput } from "@stillframe/schema";
import sharp from "sharp";
import { openWorkshop, runCli, type Workshop } from "../../testing/workshop.js";
import { meanColour } from "../testing/mean-colour.js";
import { drawnIn, runEvaluation as run } from "../testing/run-evaluation.js";
import type { EvaluateResult, Network } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop({ pictures: 12 });
  mkdirSync(shop.at("run"));
  writeFileSync(shop.at("run", "pytorch_lora_weights.safetensors"), "");
  writeFileSync(shop.at("prompts.txt"), "a red circle\na green circle\na blue circle\na gold circle\n");
  writeFileSync(shop.at("generic.txt"), "a house\na tree\na road\n");
});
after(() => shop.close());

const drawn = (name: string, more: Partial<EvaluateOptionsInput> = {}) => drawnIn(shop, name, more);

/** A folder of eight pictures, each of one colour that depends on its number and on `shift`. */
async function paint(
  name: string,
  { shift, count = 8, width = 24 }: { shift: number; count?: number; width?: number },
) {
  const folder = shop.at(name);
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const background = { r: (i * 29 + shift) % 256, g: (i * i * 7 + 2 * shift) % 256, b: (i * 13 + 90) % 256 };
    await sharp({ create: { width, height: 24, channels: 3, background } })
      .png()
      .toFile(join(folder, `${i}.png`));
  }
  return folder;
}

describe("evaluate, with folders", () => {
  let base: string;
  let lora: string;
  before(async () => {
    base = await paint("folders/base", { shift: 40 });
    lora = await paint("folders/lora", { shift: 90 });
  });
  const folders = (name: string, more: Partial<EvaluateOptionsInput> = {}): EvaluateOptionsInput => ({
    real: shop.stills,
    generated: [`base=${base}`, `lora=${lora}`],
    resamples: 8,
    output_dir: shop.at(name),
    ...more,
  });
  const refused = (options: EvaluateOptionsInput, message: RegExp, extractors?: Network[]) =>
    assert.rejects(run(options, extractors === undefined ? {} : { extractors }), message);

  it("measures folders against the real pictures, whatever the batch size", async () => {
    const { result } = await run(folders("found"));
    const evaluation = (result as EvaluateResult).evaluation;
    assert.deepEqual(
      evaluation.arms.map(({ name, kind, pictures }) => [name, kind, pictures]),
      [
        ["base", "base", 8],
        ["lora", "lora", 8],
      ],
    );
    assert.equal(evaluation.generation, undefined);
    assert.ok(evaluation.differences.every((d) => d.from === "base" && d.to === "lora" && d.interval !== undefined));
    const single = await run(folders("single", { batch_size: 1 }));
    assert.deepEqual(single.result?.evaluation.values, evaluation.values);
    const page = readFileSync(shop.at("found", "evaluation.html"), "utf8");
    assert.match(page, /Those under one heading share their name/);
    assert.ok(!/ seed \d/.test(page));
  });

  it("brings real pictures to the size of the generated ones, or leaves them and says so", async () => {
    const { result } = await run(folders("as-is", { real_fit: "as_is" }));
    assert.match(
      (result as EvaluateResult).evaluation.caveats.join("\n"),
      /12 real pictures have another size than the generated ones \(24 × 24\)/,
    );
    const enlarged = await run(
      folders("enlarged", { generated: [`base=${await paint("large", { shift: 5, width: 200 })}`] }),
    );
    assert.match(
      enlarged.result?.evaluation.caveats.join("\n") ?? "",
      /12 real pictures are smaller than the generated ones/,
    );
  });

  it("says what is wrong with pictures, and prints no number", async () => {
    const few = await paint("few", { shift: 1, count: 5 });
    await refused(
      folders("x", { generated: [`base=${few}`] }),
      /expected at least 6 pictures in .*few for pictures but received 5/,
    );
    await refused(folders("x", { real: few }), /expected at least 6 pictures in .*few for real but received 5/);
    const seven = await paint("seven", { shift: 1, count: 7 });
    await refused(
      folders("x", { generated: [`base=${base}`, `lora=${seven}`] }),
      /expected as many pictures in every folder, because distances at different N cannot be compared, but received 8 in base, 7 in lora/,
    );
    copyFileSync(join(seven, "0.png"), join(seven, "other.png"));
    await refused(
      folders("x", { generated: [`base=${base}`, `lora=${seven}`] }),
      /expected pictures of equal names in every folder, which are the pairs, but base alone has 7\.png and lora alone has other\.png/,
    );
    await refused(
      folders("x", { generated: [`base=${seven}`] }),
      /expected different pictures but received one twice: .*0\.png and .*other\.png/,
    );
    const wide = await paint("wide", { shift: 3, width: 30 });
    await refused(
      folders("x", { generated: [`base=${base}`, `lora=${wide}`] }),
      /expected arms of one size but received 24 × 24 \(base\) and 30 × 24 \(lora\)/,
    );
    await refused(
      folders("x"),
      /expected finite features of .*2\.png but received NaN or infinite values from mean colour/,
      [{ kind: "classifier", extractor: meanColour({ broken: (row) => row === 2 }) }],
    );
    await refused(
      folders("x", { real: base }),
      /expected generated pictures that are not real ones but received one that is both: .*0\.png/,
    );
    await refused(
      folders("x", { generated: [`base=${base}`, `base=${lora}`] }),
      /expected different names for generated/,
    );
    assert.throws(() => readFileSync(shop.at("x", "evaluation.json")), /ENOENT/);
  });

  it("says what is wrong with what it was given, before it draws", async () => {
    await refused(folders("y"), /expected a network to measure with for inception, dinov2, clip, classifier/, []);
    await refused(
      folders("y", { real: shop.at("nowhere") }),
      /expected a folder of pictures, or a data set of the Hub, for real/,
    );
    await refused(
      folders("y", { inception: shop.at("no.pth") }),
      /expected a file of weights .* for inception but received/,
    );
    await refused(folders("y", { dinov2: shop.stills }), /expected a folder with config\.json in it for dinov2/);
    await refused(
      folders("y", { clip: shop.at("no", "clip", "here") }),
      /expected a folder with config\.json, or a repository of the Hub, for clip/,
    );
    await refused(
      folders("y", { classifier: shop.at("prompts.txt") }),
      /expected a JavaScript module .* for classifier/,
    );
    await refused(
      folders("y", { prompts: shop.at("generic.txt") }),
      /expected a number of prompts that 8 pictures can be shared among for prompts but received 3/,
    );
    await refused(drawn("y", { prompts: shop.at("none.txt") }), /expected a file of prompts for prompts/);
    writeFileSync(shop.at("blank.txt"), "\n \n");
    await refused(drawn("y", { prompts: shop.at("blank.txt") }), /blank\.txt: expected at least one prompt/);
    await refused(
      drawn("y", { num_images: 1 }),
      /expected prompts for at least 6 pictures in an arm for prompts but received "4 × 1 \(num_images\)"/,
    );
    await refused(
      drawn("y", { prompts: null, real: base }),
      /expected a file of prompts, or captions with the real pictures for prompts/,
    );
    await refused(
      drawn("y", { lora: [shop.at("base")], checkpoints: true }),
      /expected the folder of a run with checkpoints in it for lora/,
    );
    await refused(
      drawn("y", { lora_scales: "1,1" }),
      /expected each strength once, and models with names of their own .* but received "lora"/,
    );
    const drawnAny = readdirSync(shop.folder).includes("y") && readdirSync(shop.at("y")).includes("pictures");
    assert.equal(drawnAny, false);
  });

  it("runs from the command line with a network of one's own", async () => {
    const module = shop.at("colour.mjs");
    const torch = new URL("../../../../torch/dist/index.js", import.meta.url).href;
    const own = new URL("../testing/mean-colour.js", import.meta.url).href;
    writeFileSync(module, `import "${torch}";\nimport { meanColour } from "${own}";\nexport default meanColour();\n`);
    const { code, out, err } = await runCli([
      "evaluate",
      `--real=${shop.stills}`,
      `--generated=base=${base}`,
      `--generated=lora=${lora}`,
      `--classifier=${module}`,
      "--resamples=8",
      `--output_dir=${shop.at("cli")}`,
    ]);
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /12 real pictures; 16 pictures in 2 arms: base, lora\nmeasured with mean colour\n/);
    assert.match(out, /FD \(classifier\) ↓ +\d+\.\d+ +\d+\.\d+ +\d+\.\d+ ± /);
    assert.match(out, /difference to base \(with 95 % intervals from 8 paired resamples\)/);
    assert.match(out, /cli\/evaluation\.html/);
    const wrong = await runCli(["evaluate", `--real=${shop.stills}`]);
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.err,
      /expected something to measure: give base \(a model\) or generated \(folders of pictures\)/,
    );
  });
});
