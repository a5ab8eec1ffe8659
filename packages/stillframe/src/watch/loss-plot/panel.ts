import { type ScaleLinear, scaleLinear } from "d3-scale";
import type { Point } from "./curve.js";
import { lettering } from "./lettering.js";

/** A rectangle of a drawing with its scales. */
export interface Panel {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: ScaleLinear<number, number>;
  y: ScaleLinear<number, number>;
}

export const INK = "#333333";
const GRID = "#e3e3e3";
const FRAME = "#9a9a9a";
const TICK = 14;

/** The least and the most, apart even where all are equal. */
export function spread(values: readonly number[]): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low < high) return [low, high];
  const room = low === 0 ? 1 : Math.abs(low) / 2;
  return [low - room, high + room];
}

/** A panel over the given values; the vertical axis ends at round numbers. */
export function panel(
  { left, right, top, bottom }: Pick<Panel, "left" | "right" | "top" | "bottom">,
  { x, y }: { x: [number, number]; y: [number, number] },
): Panel {
  return { left, right, top, bottom, x: scaleLinear(x, [left, right]), y: scaleLinear(y, [bottom, top]).nice(5) };
}

/** A line through points, as an SVG path's data; one point is a dot where line ends are round. */
export const through = (points: readonly Point[], { x, y }: Panel): string =>
  (points.length === 1 ? [...points, ...points] : points)
    .map(([px, py], i) => `${i === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
    .join("");

/** Frame, grid and labels. `steps`: whether the horizontal axis is labelled too. */
export function axes(
  p: Panel,
  { label, steps, ticks, format }: { label: string; steps: boolean; ticks: number; format: (value: number) => string },
): string {
  const horizontal = p.y.ticks(ticks).map((v) => {
    const at = p.y(v);
    return `<path stroke="${GRID}" d="M${p.left} ${at}H${p.right}"/>${lettering({ x: p.left - 10, y: at + TICK * 0.36, text: format(v), size: TICK, anchor: "end", fill: INK })}`;
  });
  const vertical = p.x
    .ticks(8)
    .filter(Number.isInteger)
    .map((v) => {
      const at = p.x(v);
      const name = steps
        ? lettering({ x: at, y: p.bottom + 22, text: String(v), size: TICK, anchor: "middle", fill: INK })
        : "";
      return `<path stroke="${GRID}" d="M${at} ${p.top}V${p.bottom}"/>${name}`;
    });
  const frame = `<path fill="none" stroke="${FRAME}" d="M${p.left} ${p.top}V${p.bottom}H${p.right}"/>`;
  const name = lettering({
    x: p.left - 72,
    y: (p.top + p.bottom) / 2,
    text: label,
    size: 15,
    anchor: "middle",
    rotate: -90,
    fill: INK,
  });
  return [...horizontal, ...vertical, frame, name].join("");
}
