import type { Colour } from "../attributes.js";
import { CLOTH, darker, lighter, mix } from "../palette.js";
import { ellipse, polygon, smooth } from "../path.js";
import type { Mark, Node } from "../shape.js";
import type { Rig } from "./rig.js";

/** What a hat throws on the brow beneath it. */
function castShadow(of: Rig, half: number, y: number): Node {
  return {
    d: `M${-half} ${y}Q${of.turn * 6} ${y + 16} ${half} ${y}Z`,
    fill: "#2b1626",
    opacity: of.manner === "anime" ? 0.35 : 0.28,
    line: 0,
  };
}

function cap(of: Rig, colour: string): Node[] {
  const t = of.turn;
  const x = t * 12;
  const dome = smooth([
    [-51 - t * 2, -24],
    [-50 - t * 3, -48],
    [-34 - t * 3, -74],
    [-t * 3, -84],
    [34 - t * 3, -74],
    [50 - t * 3, -48],
    [51 - t * 2, -24],
    [x, -32],
  ]);
  const peak = `M${-42 + x} -35Q${x} -47 ${42 + x} -35Q${54 + x + t * 8} -27 ${40 + x + t * 12} -19Q${x + t * 12} -25 ${-40 + x + t * 12} -19Q${-54 + x + t * 8} -27 ${-42 + x} -35Z`;
  const seams: Mark[] = [
    { d: `M${x * 0.3} -84Q${-24 + x} -66 ${-26 + x} -36`, paint: "shade", width: 2, opacity: 0.7 },
    { d: `M${x * 0.3} -84Q${24 + x} -66 ${26 + x} -36`, paint: "shade", width: 2, opacity: 0.7 },
  ];
  return [
    castShadow(of, 43, -26),
    { d: dome, fill: colour, relief: "ball", line: 1.1, marks: seams },
    { d: ellipse(-t * 3, -84, 5, 3.4), fill: darker(colour, 0.2), line: 0.9 },
    {
      d: ellipse(x, -57, 10, 9),
      fill: "#fbf6ea",
      line: 0.6,
      marks: [{ d: ellipse(x, -57, 5), paint: darker(colour, 0.25) as `#${string}` }],
    },
    {
      d: peak,
      fill: darker(colour, 0.16),
      relief: "down",
      line: 1.1,
      marks: [{ d: `M${-34 + x} -34Q${x} -42 ${34 + x} -34`, paint: "light", width: 2.4, soft: 1, opacity: 0.6 }],
    },
  ];
}

function beanie(of: Rig, colour: string): Node[] {
  const t = of.turn;
  const dome = smooth([
    [-51, -32],
    [-47, -62],
    [-26 - t * 3, -84],
    [-t * 4, -89],
    [26 - t * 3, -84],
    [47, -62],
    [51, -32],
  ]);
  const knit: Mark[] = [-36, -24, -12, 0, 12, 24, 36].map((x) => ({
    d: `M${x + t * 5} -34Q${x * 1.06 + t * 3} -62 ${x * 0.5 - t * 3} -90`,
    paint: "shade",
    width: 2,
    opacity: 0.5,
  }));
  const fold = smooth([
    [-54, -44],
    [t * 5, -51],
    [54, -44],
    [54, -26],
    [t * 6, -29],
    [-54, -26],
  ]);
  const ribs: Mark[] = [-44, -33, -22, -11, 0, 11, 22, 33, 44].map((x) => ({
    d: `M${x + t * 4} -52V-24`,
    paint: "shade",
    width: 2.4,
    opacity: 0.55,
  }));
  return [
    castShadow(of, 44, -30),
    { d: ellipse(-t * 5, -95, 14, 13), fill: lighter(colour, 0.5), relief: "ball", line: 1 },
    { d: dome, fill: colour, relief: "ball", line: 1.1, marks: knit },
    { d: fold, fill: lighter(colour, 0.16), relief: "column", line: 1.1, marks: ribs },
  ];
}

function topHat(of: Rig): Node[] {
  const t = of.turn;
  const x = -t * 3;
  const silk = "#2a2733";
  const crown = `M${x - 40} -42C${x - 37} -66 ${x - 40} -88 ${x - 45} -106Q${x} -115 ${x + 45} -106C${x + 40} -88 ${x + 37} -66 ${x + 40} -42Z`;
  const band = `M${x - 39.5} -58Q${x} -50 ${x + 39.5} -58L${x + 40} -42Q${x} -33 ${x - 40} -42Z`;
  return [
    castShadow(of, 44, -34),
    {
      d: crown,
      fill: silk,
      relief: "column",
      line: 1.1,
      marks: [{ d: `M${x - 26} -104Q${x - 24} -80 ${x - 24} -60`, paint: "light", width: 7, soft: 3, opacity: 0.45 }],
    },
    { d: band, fill: "#a8283a", relief: "column", line: 0.9 },
    {
      d: `M-70 -43Q-66 -33 -46 -32Q0 -26 46 -32Q66 -33 70 -43Q50 -38 40 -43Q0 -34 -40 -43Q-50 -38 -70 -43Z`,
      fill: lighter(silk, 0.1),
      relief: "down",
      line: 1.1,
    },
  ];
}

function strawHat(of: Rig): Node[] {
  const straw = "#e9c877";
  const x = -of.turn * 3;
  const crown = `M${x - 43} -40C${x - 42} -66 ${x - 30} -84 ${x} -86C${x + 30} -84 ${x + 42} -66 ${x + 43} -40Z`;
  const band = `M${x - 43} -54Q${x} -46 ${x + 43} -54L${x + 44} -40Q${x} -31 ${x - 44} -40Z`;
  const brim =
    "M-92 -28C-84 -42 -50 -44 -42 -44Q0 -36 42 -44C50 -44 84 -42 92 -28C84 -20 44 -24 0 -23C-44 -24 -84 -20 -92 -28Z";
  const weave: Mark[] = [-72, -54, -36, -18, 0, 18, 36, 54, 72].map((at) => ({
    d: `M${at * 0.75} -44L${at} -20`,
    paint: "shade",
    width: 1.5,
    opacity: 0.5,
  }));
  const rings: Mark[] = [-76, -68, -60].map((y) => ({
    d: `M${x - 44} ${y}Q${x} ${y + 8} ${x + 44} ${y}`,
    paint: "shade",
    width: 1.5,
    opacity: 0.5,
  }));
  return [
    castShadow(of, 46, -28),
    { d: crown, fill: straw, relief: "ball", line: 1.1, marks: rings },
    { d: band, fill: "#b8433c", relief: "column", line: 0.9 },
    { d: brim, fill: lighter(straw, 0.12), relief: "down", line: 1.1, marks: weave },
  ];
}

function beret(of: Rig, colour: string): Node[] {
  const side = of.turn === 0 ? 1 : -of.turn;
  const d = smooth([
    [side * -47, -36],
    [side * -46, -62],
    [side * -18, -80],
    [side * 26, -84],
    [side * 60, -68],
    [side * 69, -44],
    [side * 54, -34],
    [0, -38],
  ]);
  const band = smooth([
    [-47, -42],
    [0, -47],
    [47, -42],
    [48, -31],
    [0, -36],
    [-48, -31],
  ]);
  const folds: Mark[] = [
    { d: `M${side * 62} -40Q${side * 40} -52 ${side * 10} -44`, paint: "shade", width: 3, soft: 1.5, opacity: 0.7 },
    { d: `M${side * 20} -84Q${side * 50} -78 ${side * 58} -58`, paint: "light", width: 5, soft: 2.5, opacity: 0.45 },
  ];
  return [
    castShadow(of, 44, -35),
    { d: `M${side * 8} -82Q${side * 10} -94 ${side * 15} -96`, colour: darker(colour, 0.3), width: 4, thing: true },
    { d, fill: colour, relief: "ball", line: 1.1, marks: folds },
    { d: band, fill: darker(colour, 0.28), line: 1, relief: "column" },
  ];
}

function crown(of: Rig): Node[] {
  const gold = "#f0bf36";
  const t = of.turn;
  const d = polygon([
    [-41, -50],
    [-46, -88],
    [-26, -68],
    [-15 - t * 3, -92],
    [t * -2, -70],
    [15 - t * 3, -92],
    [26, -68],
    [46, -88],
    [41, -50],
  ]);
  const round = `M-41 -52Q0 -42 41 -52L41.5 -64L-41.5 -64Z`;
  const gems = (
    [
      [-25, -53, "#d4324a"],
      [t * 4, -50, "#2f8fd8"],
      [25, -53, "#d4324a"],
    ] as const
  ).map(([x, y, colour]): Node => ({ d: ellipse(x + t * 4, y, 4.6), fill: colour, relief: "ball", line: 0.7 }));
  return [
    {
      d: `${d.slice(0, -1)}Q0 -40 -41 -50Z`,
      fill: gold,
      fade: "#d08a1e",
      relief: "column",
      line: 1.1,
      marks: [{ d: round, paint: mix(gold, "#fff0b0", 0.5) as `#${string}`, opacity: 0.25 }],
    },
    ...gems,
    ...(
      [
        [-46, -89],
        [-15 - t * 3, -93],
        [15 - t * 3, -93],
        [46, -89],
      ] as const
    ).map(([x, y]): Node => ({ d: ellipse(x, y, 4), fill: "#ffe9a0", line: 0.8 })),
  ];
}

/** The hat, over the hair. */
export function hat(of: Rig): Node[] {
  const { hat: kind, hatColour } = of.person;
  const colour = CLOTH[hatColour ?? ("black" satisfies Colour)];
  switch (kind) {
    case "none":
      return [];
    case "cap":
      return cap(of, colour);
    case "beanie":
      return beanie(of, colour);
    case "top hat":
      return topHat(of);
    case "straw hat":
      return strawHat(of);
    case "beret":
      return beret(of, colour);
    case "crown":
      return crown(of);
  }
}
