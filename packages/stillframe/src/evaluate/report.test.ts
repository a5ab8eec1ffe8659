import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import sharp from "sharp";
import { dotChart, lineChart } from "./chart.js";
import { type Evaluation, readEvaluation, writeEvaluation } from "./evaluation.js";
import { evaluationPage } from "./evaluation-page.js";
import { metricRows, metricTable } from "./metric-table.js";
import { evaluationPlots, writeReport } from "./report.js";

const scratch = mkdtempSync(join(tmpdir(), "report-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

const interval = (low: number, high: number) => ({ low, high, level: 0.95, standard_error: 1, resamples: 200 });
const evaluation: Evaluation = {
  format: "stillframe-evaluation-1",
  created: "2026-03-01T12:00:00.000Z",
  title: "Stills <2000>",
  real: { name: "real", folder: "real", pictures: 1790 },
  arms: [
    { name: "base", kind: "base", folder: "base", pictures: 180 },
    { name: "lora", kind: "lora", folder: "lora", pictures: 180, strength: 1 },
  ],
  networks: [{ name: "inception-v3 2048 (clean)", dimension: 2048 }],
  values: [
    { arm: "base", metric: "fid", network: "inception-v3 2048 (clean)", value: 117.4, interval: interval(115, 119) },
    { arm: "lora", metric: "fid", network: "inception-v3 2048 (clean)", value: 99.7, interval: interval(98, 101.5) },
    { arm: "base", metric: "kid", network: "inception-v3 2048 (clean)", value: 0.0312, std: 0.002 },
    { arm: "lora", metric: "kid", network: "inception-v3 2048 (clean)", value: 0.0301, std: 0.002 },
    { arm: "lora", metric: "clip_score", value: 31.25 },
  ],
  differences: [
    {
      metric: "fid",
      network: "inception-v3 2048 (clean)",
      from: "base",
      to: "lora",
      value: -17.7,
      interval: interval(-19.1, -16.2),
    },
    {
      metric: "kid",
      network: "inception-v3 2048 (clean)",
      from: "base",
      to: "lora",
      value: -0.0011,
      interval: interval(-0.003, 0.001),
    },
  ],
  floors: [{ metric: "fid", network: "inception-v3 2048 (clean)", mean: 61.2, std: 0.4, size: 180, reference: 1610 }],
  curves: [
    {
      title: "KID by step",
      x: "step",
      metric: "kid",
      series: [
        {
          name: "lora",
          points: [
            { x: 500, value: 0.03, low: 0.029, high: 0.031 },
            { x: 1000, value: 0.025, low: 0.024, high: 0.026 },
          ],
        },
        {
          name: "<base>",
          points: [
            { x: 500, value: 0.031 },
            { x: 1000, value: 0.031 },
          ],
        },
      ],
    },
  ],
  gallery: [
    {
      prompt: '<script>alert("x")</script> & a cat',
      seed: 7,
      pictures: [
        { arm: "base", file: "base/0.png" },
        { arm: "lora", file: "lora/gone.png" },
      ],
    },
  ],
  copies: {
    network: "dinov2",
    mean: 0.5,
    held_out_most: 0.9,
    beyond_held_out: 1,
    top: [{ picture: "base/0.png", training: "real/0.png", similarity: 0.95 }],
  },
  caveats: ["With 180 pictures only the difference means something."],
};

const share = (right: number, of: number) => ({ right, of });
const recognised: Evaluation = {
  ...evaluation,
  values: [
    ...evaluation.values,
    { arm: "base", metric: "style_recognised", network: "pocket", value: 0.015, interval: interval(0, 0.03) },
    { arm: "lora", metric: "style_recognised", network: "pocket", value: 0.96, interval: interval(0.93, 0.98) },
  ],
  differences: [
    { ...evaluation.differences[0]!, relative: { value: -0.151, interval: interval(-0.16, -0.14) } },
    {
      metric: "style_recognised",
      network: "pocket",
      from: "base",
      to: "lora",
      value: 0.945,
      interval: interval(0.9, 0.97),
    },
  ],
  recognition: [
    {
      network: "pocket",
      style: { question: "look", answer: "anime" },
      accuracy: [
        {
          on: "200 held-out drawings",
          style: share(199, 200),
          name: share(50, 50),
          attributes: share(90, 100),
          questions: { hat: share(9, 10) },
        },
        { on: "the same through the autoencoder", style: share(196, 200), name: share(4, 5), attributes: share(8, 9) },
      ],
      arms: [
        {
          arm: "base",
          style: share(3, 200),
          name: share(0, 0),
          attributes: share(1, 4),
          questions: { hat: share(1, 4) },
        },
        { arm: "lora", style: share(192, 200), name: share(0, 0), attributes: share(0, 0), questions: {} },
      ],
    },
  ],
  copies: { ...evaluation.copies!, arm: "lora", threshold: 0.95, copies: 0 },
};

describe("evaluation.json", () => {
  it("is read as it was written", () => {
    const path = join(scratch, "evaluation.json");
    writeEvaluation(path, evaluation);
    assert.deepEqual(readEvaluation(path), evaluation);
  });

  it("refuses what is none: unknown keys, NaN, arms that are not listed", () => {
    const path = join(scratch, "broken.json");
    const write = (change: object) => () => writeEvaluation(path, { ...evaluation, ...change } as Evaluation);
    assert.throws(write({ fid: 99.7 }), /broken\.json: it is no evaluation: [\s\S]*Unrecognized key: "fid"/);
    assert.throws(
      write({ values: [{ arm: "lora", metric: "fid", value: Number.NaN }] }),
      /it is no evaluation: [\s\S]*values\[0\]\.value/,
    );
    assert.throws(
      write({ values: [{ arm: "other", metric: "fid", value: 1 }] }),
      /fid is of arm other, which is not listed/,
    );
    writeFileSync(path, "{");
    assert.throws(() => readEvaluation(path), /it cannot be read as JSON/);
    assert.deepEqual(
      readdirSync(scratch).filter((name) => name.endsWith(".partial")),
      [],
    );
  });
});

describe("metricTable", () => {
  it("shows values, floors, differences with intervals, and caveats", () => {
    assert.equal(
      metricTable(evaluation),
      [
        "                base   lora     reference",
        "FID ↓         117.40  99.70  61.20 ± 0.40",
        "KID × 1000 ↓   31.20  30.10             -",
        "CLIP score ↑       -  31.25             -",
        "",
        "difference to base (with 95 % intervals from 200 paired resamples)",
        "                                   lora",
        "FID ↓         -17.70 (-19.10 to -16.20)",
        "KID × 1000 ↓     -1.10 (-3.00 to +1.00)",
        "",
        "1790 real pictures; 180 in each arm.",
        "For distances, the reference is real pictures against real pictures.",
        "! With 180 pictures only the difference means something.",
        "",
      ].join("\n"),
    );
  });

  it("shows what is recognised beside the network's own accuracy, falls in percent, and whether there are copies", () => {
    const table = metricTable(recognised);
    assert.match(table, /^style recognised, % ↑ +1\.5 +96\.0 +99\.5 \/ 98\.0$/m);
    assert.match(table, /^FID ↓, in % +-15\.1 % \(-16\.0 to -14\.0\)$/m);
    assert.match(table, /^style recognised, % ↑ +\+94\.5 \(\+90\.0 to \+97\.0\)$/m);
    assert.match(table, /is right itself: on 200 held-out drawings \/ on the same through the autoencoder\.$/m);
    assert.match(table, /^No picture of lora is a copy \(similarity 0\.9500 or more .* has 0\.9000\)\.$/m);
    const copies = (change: object) => metricTable({ ...recognised, copies: { ...recognised.copies!, ...change } });
    assert.match(copies({ copies: 3 }), /^3 of the pictures of lora count as copies \(similarity 0\.9500/m);
    assert.match(copies({ copies: null, threshold: null }), /^Whether a picture of lora is a copy cannot be told: no/m);
    const page = evaluationPage(recognised, { plots: [], thumbnails: new Map() });
    for (const text of ["99.5 / 98.0", "-15.1 % (-16.0 to -14.0)", "No picture of lora is a copy"])
      assert.ok(page.includes(text), text);
    assert.match(page, /<th scope="row">hat<\/th><td>25\.0<span class="minor">of 4<\/span><\/td><td>–<\/td><td>90\.0/);
    assert.ok(!evaluationPage(evaluation, { plots: [], thumbnails: new Map() }).includes("question by question"));
    const path = join(scratch, "recognised.json");
    writeEvaluation(path, recognised);
    assert.deepEqual(readEvaluation(path), recognised);
  });

  it("tells better from worse by the direction of the metric, and chance by the interval", () => {
    const verdicts = (metric: "fid" | "recall" | "lpips_diversity", low: number, high: number) => {
      const difference = { metric, from: "base", to: "lora", value: (low + high) / 2, interval: interval(low, high) };
      const values = ["base", "lora"].map((arm) => ({ arm, metric, value: 1 }));
      return metricRows({ ...evaluation, values, differences: [difference], floors: [] })[0]!.cells.map(
        (c) => c.verdict,
      );
    };
    assert.deepEqual(verdicts("fid", -3, -1), [null, "better"]);
    assert.deepEqual(verdicts("fid", 1, 3), [null, "worse"]);
    assert.deepEqual(verdicts("recall", 0.1, 0.2), [null, "better"]);
    assert.deepEqual(verdicts("recall", -0.1, 0.2), [null, "unclear"]);
    assert.deepEqual(verdicts("lpips_diversity", 0.1, 0.2), [null, null]);
  });
});

describe("charts", () => {
  it("draw every point, band and name, inside the picture", () => {
    const svg = evaluationPlots(evaluation).find((plot) => plot.name === "kid-by-step")!.svg;
    assert.equal(svg.match(/<circle/g)!.length, 4);
    assert.equal(svg.match(/<polygon/g)!.length, 1);
    assert.ok(svg.includes("&lt;base&gt;") && !svg.includes("<base>"));
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number) as [number, number, number];
    for (const [, x, y] of svg.matchAll(/<circle cx="([\d.-]+)" cy="([\d.-]+)"/g)) {
      assert.ok(Number(x) > 0 && Number(x) < width);
      assert.ok(Number(y) > 0 && Number(y) < height);
    }
  });

  it("put higher values higher, and larger x to the right", () => {
    const svg = lineChart({
      title: "t",
      x: "x",
      y: "y",
      series: [
        {
          name: "s",
          points: [
            { x: 2, value: 5 },
            { x: 1, value: 3 },
          ],
        },
      ],
    });
    const [left, right] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]) as [[number, number], [number, number]];
    assert.ok(left[0] < right[0] && left[1] > right[1]);
  });

  it("label ticks with round numbers", () => {
    const svg = dotChart({
      title: "t",
      rows: [
        { name: "a", value: 99.7, low: 98, high: 101.5 },
        { name: "b", value: 117.4 },
      ],
    });
    const labels = [...svg.matchAll(/text-anchor="middle"[^>]*>([^<]+)</g)].map(([, text]) => text);
    assert.deepEqual(labels, ["100", "105", "110", "115"]);
    const flat = lineChart({ title: "t", x: "x", y: "y", series: [{ name: "s", points: [{ x: 0, value: 0.004 }] }] });
    assert.ok(flat.includes("<circle"));
  });

  it("refuse NaN and nothing", () => {
    assert.throws(
      () => dotChart({ title: "FID", rows: [] }),
      /expected at least one point for the chart FID but received "none"/,
    );
    assert.throws(
      () => dotChart({ title: "FID", rows: [{ name: "a", value: Number.NaN }] }),
      /expected finite numbers for the chart FID/,
    );
  });
});

describe("writeReport", () => {
  it("writes everything, and a page that needs nothing beside it and runs nothing", async () => {
    const folder = join(scratch, "out");
    for (const name of ["base", "real"]) {
      mkdirSync(join(folder, name), { recursive: true });
      await sharp({ create: { width: 500, height: 400, channels: 3, background: "#336699" } })
        .png()
        .toFile(join(folder, name, "0.png"));
    }
    const report = await writeReport(folder, evaluation);
    assert.deepEqual(readEvaluation(report.json), evaluation);
    assert.equal(readFileSync(report.table, "utf8"), metricTable(evaluation));
    assert.deepEqual(readdirSync(join(folder, "plots")).sort(), ["fid-inception-v3-2048-clean.svg", "kid-by-step.svg"]);
    const page = readFileSync(report.page, "utf8");
    assert.ok(!/<script/i.test(page) && !/(src|href)="(?!data:)/.test(page) && !/url\(/.test(page));
    assert.ok(page.includes("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; a cat"));
    assert.ok(page.includes("<title>Stills &lt;2000&gt;</title>"));
    assert.ok(page.includes("With 180 pictures only the difference means something."));
    assert.match(page, /-17\.70<span class="minor">-19\.10 to -16\.20<\/span><span class="verdict better">better/);
    assert.match(page, /within chance/);
    assert.equal(page.match(/<img /g)!.length, 3);
    assert.equal(page.match(/not kept/g)!.length, 1);
    const thumbnail = Buffer.from(/data:image\/webp;base64,([^"]+)"/.exec(page)![1]!, "base64");
    const { width, height, format } = await sharp(thumbnail).metadata();
    assert.deepEqual([width, height, format], [384, 307, "webp"]);
  });
});
