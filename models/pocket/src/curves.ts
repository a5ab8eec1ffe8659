#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import sharp from "sharp";

/** Draws a training log's curve as a PNG: `--log=…/log.jsonl --value=loss --title=… --output=…`. */
const { values: args } = parseArgs({
  options: {
    log: { type: "string" },
    value: { type: "string", default: "loss" },
    title: { type: "string", default: "" },
    output: { type: "string" },
  },
});
if (!args.log || !args.output) throw new Error("expected --log and --output");

const WIDTH = 720;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 20, top: 36, bottom: 44 };

interface Point {
  step: number;
  value: number;
}

const points = readFileSync(args.log, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Record<string, number>)
  .map((line): Point => ({ step: line.step as number, value: line[args.value] as number }))
  .filter((p) => Number.isFinite(p.value));

/** A mean over about a thirtieth of the log on both sides, because single lines are noisy. */
function smooth(list: readonly Point[]): Point[] {
  const reach = Math.max(1, Math.round(list.length / 30));
  return list.map(({ step }, i) => {
    const near = list.slice(Math.max(0, i - reach), i + reach + 1);
    return { step, value: near.reduce((sum, p) => sum + p.value, 0) / near.length };
  });
}

const last = Math.max(...points.map((p) => p.step));
const sorted = points.map((p) => p.value).sort((a, b) => a - b);
const top = (sorted[Math.floor(sorted.length * 0.98)] as number) * 1.05;
const bottom = (sorted[0] as number) * 0.95;
const x = (step: number) => MARGIN.left + (step / last) * (WIDTH - MARGIN.left - MARGIN.right);
const y = (value: number) =>
  MARGIN.top + (1 - (Math.min(value, top) - bottom) / (top - bottom)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
const line = (list: readonly Point[]) => list.map((p) => `${x(p.step).toFixed(1)},${y(p.value).toFixed(1)}`).join(" ");

const ticks = Array.from({ length: 5 }, (_, i) => i / 4);
const text = 'font-family="sans-serif" font-size="12" fill="#444"';
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${MARGIN.left}" y="22" ${text} font-weight="bold">${args.title || args.value}</text>
${ticks.map((t) => `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(bottom + t * (top - bottom))}" y2="${y(bottom + t * (top - bottom))}" stroke="#ddd"/><text x="${MARGIN.left - 8}" y="${y(bottom + t * (top - bottom)) + 4}" text-anchor="end" ${text}>${(bottom + t * (top - bottom)).toFixed(3)}</text>`).join("\n")}
${ticks.map((t) => `<text x="${x(t * last)}" y="${HEIGHT - 24}" text-anchor="middle" ${text}>${Math.round(t * last)}</text>`).join("\n")}
<text x="${WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle" ${text}>steps</text>
<polyline points="${line(points)}" fill="none" stroke="#b9cde8"/>
<polyline points="${line(smooth(points))}" fill="none" stroke="#1f5fa8" stroke-width="2"/>
</svg>`;
await sharp(Buffer.from(svg)).png({ palette: true, colours: 32 }).toFile(args.output);
