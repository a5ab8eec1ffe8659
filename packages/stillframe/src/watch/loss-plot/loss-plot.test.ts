import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import type { RunHistory } from "../history.js";
import { drawLossPlot, formatLoss, formatRate, rasterized } from "./loss-plot.js";

const history = (steps: number, { validations = 0, outlier = 0 } = {}): RunHistory => ({
  steps: Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    loss: i === outlier - 1 ? 90 : 1 / (i + 2),
    lr: 1e-4,
    textEncoderLr: null,
  })),
  validations: Array.from({ length: validations }, (_, i) => ({ step: i * 10, loss: 0.4 + (i - 1) ** 2 / 100 })),
  prompt: null,
});

/** Part of a picture's pixels that are about as orange as the validation curve. */
async function orange(png: Buffer): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  let n = 0;
  for (let i = 0; i < data.length; i += 3) if (data[i]! > 180 && data[i + 1]! < 120 && data[i + 2]! < 60) n++;
  return n / (info.width * info.height);
}

test("the drawing has no letters that need a font, and looks the same where there is none", async (t) => {
  const svg = drawLossPlot(history(40, { validations: 4 }), { title: "Größe <&> 1" });
  assert.ok(!/<text|font-family/.test(svg));
  assert.match(svg, /<title>Loss of Größe &lt;&amp;&gt; 1<\/title>/);
  const folder = mkdtempSync(join(tmpdir(), "stillframe-plot-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "fonts.conf"), '<?xml version="1.0"?><fontconfig></fontconfig>');
  writeFileSync(join(folder, "loss.svg"), svg);
  const program = `
    import { readFileSync } from "node:fs";
    import { rasterized } from ${JSON.stringify(new URL("./loss-plot.js", import.meta.url).href)};
    process.stdout.write(await rasterized(readFileSync(${JSON.stringify(join(folder, "loss.svg"))}, "utf8")));`;
  const bare = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    env: { PATH: process.env.PATH, FONTCONFIG_FILE: join(folder, "fonts.conf"), HOME: folder },
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 26,
  });
  assert.deepEqual(bare, await rasterized(svg));
});

test("the validation curve is there when there is one", async () => {
  const [without, withIt] = await Promise.all(
    [history(40), history(40, { validations: 4 })].map(async (h) =>
      orange(await rasterized(drawLossPlot(h, { title: "a" }))),
    ),
  );
  assert.equal(without, 0);
  assert.ok((withIt as number) > 0.001, String(withIt));
});

test("one step far out does not flatten the rest", () => {
  const [plain, spiked] = [history(400), history(400, { outlier: 300 })].map((h) => drawLossPlot(h, { title: "a" }));
  /** Rows that the thin curve runs through, without the outlier's. */
  const rows = (svg = "") => [...svg.matchAll(/L[\d.]+ ([\d.]+)/g)].map((m) => Number(m[1]));
  const reach = (svg = "") => Math.max(...rows(svg)) - Math.min(...rows(svg));
  assert.ok(reach(spiked) > 0.5 * reach(plain), `${reach(spiked)} of ${reach(plain)}`);
  assert.match(spiked as string, /L[\d.]+ -\d+/, "the step leaves the frame at its top, and is clipped");
});

test("a run of one step, of a constant loss, and of 30,000 steps", async () => {
  for (const h of [
    history(1),
    { ...history(0), steps: [1, 2, 3].map((step) => ({ step, loss: 0.5, lr: 0, textEncoderLr: null })) },
  ]) {
    const svg = drawLossPlot(h, { title: "a" });
    assert.ok(!/NaN|Infinity|undefined/.test(svg));
    const { width, height } = await sharp(await rasterized(svg)).metadata();
    assert.deepEqual([width, height], [1800, 1140]);
  }
  assert.ok(drawLossPlot(history(30_000), { title: "a" }).length < 300_000);
});

test("rates and losses as people write them", () => {
  assert.deepEqual([0, 1e-4, 2.5e-5, 1].map(formatRate), ["0", "1e-4", "2.5e-5", "1e0"]);
  assert.deepEqual([0.12345, 0.00123, 0].map(formatLoss), ["0.1235", "1.23e-3", "0.0000"]);
});
