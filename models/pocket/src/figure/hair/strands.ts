import { HAIR } from "../../palette.js";
import { ellipse, locks, type Point, smooth } from "../../path.js";
import type { Mark, Node, Shape } from "../../shape.js";
import type { Rig } from "../rig.js";

/** Hair in three depths: behind the body, over the shoulders, and over the face. */
export interface Hair {
  behind: Node[];
  over: Node[];
  front: Node[];
}

/** The colour of the hair itself. */
export function hairColour(of: Rig): string {
  return HAIR[of.person.hairColour ?? "brown"];
}

/** Hair of an outer outline (left to right over the top) and a hairline (right to left over the brow). */
export function cap(of: Rig, outer: readonly Point[], hairline: readonly Point[], bend?: number): string {
  const top = smooth(outer, true);
  if (of.manner === "anime") return `${top}${locks(outer.at(-1)!, hairline, bend)}Z`;
  return `${top}${smooth([outer.at(-1)!, ...hairline, outer[0]!], true).replace(/^M[^C]*/, "")}Z`;
}

/** How light lies on a head of hair: soft strands, or a jagged band. */
export function sheen(of: Rig): Mark[] {
  const s = of.turn * 6;
  if (of.manner === "anime") {
    // A ring of light: smooth above, jagged below, in two pieces that end in points.
    const ring = (left: number, right: number, teeth: number): string => {
      const y = (x: number): number => -49 + (x * x) / 95;
      const lower: Point[] = [];
      for (let i = 1; i < teeth * 2; i++) {
        const x = right - ((right - left) * i) / (teeth * 2);
        lower.push([x + s, y(x) + (i % 2 === 1 ? 8.5 : 2.5)]);
      }
      const middle = (left + right) / 2;
      return `M${left + s} ${y(left)}Q${middle + s} ${y(middle) - 5} ${right + s} ${y(right)}L${lower.map(([x, v]) => `${x.toFixed(1)} ${v.toFixed(1)}`).join("L")}Z`;
    };
    return [
      { d: "M14 -90C40 -70 40 -30 34 60H90V-90Z", paint: "shade", opacity: 1 },
      { d: ring(-35, 6, 4), paint: "light", opacity: 1 },
      { d: ring(11, 24, 1), paint: "light", opacity: 1 },
    ];
  }
  const strands = [-34, -22, -10, 4, 18, 31].map(
    (x, i): Mark => ({
      d: `M${x * 0.35 + s} -72Q${x * 1.1 + s} -60 ${x * 1.25 + s} ${-24 + (i % 2) * 5}`,
      paint: i % 2 === 0 ? "shade" : "light",
      width: 2.2,
      opacity: 0.42,
    }),
  );
  return [
    { d: "M10 -90C44 -70 42 -30 36 60H100V-90Z", paint: "shade", soft: 7, opacity: 0.55 },
    { d: ellipse(-15 + s, -53, 22, 8), paint: "light", soft: 5, opacity: 0.55 },
    ...strands,
  ];
}

/** Strands that run down a length of hair. */
export function lengthwise(of: Rig, xs: readonly number[], from: number, to: number): Mark[] {
  return xs.map((x, i) => ({
    d: `M${x} ${from}Q${x * 1.16} ${(from + to) / 2} ${x * 1.04} ${to}`,
    paint: i % 2 === 0 ? "shade" : "light",
    width: of.manner === "anime" ? 1.6 : 2.4,
    opacity: of.manner === "anime" ? 0.9 : 0.4,
  }));
}

const DOME: readonly Point[] = [
  [-47, 2],
  [-49, -24],
  [-38, -56],
  [0, -71],
  [38, -56],
  [49, -24],
  [47, 2],
];

/** The outline of the skull with hair on it, left to right over the top; `grow` adds volume. */
export function dome(of: Rig, grow = 0): Point[] {
  const high = of.manner === "anime" ? 4 : 0;
  return DOME.map(([x, y]) => [x * (1 + grow / 50) - of.turn * 3, y < -20 ? y - grow * 0.6 - high : y]);
}

/** Points on the brow, moved with a turned head. */
export function shift(of: Rig, points: readonly Point[]): Point[] {
  return points.map(([x, y]) => [x + of.turn * 7, y]);
}

/** An outline full of hair. */
export function piece(of: Rig, d: string, extra: Partial<Shape> = {}): Shape {
  return { d, fill: hairColour(of), relief: "ball", line: 1, ...extra };
}
