import { darker, lighter } from "../palette.js";
import { box, ellipse, polygon, smooth } from "../path.js";
import type { Random } from "../random.js";
import type { Node } from "../shape.js";
import type { Setting } from "./setting.js";

export function classroom(random: Random): Setting {
  const clockX = random.pick([34, 222]);
  const sums = [
    { d: "M0 0h14m-7 -7v14m18 -7h12m10 -7v14m12 -11h14m-14 8h14", at: [30, 76] },
    { d: "M0 0q8 -16 16 0t16 0t16 0", at: [186, 70] },
    { d: "M0 16L14 -8L28 16Z", at: [30, 122] },
    { d: "M0 0a11 11 0 1 0 22 0a11 11 0 1 0 -22 0m11 0l8 -7", at: [196, 120] },
  ];
  const chalk: Node[] = sums.map(({ d, at }) => ({
    transform: `translate(${at[0]! + random.between(-6, 6)} ${at[1]! + random.between(-5, 5)})`,
    nodes: [{ d, colour: "#eef4ea", width: 2.6, opacity: 0.92, thing: true }],
  }));
  const desk = (x: number): Node[] => [
    {
      d: polygon([
        [x - 40, 214],
        [x + 40, 214],
        [x + 50, 228],
        [x - 50, 228],
      ]),
      fill: "#d59a58",
      relief: "flat",
      line: 0.9,
    },
    { d: box(x - 50, 228, 100, 9), fill: "#a8713a", line: 0.8 },
    { d: box(x - 42, 237, 8, 26), fill: "#6a717c", line: 0.7 },
    { d: box(x + 34, 237, 8, 26), fill: "#6a717c", line: 0.7 },
  ];
  return {
    background: [
      { d: box(-2, -2, 260, 210), fill: "#f1e0b8", fade: "#e6cd9b", line: 0 },
      { d: box(10, 44, 236, 122, 3), fill: "#a06a3a", line: 1 },
      { d: box(18, 52, 220, 106), fill: "#2f6b52", fade: "#28594a", line: 0.9 },
      ...chalk,
      { d: box(40, 158, 176, 7), fill: "#c98f52", line: 0.8 },
      {
        d: ellipse(clockX, 23, 16),
        fill: "#fdfdfa",
        line: 1.1,
        marks: [{ d: `M${clockX} 23V12M${clockX} 23L${clockX + 7} 27`, paint: "#26242c", width: 2.4 }],
      },
      { d: ellipse(clockX, 23, 16), colour: "#4c4a55", width: 3.4, thing: true },
      { d: box(-2, 196, 260, 70), fill: "#c08a55", fade: "#a06e40", line: 0.9 },
      ...desk(random.between(16, 34)),
      ...desk(random.between(222, 240)),
    ],
    foreground: [],
    light: { glow: "#fff6df", shadow: "#3c2a4a", from: -1, depth: 0.9 },
  };
}

export function kitchen(random: Random): Setting {
  const wall = random.pick(["#f6e6cf", "#d8ecec", "#f7dcd2"]);
  const flip = random.chance(0.5);
  const tiles: Node[] = [];
  for (let row = 0; row < 4; row++)
    for (let column = 0; column < 12; column++)
      tiles.push({
        d: box(column * 23 - 10 + (row % 2) * 11, 122 + row * 17, 21, 15, 1.5),
        fill: (row + column) % 3 === 0 ? "#8fc6cf" : "#bfe0e3",
        line: 0.4,
      });
  const jars: Node[] = [14, 36, 58].flatMap((x, i): Node[] => {
    const colour = ["#d9593e", "#e9b84a", "#6fae5c"][(i + random.integer(0, 2)) % 3]!;
    return [
      { d: box(x, 56, 17, 24, 4), fill: colour, relief: "column", line: 0.8 },
      { d: box(x + 2, 51, 13, 6, 2), fill: "#8d6b4a", line: 0.7 },
    ];
  });
  const pan: Node[] = [
    { d: "M214 64V98", colour: "#4b4550", width: 5, thing: true },
    { d: ellipse(214, 116, 20), fill: "#4b4853", relief: "ball", line: 1 },
    { d: ellipse(214, 116, 14), fill: "#67636f", line: 0.6 },
    { d: "M242 64V96", colour: "#b98046", width: 4, thing: true },
    { d: ellipse(242, 104, 8, 11), fill: "#c98f52", relief: "ball", line: 0.9 },
  ];
  const content: Node[] = [
    { d: box(-2, -2, 260, 260), fill: wall, fade: darker(wall, 0.06), line: 0 },
    ...tiles,
    { d: box(2, 80, 84, 8, 1), fill: "#b07b45", line: 0.9 },
    ...jars,
    { d: box(190, 58, 70, 7, 2), fill: "#7b7f8b", line: 0.8 },
    ...pan,
    { d: box(-2, 190, 260, 12), fill: "#8a5f3b", line: 0.9 },
    { d: box(-2, 202, 260, 60), fill: "#e9d3ae", fade: "#cfb184", line: 0.9 },
    { d: box(8, 212, 60, 50, 3), fill: "#dfc295", line: 0.8 },
    { d: box(188, 212, 60, 50, 3), fill: "#dfc295", line: 0.8 },
    {
      d: smooth([
        [16, 160],
        [50, 160],
        [58, 174],
        [50, 190],
        [16, 190],
        [8, 174],
      ]),
      fill: "#d8493c",
      relief: "ball",
      line: 1,
    },
    { d: "M22 160Q33 148 44 160", colour: "#4b4550", width: 3.6, thing: true },
  ];
  return {
    background: flip ? [{ transform: "translate(256 0) scale(-1 1)", nodes: content }] : content,
    foreground: [],
    light: { glow: "#fff1cf", shadow: "#4a2c3c", from: -1, depth: 0.9 },
  };
}

export function library(random: Random): Setting {
  const nodes: Node[] = [{ d: box(-2, -2, 260, 260), fill: "#6d4427", fade: "#4f2f1b", line: 0 }];
  const spines = ["#a83c34", "#2f5d8a", "#3f7a4a", "#d3a03c", "#7a4a8c", "#e0d2b2", "#c8693a", "#2f7f86"];
  for (const shelf of [58, 116, 174, 232]) {
    nodes.push({ d: box(-2, shelf - 52, 260, 52), fill: "#3a2114", line: 0 });
    let x = random.between(-4, 4);
    while (x < 256) {
      const width = random.between(10, 17);
      const height = random.between(34, 46);
      const colour = random.pick(spines);
      if (random.chance(0.92))
        nodes.push({
          d: box(x, shelf - height, width - 1, height, 1),
          fill: colour,
          relief: "column",
          line: 0.7,
          marks: [
            {
              d: `M${x} ${shelf - height + 8}h20M${x} ${shelf - 9}h20`,
              paint: lighter(colour, 0.45) as `#${string}`,
              width: 2.2,
            },
          ],
        });
      x += width;
    }
    nodes.push({ d: box(-2, shelf, 260, 7), fill: "#9a6639", line: 0.9 });
  }
  nodes.push({ d: box(random.pick([62, 180]), -2, 9, 262), fill: "#8a5930", line: 0.9 });
  return { background: nodes, foreground: [], light: { glow: "#ffdf9e", shadow: "#2b1420", from: 1, depth: 1.1 } };
}

const WALLS = ["#7fb6d9", "#e7a77c", "#9cc48f", "#c7a5d6", "#ecd07e", "#e59aa6", "#86c5bd", "#b9bcc8"] as const;

export function plain(random: Random): Setting {
  const wall = random.pick(WALLS);
  const light = random.pick([-1, 1] as const);
  return {
    background: [
      { d: box(-2, -2, 260, 260), fill: lighter(wall, 0.12), fade: darker(wall, 0.14), line: 0 },
      { d: ellipse(128 + light * 60, 84, 120, 110), fill: lighter(wall, 0.35), opacity: 0.55, line: 0 },
    ],
    foreground: [],
    light: { glow: "#fff6e4", shadow: "#3a2350", from: light, depth: 1 },
  };
}
