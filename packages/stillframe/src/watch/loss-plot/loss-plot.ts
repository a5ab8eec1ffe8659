import sharp from "sharp";
import type { RunHistory } from "../history.js";
import { condensed, type Point, quantile, smoothed, smoothingSteps } from "./curve.js";
import { type Lettering, lettering, widthOf } from "./lettering.js";
import { axes, INK, type Panel, panel, spread, through } from "./panel.js";

const WIDTH = 1200;
const HEIGHT = 760;
const [LEFT, RIGHT] = [96, WIDTH - 36];
const LOSS = { top: 92, bottom: 540, left: LEFT, right: RIGHT };
const RATE = { top: 588, bottom: 692, left: LEFT, right: RIGHT };
/** Pixels of a PNG for each of the drawing's. */
const SCALE = 1.5;

const COLOURS = { each: "#a9c4e4", smooth: "#1c5a9c", validation: "#cf5a12", rate: "#3f7d4f", textRate: "#8a5aa8" };

const inXml = (s: string): string => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const line = (path: string, colour: string, { width = 2, dash = "" } = {}): string =>
  `<path fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="round"${dash === "" ? "" : ` stroke-dasharray="${dash}"`} d="${path}"/>`;

/** `0.0001` as `1e-4`. */
export const formatRate = (rate: number): string =>
  rate === 0
    ? "0"
    : rate
        .toExponential(2)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e");

/** Four digits that tell losses apart. */
export const formatLoss = (loss: number): string =>
  loss !== 0 && Math.abs(loss) < 0.01 ? loss.toExponential(2) : loss.toFixed(4);

interface Curves {
  each: Point[];
  smooth: Point[];
  smoothing: number;
  validation: Point[];
}

function curvesOf({ steps, validations }: RunHistory): Curves {
  const each = steps.map((s): Point => [s.step, s.loss]);
  const smoothing = smoothingSteps(each.length);
  return {
    each,
    smooth: smoothed(each, smoothing),
    smoothing,
    validation: validations.map((v): Point => [v.step, v.loss]),
  };
}

/** The losses' range: single steps far out do not flatten the curves that matter. */
function lossRange({ each, smooth, validation }: Curves): [number, number] {
  const values = each.map(([, y]) => y);
  const shown = [quantile(values, 0.01), quantile(values, 0.99), ...[...smooth, ...validation].map(([, y]) => y)];
  return spread(shown);
}

/** Entries in a row: a sample of each line, then its name. */
function legend(entries: readonly { name: string; colour: string; width: number; dot?: boolean }[]): string {
  let x = LEFT;
  return entries
    .map(({ name, colour, width, dot }) => {
      const text: Lettering = { x: x + 34, y: 75, text: name, size: 15, fill: INK };
      const drawn = `${line(`M${x} 70H${x + 26}`, colour, { width })}${dot ? `<circle cx="${x + 13}" cy="70" r="4.5" fill="${colour}"/>` : ""}${lettering(text)}`;
      x += 34 + widthOf(text) + 30;
      return drawn;
    })
    .join("");
}

/** The validation losses, the best one ringed and named. */
function validationMarks(points: readonly Point[], p: Panel): string {
  if (points.length === 0) return "";
  const best = points.reduce((a, b) => (b[1] < a[1] ? b : a));
  const [x, y] = [p.x(best[0]), p.y(best[1])];
  const text = `best ${formatLoss(best[1])} at step ${best[0]}`;
  const anchor = x < p.left + 130 ? "start" : x > p.right - 130 ? "end" : "middle";
  const above = y > p.bottom - 40;
  return [
    line(through(points, p), COLOURS.validation, { width: 2.5 }),
    ...points.map(
      ([px, py]) =>
        `<circle cx="${p.x(px).toFixed(1)}" cy="${p.y(py).toFixed(1)}" r="4.5" fill="${COLOURS.validation}"/>`,
    ),
    `<circle cx="${x}" cy="${y}" r="9" fill="none" stroke="${COLOURS.validation}" stroke-width="2"/>`,
    // white behind the letters, so that they can be read over the curves
    `<g stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">${lettering({ x, y: above ? y - 17 : y + 28, text, size: 15, anchor, bold: true, fill: COLOURS.validation })}</g>`,
  ].join("");
}

function lossPanel(curves: Curves, steps: [number, number]): string {
  const p = panel(LOSS, { x: steps, y: lossRange(curves) });
  const clip = `<clipPath id="losses"><rect x="${p.left}" y="${p.top}" width="${p.right - p.left}" height="${p.bottom - p.top}"/></clipPath>`;
  const columns = p.right - p.left;
  return [
    clip,
    axes(p, { label: "loss", steps: false, ticks: 6, format: p.y.tickFormat(6) }),
    `<g clip-path="url(#losses)">${line(through(condensed(curves.each, columns), p), COLOURS.each, { width: 1 })}`,
    `${line(through(condensed(curves.smooth, columns), p), COLOURS.smooth, { width: 2.5 })}</g>`,
    validationMarks(curves.validation, p),
  ].join("");
}

function ratePanel({ steps }: RunHistory, range: [number, number]): string {
  const own = steps.map((s): Point => [s.step, s.lr]);
  const text = steps.flatMap((s): Point[] => (s.textEncoderLr === null ? [] : [[s.step, s.textEncoderLr]]));
  const most = Math.max(...[...own, ...text].map(([, y]) => y));
  const p = panel(RATE, { x: range, y: [0, most > 0 ? most : 1] });
  const columns = p.right - p.left;
  const name = { size: 14, anchor: "end" as const };
  return [
    axes(p, { label: "learning rate", steps: true, ticks: 3, format: formatRate }),
    line(through(condensed(own, columns), p), COLOURS.rate),
    text.length === 0 ? "" : line(through(condensed(text, columns), p), COLOURS.textRate, { dash: "6 4" }),
    text.length === 0
      ? ""
      : lettering({ ...name, x: p.right, y: p.top - 8, text: "dashed: text encoders", fill: COLOURS.textRate }),
    lettering({ x: (p.left + p.right) / 2, y: HEIGHT - 18, text: "step", size: 15, anchor: "middle", fill: INK }),
  ].join("");
}

/**
 * A run's losses over its steps, with the learning rate below: each step's, smoothed, and on held-out pictures.
 *
 * @returns SVG, its letters as outlines
 */
export function drawLossPlot(history: RunHistory, { title }: { title: string }): string {
  const curves = curvesOf(history);
  const range = spread([0, ...[...history.steps, ...history.validations].map((s) => s.step)]);
  const entries = [
    { name: "training loss, each step", colour: COLOURS.each, width: 2 },
    { name: `smoothed over ${curves.smoothing} steps`, colour: COLOURS.smooth, width: 3 },
    ...(curves.validation.length === 0
      ? []
      : [{ name: "validation loss", colour: COLOURS.validation, width: 3, dot: true }]),
  ];
  const last = curves.smooth.at(-1)?.[1] as number;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${inXml(`Loss of ${title}`)}</title><desc>${inXml(`${history.steps.length} steps; smoothed loss at the end ${formatLoss(last)}`)}</desc>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    lettering({ x: LEFT, y: 42, text: title, size: 22, bold: true, fill: INK }),
    legend(entries),
    lossPanel(curves, range),
    ratePanel(history, range),
    "</svg>\n",
  ].join("");
}

/** The drawing as a PNG. */
export const rasterized = (svg: string): Promise<Buffer> =>
  sharp(Buffer.from(svg), { density: 72 * SCALE })
    .png({ compressionLevel: 9 })
    .toBuffer();
