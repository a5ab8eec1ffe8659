import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { EvaluateEvent, EvaluateOptionsInput } from "@stillframe/schema";
import { liveTensors, writeSafetensors } from "@stillframe/torch";
import sharp from "sharp";
import { generate } from "../../generate/index.js";
import { openWorkshop, runCli, type Workshop } from "../../testing/workshop.js";
import { train } from "../../train/index.js";
import { readEvaluation } from "../evaluation.js";
import { fixture } from "../testing/fixture.js";
import { type FormulaTensor, formulaWeights } from "../testing/formula-weights.js";
import { meanColour } from "../testing/mean-colour.js";
import { type EvaluateResult, evaluate, type Network } from "./index.js";

let shop: Workshop;
before(async () => {
  shop = await openWorkshop({ pictures: 12 });
  const options = { max_train_steps: 4, checkpointing_steps: 2, learning_rate: 0.05 };
  for await (const _ of train(shop.run("run", options))) {
    // to its end
  }
  writeFileSync(shop.at("prompts.txt"), "a red circle\na green circle\n\na blue circle\na gold circle\n");
  writeFileSync(shop.at("generic.txt"), "a house\na tree\na road\n");
});
after(() => shop.close());

const colour = (): Network[] => [{ kind: "classifier", extractor: meanColour() }];

/** LPIPS over AlexNet with weights by formula, all in one file. */
function lpipsFile(): string {
  const { seed, tensors } = JSON.parse(readFileSync(fixture("networks/lpips.json"), "utf8")) as {
    seed: number;
    tensors: { alex: FormulaTensor[] };
  };
  const spread = (name: string, shape: readonly number[]) =>
    name.startsWith("lin")
      ? { offset: 0.5, scale: 0.5 }
      : { offset: 0, scale: Math.sqrt(6 / shape.slice(1).reduce((n, d) => n * d, 1)) };
  const path = shop.at("alex.safetensors");
  const weights = formulaWeights(tensors.alex, { seed, spread });
  writeSafetensors(path, weights);
  for (const weight of weights.values()) weight.dispose();
  return path;
}

const drawn = (name: string, more: Partial<EvaluateOptionsInput> = {}): EvaluateOptionsInput => ({
  real: shop.stills,
  pretrained_model_name_or_path: shop.base,
  lora: [shop.at("run")],
  prompts: shop.at("prompts.txt"),
  num_images: 2,
  steps: 2,
  seed: 3,
  width: 32,
  height: 32,
  resamples: 8,
  output_dir: shop.at(name),
  ...more,
});

async function run(
  options: EvaluateOptionsInput,
  {
    signal,
    extractors = colour(),
    on,
  }: { signal?: AbortSignal; extractors?: Network[]; on?: (e: EvaluateEvent) => void } = {},
): Promise<{ events: EvaluateEvent[]; result: EvaluateResult | null }> {
  const events: EvaluateEvent[] = [];
  const work = evaluate(options, { extractors, ...(signal === undefined ? {} : { signal }) });
  for (;;) {
    const next = await work.next();
    if (next.done) return { events, result: next.value };
    events.push(next.value);
    on?.(next.value);
  }
}

const of = <T extends EvaluateEvent["type"]>(events: readonly EvaluateEvent[], type: T) =>
  events.filter((e): e is Extract<EvaluateEvent, { type: T }> => e.type === type);
const pixels = (path: string) => sharp(path).raw().toBuffer();
const armFiles = (name: string, arm: string) =>
  readdirSync(shop.at(name, "pictures", arm)).map((file) => shop.at(name, "pictures", arm, file));

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

describe("evaluate, drawing", () => {
  it("draws every arm from the same seeds, as generate does, and writes the report", async () => {
    const before = liveTensors();
    const { events, result } = await run(
      drawn("all", {
        lora_scales: "0.5,1",
        prefix: "a still,",
        style_words: "in colour",
        generic_prompts: shop.at("generic.txt"),
        training: shop.stills,
      }),
    );
    const arms = ["base", "base with style words", "lora × 0.5", "lora", "lora without the prefix"];
    const generic = ["base, generic prompts", "lora, generic prompts"];
    assert.deepEqual(of(events, "evaluation_started")[0]?.arms, [
      ...arms.map((name) => ({ name, pictures: 8 })),
      ...generic.map((name) => ({ name, pictures: 6 })),
    ]);
    const written = readEvaluation(shop.at("all", "evaluation.json"));
    assert.deepEqual(written, JSON.parse(JSON.stringify(result?.evaluation)));
    assert.deepEqual(
      written.arms.map(({ name, kind, strength, size }) => [name, kind, strength, size]),
      [
        ["base", "base", undefined, { width: 32, height: 32 }],
        ["base with style words", "base_with_style", undefined, { width: 32, height: 32 }],
        ["lora × 0.5", "strength", 0.5, { width: 32, height: 32 }],
        ["lora", "lora", 1, { width: 32, height: 32 }],
        ["lora without the prefix", "prefix", 1, { width: 32, height: 32 }],
        ["base, generic prompts", "generic", undefined, { width: 32, height: 32 }],
        ["lora, generic prompts", "generic", 1, { width: 32, height: 32 }],
      ],
    );
    assert.deepEqual(
      written.gallery.slice(0, 3).map(({ prompt, seed }) => [prompt, seed]),
      [
        ["a red circle", 3],
        ["a red circle", 4],
        ["a green circle", 5],
      ],
    );
    assert.deepEqual(
      written.curves.map(({ title, series }) => [title, series[0]?.points.map(({ x }) => x)]),
      [["FD (classifier) by strength of the LoRA", [0, 0.5, 1]]],
    );
    const drift = written.values.filter((v) => v.network === "mean colour, against the base's generic pictures");
    assert.deepEqual(
      drift.map(({ arm, metric }) => [arm, metric]),
      [["lora, generic prompts", "classifier_fd"]],
    );
    assert.ok((drift[0]?.value as number) > 0);
    assert.ok(written.floors.some((f) => f.metric === "classifier_fd" && f.size === 6));
    assert.equal(written.copies?.top.length, 8);
    assert.match(written.caveats.join("\n"), /12 of the real pictures are training pictures/);
    assert.match(written.caveats.join("\n"), /CMMD is left out: no CLIP was given \(clip\)\./);
    assert.deepEqual(readdirSync(shop.at("all")).sort(), [
      "evaluation.html",
      "evaluation.json",
      "evaluation.txt",
      "pictures",
      "plots",
    ]);
    assert.equal(liveTensors(), before);
    // Against generate, which has tests of its own: the fifth picture, from its own seed.
    const pair = { pretrained_model_name_or_path: shop.base, lora: shop.at("run"), compare: true };
    const size = { steps: 2, width: 32, height: 32 };
    for await (const _ of generate({
      ...pair,
      ...size,
      prompt: ["a still, a blue circle"],
      seed: 7,
      output_dir: shop.at("g"),
    })) {
      // to its end
    }
    for (const side of ["base", "lora"])
      assert.deepEqual(
        await pixels(shop.at("all", "pictures", side, "00004-seed-7.png")),
        await pixels(shop.at("g", `0000-seed-7-${side}.png`)),
      );
  });

  it("draws again what is not there whole as it would be drawn, and nothing else", async () => {
    const first = await run(drawn("again"));
    assert.equal(of(first.events, "drawn").filter((e) => e.kept).length, 0);
    const [gone, cut, damaged] = armFiles("again", "lora") as [string, string, string];
    const whole = readFileSync(cut);
    rmSync(gone);
    truncateSync(cut, whole.length - 9);
    const bytes = readFileSync(damaged);
    bytes[bytes.length - 30]! ^= 1;
    writeFileSync(damaged, bytes);
    const second = await run(drawn("again"));
    assert.deepEqual(
      of(second.events, "drawn")
        .filter((e) => !e.kept)
        .map((e) => shop.at("again", e.path)),
      [gone, cut, damaged],
    );
    assert.deepEqual(readFileSync(cut), whole);
    assert.deepEqual(second.result?.evaluation.values, first.result?.evaluation.values);
    const third = await run(drawn("again", { guidance_scale: 2 }));
    assert.equal(of(third.events, "drawn").filter((e) => e.kept).length, 0);
  });

  it("stops when asked to, keeps what is done and goes on from there", async () => {
    const before = liveTensors();
    const stop = new AbortController();
    const halted = await run(drawn("halted"), {
      signal: stop.signal,
      on: (e) => {
        if (e.type === "drawn" && e.picture === 9) stop.abort();
      },
    });
    assert.equal(halted.result, null);
    const last = halted.events.at(-1);
    assert.equal(last?.type, "evaluation_interrupted");
    assert.equal(last?.type === "evaluation_interrupted" && last.pictures, 10);
    assert.equal(liveTensors(), before);
    const rest = await run(drawn("halted"));
    assert.equal(of(rest.events, "drawn").filter((e) => e.kept).length, 10);
    assert.notEqual(rest.result, null);
    const late = new AbortController();
    const measuring = await run(drawn("halted"), {
      signal: late.signal,
      on: (e) => e.type === "measuring" && late.abort(),
    });
    assert.equal(measuring.events.at(-1)?.type, "evaluation_interrupted");
    assert.equal(liveTensors(), before);
  });

  it("chooses a checkpoint on one half and reports on the other", async () => {
    const prompts = Array.from({ length: 12 }, (_, i) => `circle number ${i}`).join("\n");
    writeFileSync(shop.at("twelve.txt"), prompts);
    const { events, result } = await run(
      drawn("chosen", { checkpoints: true, select: "best", num_images: 1, prompts: shop.at("twelve.txt") }),
    );
    const [selected] = of(events, "selected");
    const evaluation = result?.evaluation as NonNullable<typeof result>["evaluation"];
    assert.equal(selected?.metric, "classifier_fd");
    assert.deepEqual(
      evaluation.arms.map(({ name, pictures }) => [name, pictures]),
      [
        ["base", 6],
        [selected?.arm, 6],
      ],
    );
    assert.equal(evaluation.real.pictures, 6);
    const points = evaluation.curves.find((c) => c.metric === "classifier_fd")?.series[0]?.points ?? [];
    assert.deepEqual(
      points.map(({ x }) => x),
      [0, 2, 4],
    );
    assert.equal(Math.min(...points.slice(1).map((p) => p.value)), selected?.value);
    const reported = evaluation.values.find((v) => v.metric === "classifier_fd" && v.arm === selected?.arm)?.value;
    assert.notEqual(reported, selected?.value);
    assert.match(
      evaluation.caveats[0] as string,
      /^step \d was chosen among 2 checkpoints by FD \(classifier\) on one half/,
    );
  });

  it("measures with every network that is given", async () => {
    const { result } = await run(
      drawn("networks", {
        dinov2: fixture("networks/dinov2"),
        clip: fixture("networks/clip"),
        lpips: lpipsFile(),
        prompts: null,
        max_prompts: 4,
      }),
      { extractors: [] },
    );
    const { values, differences, networks, caveats } = (result as EvaluateResult).evaluation;
    const measured = new Set(values.map((v) => v.metric));
    for (const metric of ["fd_dinov2", "cmmd", "clip_score", "lpips_diversity", "precision", "coverage"] as const)
      assert.ok(measured.has(metric), metric);
    assert.ok(!measured.has("fid"));
    for (const { sha256, weights } of networks) assert.ok(sha256?.length === 64 && weights !== undefined);
    const score = (arm: string) => values.find((v) => v.metric === "clip_score" && v.arm === arm)?.value as number;
    const difference = differences.find((d) => d.metric === "clip_score");
    assert.ok(Math.abs((difference?.value as number) - (score("lora") - score("base"))) < 1e-12);
    assert.ok(
      values.filter((v) => v.metric === "lpips_diversity").every((v) => v.value > 0 && v.interval !== undefined),
    );
    assert.ok(caveats.some((c) => c.startsWith("FID, KID and Inception's precision and recall are left out")));
  });

  it("converts a .pth once, and says when it is no Inception", async () => {
    const options = drawn("pth", { inception: fixture("pickle/zip.pth"), cache_dir: shop.at("converted-cache") });
    await assert.rejects(run(options), /missing \(\d+\): Conv2d_1a_3x3\.conv\.weight/);
    const [converted, ...more] = readdirSync(shop.at("converted-cache", "converted"));
    assert.deepEqual(more, []);
    assert.match(converted as string, /^[0-9a-f]{64}\.safetensors$/);
    await assert.rejects(run(options), /missing/);
    const harmful = drawn("pth", { inception: fixture("pickle/os-system.pth"), cache_dir: shop.at("converted-cache") });
    await assert.rejects(run(harmful), /os-system\.pth: /);
  });
});

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
    await refused(drawn("y", { lora_scales: "1,1" }), /expected each strength once for lora_scales/);
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
