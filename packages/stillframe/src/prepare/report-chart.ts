import { scaleLinear } from "d3-scale";
import { type Lettering, lettering, widthOf } from "../watch/loss-plot/lettering.js";
import type { Bin } from "./distribution.js";

export const INK = "#2f2f2f";
export const FAINT = "#767676";
export const MARK = "#c8501a";
const BAR = "#4f81b5";
const BEYOND = "#d98a5f";
const GRID = "#e6e6e6";

/** A rectangle of the drawing, in pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A line of text as SVG. */
export const text = (t: Omit<Lettering, "fill"> & { fill?: string }): string => lettering({ fill: INK, ...t });

/** `text` with an ellipsis where it is wider than `width`: in the middle for names, which differ at their ends. */
export function fittedText(
  whole: string,
  width: number,
  { size, bold = false, middle = false }: { size: number; bold?: boolean; middle?: boolean },
): string {
  // what is not drawn may be anything: control characters and line breaks have no glyphs
  const letters = Array.from(whole.replace(/\s+/g, " "));
  const fits = (s: string) => widthOf({ text: s, size, bold }) <= width;
  if (fits(letters.join(""))) return letters.join("");
  for (let n = letters.length - 1; n > 0; n--) {
    const head = middle ? Math.ceil(n / 2) : n;
    const tail = middle ? letters.slice(letters.length - (n - head)) : [];
    const cut = `${letters.slice(0, head).join("").trimEnd()}…${tail.join("")}`;
    if (fits(cut)) return cut;
  }
  return "…";
}

const rect = ({ x, y, width, height }: Box, fill: string): string =>
  `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(0, width).toFixed(1)}" height="${Math.max(0, height).toFixed(1)}" fill="${fill}"/>`;

const short = (value: number): string => String(Number(value.toPrecision(6)));

interface ChartTexts {
  title: string;
  /** what the bars count, below the title */
  note: string;
}

function heading({ x, y, width }: Box, { title, note }: ChartTexts): string {
  return (
    text({ x, y: y + 16, text: fittedText(title, width, { size: 17, bold: true }), size: 17, bold: true }) +
    text({ x, y: y + 38, text: fittedText(note, width, { size: 13 }), size: 13, fill: FAINT })
  );
}

const HEAD = 58;
const FOOT = 30;
const SIDE = 44;

/** Frame, grid and counts at the left; the scale of the counts. */
function counted(box: Box, most: number): { svg: string; plot: Box; y: (count: number) => number } {
  const plot = { x: box.x + SIDE, y: box.y + HEAD, width: box.width - SIDE, height: box.height - HEAD - FOOT };
  const y = scaleLinear([0, Math.max(1, most)], [plot.y + plot.height, plot.y]).nice(4);
  const lines = y
    .ticks(4)
    .filter(Number.isInteger)
    .map(
      (v) =>
        `<path stroke="${GRID}" d="M${plot.x} ${y(v)}h${plot.width}"/>` +
        text({ x: plot.x - 8, y: y(v) + 4.5, text: short(v), size: 13, anchor: "end", fill: FAINT }),
    );
  return { svg: lines.join(""), plot, y };
}

/** A histogram; what lies beyond `limit` has another colour. */
export function histogram(
  box: Box,
  {
    bins,
    limit,
    ...texts
  }: ChartTexts & { bins: readonly Bin[]; limit?: { at: number; side: "below" | "above"; name: string } | undefined },
): string {
  const most = Math.max(0, ...bins.map((b) => b.count));
  const { svg, plot, y } = counted(box, most);
  const [first, last] = [bins[0]?.from ?? 0, bins.at(-1)?.to ?? 1];
  const x = scaleLinear([first, last], [plot.x, plot.x + plot.width]);
  const beyond = (b: Bin) => limit !== undefined && (limit.side === "below" ? b.to <= limit.at : b.from >= limit.at);
  const bars = bins.map((b) => {
    const [left, right, top] = [x(b.from) + 0.75, x(b.to) - 0.75, y(b.count)];
    return rect({ x: left, y: top, width: right - left, height: plot.y + plot.height - top }, beyond(b) ? BEYOND : BAR);
  });
  const names = x
    .ticks(6)
    .map((v) =>
      text({ x: x(v), y: plot.y + plot.height + 20, text: short(v), size: 13, anchor: "middle", fill: FAINT }),
    );
  const shown = limit !== undefined && limit.at >= first && limit.at <= last;
  const mark = shown ? limitMark(plot, x(limit.at), limit.name) : "";
  const base = `<path stroke="#999" d="M${plot.x} ${plot.y + plot.height}h${plot.width}"/>`;
  return heading(box, texts) + svg + bars.join("") + mark + base + names.join("");
}

/** A broken line down the plot, its name on the side that has room. */
function limitMark(plot: Box, x: number, name: string): string {
  const right = x < plot.x + plot.width / 2;
  const label = { x: x + (right ? 7 : -7), y: plot.y + 14, text: name, size: 13, fill: MARK };
  const line = `<path stroke="${MARK}" stroke-width="2" stroke-dasharray="6 4" d="M${x} ${plot.y}v${plot.height}"/>`;
  return line + text({ ...label, anchor: right ? "start" : "end" });
}

/** Bars with names below: upright ones that stand in one row. */
export function columns(
  box: Box,
  { bars, ...texts }: ChartTexts & { bars: readonly { name: string; count: number }[] },
): string {
  const most = Math.max(0, ...bars.map((b) => b.count));
  const { svg, plot, y } = counted(box, most);
  const step = plot.width / Math.max(1, bars.length);
  const size = Math.min(13, Math.max(8, step / 5.2));
  const drawn = bars.map(({ name, count }, i) => {
    const left = plot.x + i * step;
    const gap = Math.min(8, step * 0.12);
    const bar = rect(
      { x: left + gap, y: y(count), width: step - 2 * gap, height: plot.y + plot.height - y(count) },
      BAR,
    );
    const fits = step > 30 || i % Math.ceil(30 / step) === 0;
    const label = fits
      ? text({ x: left + step / 2, y: plot.y + plot.height + 20, text: name, size, anchor: "middle", fill: FAINT })
      : "";
    return bar + label;
  });
  const base = `<path stroke="#999" d="M${plot.x} ${plot.y + plot.height}h${plot.width}"/>`;
  return heading(box, texts) + svg + drawn.join("") + base;
}

const ROW = 30;

/** Height that `rows` takes for so many. */
export const rowsHeight = (count: number): number => HEAD + count * ROW;

/** Lines of text, each over a bar as long as its share of the whole. */
export function rows(
  box: Box,
  { lines, ...texts }: ChartTexts & { lines: readonly { text: string; value: string; share: number }[] },
): string {
  const drawn = lines.map((line, i) => {
    const y = box.y + HEAD + i * ROW;
    const back = rect({ x: box.x, y: y - 4, width: box.width, height: ROW - 6 }, "#f0f0f0");
    const bar = rect({ x: box.x, y: y - 4, width: box.width * line.share, height: ROW - 6 }, "#c9dbee");
    const valueWidth = widthOf({ text: line.value, size: 14, bold: true }) + 16;
    const shown = fittedText(line.text, box.width - valueWidth - 16, { size: 14 });
    return (
      back +
      bar +
      text({ x: box.x + 8, y: y + 13, text: shown, size: 14 }) +
      text({ x: box.x + box.width - 8, y: y + 13, text: line.value, size: 14, bold: true, anchor: "end" })
    );
  });
  return heading(box, texts) + drawn.join("");
}
