import { invalid } from "@stillframe/torch/errors";
import { escapeMarkup } from "./markup.js";

/** Colours that people with any colour vision can tell apart (Okabe & Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#444444"] as const;
export const seriesColour = (index: number): string => COLOURS[index % COLOURS.length]!;

export interface ChartPoint {
  readonly x: number;
  readonly value: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

export interface LineChart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly ChartPoint[] }[];
}

export interface DotChart {
  readonly title: string;
  /** Named values with their intervals. */
  readonly rows: readonly {
    readonly name: string;
    readonly value: number;
    readonly low?: number | undefined;
    readonly high?: number | undefined;
  }[];
  /** A value to compare with, drawn as a line down the chart. */
  readonly reference?: { readonly name: string; readonly value: number } | undefined;
}

const WIDTH = 560;
const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

/** Lines with the area of their intervals, as an SVG document. */
export function lineChart({ title, x, y, series }: LineChart): string {
  const points = series.flatMap((s) => s.points);
  checkPoints(
    title,
    points.flatMap((p) => [p.x, ...rangeOf(p)]),
  );
  const height = 320;
  const plot = {
    left: 64,
    right: WIDTH - 16,
    top: 60 + (series.length > 1 ? 18 * Math.ceil(series.length / 3) : 0),
    bottom: height - 48,
  };
  const across = scale(
    points.map((p) => p.x),
    [plot.left, plot.right],
  );
  const up = scale(points.flatMap(rangeOf), [plot.bottom, plot.top]);
  const parts = [
    ...up.ticks.map((t) => rule(plot.left, up.at(t), plot.right, up.at(t), "#e4e4e4")),
    ...up.ticks.map((t) => label(plot.left - 8, up.at(t) + 4, up.format(t), "end")),
    ...across.ticks.map((t) => label(across.at(t), plot.bottom + 18, across.format(t), "middle")),
    rule(plot.left, plot.bottom, plot.right, plot.bottom, "#999999"),
    label((plot.left + plot.right) / 2, height - 10, x, "middle"),
    label(16, plot.top - 12, y, "start"),
    ...series.flatMap(({ points: line }, i) =>
      drawnLine(
        [...line].sort((a, b) => a.x - b.x),
        { across, up, colour: seriesColour(i) },
      ),
    ),
    ...legend(series.map((s) => s.name)),
  ];
  return document({ title, height, parts });
}

function drawnLine(
  points: readonly ChartPoint[],
  { across, up, colour }: { across: Scale; up: Scale; colour: string },
): string[] {
  const place = (p: ChartPoint, v: number) => `${round(across.at(p.x))},${round(up.at(v))}`;
  const line = `<polyline points="${points.map((p) => place(p, p.value)).join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  const dots = points.map(
    (p) => `<circle cx="${round(across.at(p.x))}" cy="${round(up.at(p.value))}" r="3" fill="${colour}"/>`,
  );
  const banded = points.filter((p) => p.low !== undefined && p.high !== undefined);
  if (banded.length < 2) return [line, ...dots];
  const edge = [...banded.map((p) => place(p, p.high!)), ...banded.map((p) => place(p, p.low!)).reverse()];
  return [`<polygon points="${edge.join(" ")}" fill="${colour}" fill-opacity="0.15"/>`, line, ...dots];
}

/** Values with their intervals, one under another, as an SVG document. */
export function dotChart({ title, rows, reference }: DotChart): string {
  const values = [...rows.flatMap(rangeOf), ...(reference === undefined ? [] : [reference.value])];
  checkPoints(title, values);
  const names = Math.min(220, Math.max(...rows.map((r) => r.name.length)) * 7 + 24);
  const plot = { left: names, right: WIDTH - 24, top: reference === undefined ? 40 : 58 };
  const bottom = plot.top + rows.length * 30;
  const across = scale(values, [plot.left, plot.right]);
  const parts = [
    ...across.ticks.map((t) => rule(across.at(t), plot.top, across.at(t), bottom, "#e4e4e4")),
    ...across.ticks.map((t) => label(across.at(t), bottom + 18, across.format(t), "middle")),
    ...rows.flatMap((row, i) => drawnRow(row, { y: plot.top + 15 + i * 30, across, names, colour: seriesColour(i) })),
  ];
  if (reference !== undefined) {
    const at = across.at(reference.value);
    parts.push(
      `<line x1="${round(at)}" y1="${plot.top}" x2="${round(at)}" y2="${bottom}" stroke="#777777" stroke-width="1.5" stroke-dasharray="4 3"/>`,
    );
    parts.push(
      label(
        Math.min(Math.max(at, plot.left), plot.right - 60),
        plot.top - 8,
        reference.name,
        at > WIDTH / 2 ? "end" : "start",
      ),
    );
  }
  return document({ title, height: bottom + 32, parts });
}

function drawnRow(
  row: DotChart["rows"][number],
  { y, across, names, colour }: { y: number; across: Scale; names: number; colour: string },
): string[] {
  const [low, high] = [Math.min(...rangeOf(row)), Math.max(...rangeOf(row))].map((v) => round(across.at(v))) as [
    number,
    number,
  ];
  return [
    label(names - 12, y + 4, row.name, "end"),
    `<line x1="${low}" y1="${y}" x2="${high}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-linecap="round" stroke-opacity="0.45"/>`,
    `<circle cx="${round(across.at(row.value))}" cy="${y}" r="5" fill="${colour}"/>`,
  ];
}

const rangeOf = ({
  value,
  low = value,
  high = value,
}: {
  value: number;
  low?: number | undefined;
  high?: number | undefined;
}): number[] => [value, low, high];

function checkPoints(title: string, numbers: readonly number[]): void {
  if (numbers.length === 0) throw invalid(`the chart ${title}`, "at least one point", "none");
  if (!numbers.every(Number.isFinite)) throw invalid(`the chart ${title}`, "finite numbers", "NaN or infinite values");
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
  readonly format: (tick: number) => string;
}

/** A linear scale with a little room on both sides, and ticks at round numbers. */
function scale(values: readonly number[], [from, to]: readonly [number, number]): Scale {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const room = low === high ? Math.max(Math.abs(low) * 0.1, 0.5) : (high - low) * 0.06;
  [low, high] = [low - room, high + room];
  const step = roundStep((high - low) / 5);
  const first = Math.ceil(low / step);
  const ticks = Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { at: (v) => from + ((v - low) / (high - low)) * (to - from), ticks, format: (t) => t.toFixed(digits) };
}

/** 1, 2 or 5 times a power of ten, at least `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5, 10].find((m) => m * power >= step * (1 - 1e-9)) ?? 10);
}

const round = (v: number): number => Math.round(v * 10) / 10;
const rule = (x1: number, y1: number, x2: number, y2: number, colour: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${colour}"/>`;
const label = (x: number, y: number, text: string, anchor: "start" | "middle" | "end"): string =>
  `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="12" fill="#444444">${escapeMarkup(text)}</text>`;

/** Three names a line, under the title. */
function legend(names: readonly string[]): string[] {
  if (names.length < 2) return [];
  return names.flatMap((name, i) => {
    const [x, y] = [16 + (i % 3) * 180, 46 + Math.floor(i / 3) * 18];
    return [
      `<rect x="${x}" y="${y - 9}" width="10" height="10" rx="2" fill="${seriesColour(i)}"/>`,
      label(x + 16, y, name, "start"),
    ];
  });
}

function document({ title, height, parts }: { title: string; height: number; parts: readonly string[] }): string {
  const heading = `<text x="16" y="24" font-size="15" font-weight="600" fill="#222222">${escapeMarkup(title)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeMarkup(title)}" ${FONT}>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    heading,
    ...parts,
    "</svg>",
  ].join("\n");
}
