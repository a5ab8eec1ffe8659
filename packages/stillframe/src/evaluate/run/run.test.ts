import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { EvaluateEvent, EvaluateOptionsInput } from "@stillframe/schema";
import { liveTensors, writeSafetensors } from "@stillframe/torch";
import sharp from "sharp";
import { generate } from "../../generate/index.js";
import { openWorkshop, type Workshop } from "../../testing/workshop.js";
import { train } from "../../train/index.js";
import { readEvaluation } from "../evaluation.js";
import { type FormulaTensor, formulaWeights } from "../formula-weights.js";
import { fixture } from "../testing/fixture.js";
import { drawnIn, runEvaluation as run } from "../testing/run-evaluation.js";
import type { EvaluateResult } from "./index.js";

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

const drawn = (name: string, more: Partial<EvaluateOptionsInput> = {}) => drawnIn(shop, name, more);

const of = <T extends EvaluateEvent["type"]>(events: readonly EvaluateEvent[], type: T) =>
  events.filter((e): e is Extract<EvaluateEvent, { type: T }> => e.type === type);
const pixels = (path: string) => sharp(path).raw().toBuffer();
const armFiles = (name: string, arm: string) =>
  readdirSync(shop.at(name, "pictures", arm)).map((file) => shop.at(name, "pictures", arm, file));

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
    assert.equal(drift[0]?.interval?.resamples, 8);
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
    assert.deepEqual(
      networks.filter((n) => n.dimension === undefined).map(({ name, weights }) => [name, weights]),
      [["LPIPS (alex)", lpipsFile()]],
    );
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
