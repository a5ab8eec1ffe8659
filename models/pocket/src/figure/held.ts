import type { Colour, ObjectKind } from "../attributes.js";
import { CLOTH, darker, lighter } from "../palette.js";
import { ellipse, type Point, polygon, smooth } from "../path.js";
import type { Node } from "../shape.js";

/** A thing in its parts, seen from a hand at the origin. `side` is where the hand is: -1 left of the body, 1 right. */
export interface Held {
  behindFigure: Node[];
  behindHand: Node[];
  overHand: Node[];
}

const none = { behindFigure: [], behindHand: [], overHand: [] };

function balloon(colour: string, side: number): Held {
  const [x, y] = [side * 12, -116];
  const d = smooth([
    [x, y - 36],
    [x + 26, y - 22],
    [x + 29, y + 2],
    [x + 12, y + 28],
    [x, y + 34],
    [x - 12, y + 28],
    [x - 29, y + 2],
    [x - 26, y - 22],
  ]);
  return {
    ...none,
    behindHand: [
      { d: `M0 0Q${-side * 10} -40 ${x} ${y + 36}`, colour: "#4a4550", width: 2, thing: true },
      {
        d: polygon([
          [x, y + 32],
          [x - 6, y + 42],
          [x + 6, y + 42],
        ]),
        fill: darker(colour, 0.2),
        line: 0.9,
      },
      {
        d,
        fill: colour,
        relief: "ball",
        line: 1.1,
        marks: [
          {
            d: `M${x - 19} ${y - 4}Q${x - 19} ${y - 22} ${x - 6} ${y - 27}`,
            paint: "light",
            width: 6,
            soft: 1,
            opacity: 0.9,
          },
        ],
      },
    ],
  };
}

function umbrella(colour: string, side: number): Held {
  const [x, y] = [-side * 30, -150];
  const arc: Point[] = [-84, -42, 0, 42, 84].map((dx) => [x + dx, y + 32]);
  let hem = "";
  for (let i = 3; i >= 0; i--) hem += `Q${(arc[i]![0] + arc[i + 1]![0]) / 2} ${y + 18} ${arc[i]![0]} ${arc[i]![1]}`;
  const dome = `M${x - 84} ${y + 32}C${x - 78} ${y - 22} ${x - 40} ${y - 46} ${x} ${y - 46}C${x + 40} ${y - 46} ${x + 78} ${y - 22} ${x + 84} ${y + 32}${hem}Z`;
  const panel = (i: number): string =>
    `M${x} ${y - 46}Q${(x + arc[i]![0]) / 2 + (arc[i]![0] - x) * 0.3} ${y - 22} ${arc[i]![0]} ${y + 32}Q${(arc[i]![0] + arc[i + 1]![0]) / 2} ${y + 18} ${arc[i + 1]![0]} ${y + 32}Q${(x + arc[i + 1]![0]) / 2 + (arc[i + 1]![0] - x) * 0.3} ${y - 22} ${x} ${y - 46}Z`;
  const paler = lighter(colour, 0.5) as `#${string}`;
  return {
    behindFigure: [
      { d: `M0 14L${x} ${y - 40}`, colour: "#6d4a2e", width: 5, thing: true },
      {
        d: dome,
        fill: colour,
        relief: "ball",
        line: 1.1,
        marks: [
          { d: panel(0), paint: paler },
          { d: panel(2), paint: paler },
        ],
      },
      { d: `M${x} ${y - 46}V${y - 54}`, colour: "#6d4a2e", width: 4, thing: true },
    ],
    behindHand: [{ d: `M${side * 0.5} -20L0 22`, colour: "#6d4a2e", width: 5.4, thing: true }],
    overHand: [],
  };
}

function book(colour: string, side: number): Held {
  const cover = polygon(
    [
      [-34, -52],
      [14, -58],
      [20, 6],
      [-28, 12],
    ].map(([x, y]): Point => [x! * side * -1, y!]),
  );
  const pages = polygon(
    [
      [14, -58],
      [20, -54],
      [26, 7],
      [20, 6],
    ].map(([x, y]): Point => [x! * side * -1, y!]),
  );
  const label = polygon(
    [
      [-20, -38],
      [4, -41],
      [6, -26],
      [-18, -23],
    ].map(([x, y]): Point => [x! * side * -1, y!]),
  );
  return {
    ...none,
    behindHand: [
      { d: pages, fill: "#f7f1e0", line: 0.9 },
      { d: cover, fill: colour, relief: "column", line: 1.1, marks: [{ d: label, paint: "#f3e3b3" }] },
    ],
  };
}

function cup(colour: string, side: number): Held {
  const steam: Node[] = [-8, 6].map((x) => ({
    d: `M${x} -42Q${x - 7} -52 ${x} -60Q${x + 7} -68 ${x} -77`,
    colour: "#ffffff",
    width: 4,
    opacity: 0.65,
    thing: true,
  }));
  return {
    ...none,
    behindHand: [
      {
        d: `M${-side * 20} -28Q${-side * 40} -30 ${-side * 38} -14Q${-side * 36} 0 ${-side * 18} -4`,
        colour: darker(colour, 0.1),
        width: 6,
        thing: true,
      },
      {
        d: `M-23 -36C-23 -8 -20 6 -12 12H12C20 6 23 -8 23 -36Z`,
        fill: colour,
        relief: "column",
        line: 1.1,
        marks: [{ d: "M-14 -30V0", paint: "light", width: 5, soft: 2, opacity: 0.6 }],
      },
      { d: ellipse(0, -36, 23, 6.5), fill: lighter(colour, 0.4), line: 1 },
      { d: ellipse(0, -35.5, 18, 4.4), fill: "#5a3420", line: 0 },
      ...steam,
    ],
  };
}

function ball(colour: string): Held {
  const y = -24;
  const white = colour === CLOTH.white ? "#d03a3a" : "#fbf7f0";
  return {
    ...none,
    behindHand: [
      {
        d: ellipse(0, y, 30),
        fill: colour,
        relief: "ball",
        line: 1.1,
        marks: [
          { d: `M-32 ${y - 6}Q0 ${y + 12} 32 ${y - 6}`, paint: white, width: 8 },
          { d: `M-6 ${y - 32}Q-14 ${y} -2 ${y + 32}`, paint: white, width: 7 },
        ],
      },
    ],
  };
}

function flower(colour: string, side: number): Held {
  const [x, y] = [side * 4, -62];
  const petals: Node[] = [0, 1, 2, 3, 4, 5].map((i) => {
    const angle = (i * Math.PI) / 3 + 0.3;
    return {
      d: ellipse(x + 16 * Math.cos(angle), y + 16 * Math.sin(angle), 12.5),
      fill: colour,
      relief: "ball",
      line: 0.9,
    };
  });
  return {
    ...none,
    behindHand: [
      { d: `M0 10Q${-side * 4} -26 ${x} ${y}`, colour: "#3f8a3f", width: 5, thing: true },
      {
        d: `M${-side} -16Q${-side * 24} -34 ${-side * 30} -18Q${-side * 16} -8 ${-side} -16Z`,
        fill: "#4b9c49",
        relief: "down",
        line: 0.9,
      },
      ...petals,
      { d: ellipse(x, y, 9.5), fill: colour === CLOTH.yellow ? "#8a5428" : "#f5c83c", relief: "ball", line: 0.9 },
    ],
  };
}

function iceCream(): Held {
  return {
    ...none,
    behindHand: [
      {
        d: polygon([
          [-17, -34],
          [17, -34],
          [2, 20],
          [-2, 20],
        ]),
        fill: "#dfa457",
        relief: "column",
        line: 1,
        marks: [{ d: "M-16 -24L10 2M-12 -8L6 12M16 -24L-10 2M12 -8L-6 12", paint: "#b97a35", width: 1.8 }],
      },
      { d: ellipse(-9, -44, 16), fill: "#f59cc0", relief: "ball", line: 1 },
      { d: ellipse(10, -46, 15.5), fill: "#fff1d6", relief: "ball", line: 1 },
      { d: ellipse(0, -64, 16), fill: "#8a5233", relief: "ball", line: 1 },
      { d: ellipse(3, -81, 5.5), fill: "#d8283c", relief: "ball", line: 0.9 },
    ],
  };
}

const CAT = { orange: "#e58a35", black: "#34313a", white: "#f1eee9" } as const;

function cat(colour: Colour, side: number): Held {
  const fur = CAT[colour as keyof typeof CAT];
  const eye = colour === "black" ? "#ffd84a" : "#4aa35a";
  const ears: Node[] = ([-1, 1] as const).map((s) => ({
    d: polygon([
      [s * 6, -44],
      [s * 25, -60],
      [s * 27, -28],
    ]),
    fill: fur,
    line: 1,
    marks: [
      {
        d: polygon([
          [s * 13, -44],
          [s * 22, -53],
          [s * 23, -36],
        ]),
        paint: "#eba0a0",
      },
    ],
  }));
  const eyes: Node[] = ([-1, 1] as const).flatMap((s): Node[] => [
    { d: ellipse(s * 11, -24, 6, 6.5), fill: eye, line: 0.6 },
    { d: ellipse(s * 11, -24, 2.2, 5.2), fill: "#16121a", line: 0 },
    { d: ellipse(s * 11 - 2, -27, 1.7), fill: "#ffffff", line: 0 },
  ]);
  const whisker = colour === "black" ? "#d8d4dc" : "#6b625c";
  const whiskers: Node[] = ([-1, 1] as const).map((s) => ({
    d: `M${s * 12} -11L${s * 34} -15M${s * 12} -8L${s * 33} -5`,
    colour: whisker,
    width: 1.3,
    thing: true,
  }));
  const stripes =
    colour === "orange" ? [{ d: "M-6 -48V-38M0 -50V-38M6 -48V-38", paint: "#b65f1c" as const, width: 3 }] : [];
  const tail: Node = {
    d: `M${side * 24} 34Q${side * 54} 26 ${side * 46} -6`,
    colour: darker(fur, 0.06),
    width: 12,
    thing: true,
  };
  return {
    ...none,
    overHand: [
      tail,
      {
        d: smooth([
          [-24, 0],
          [24, 0],
          [36, 40],
          [34, 90],
          [-34, 90],
          [-36, 40],
        ]),
        fill: fur,
        relief: "column",
        line: 1.1,
        marks: [{ d: ellipse(0, 34, 15, 26), paint: lighter(fur, 0.5) as `#${string}`, soft: 3, opacity: 0.8 }],
      },
      ...ears,
      {
        d: smooth([
          [0, -50],
          [24, -40],
          [31, -18],
          [20, 0],
          [0, 5],
          [-20, 0],
          [-31, -18],
          [-24, -40],
        ]),
        fill: fur,
        relief: "ball",
        line: 1.1,
        marks: [
          ...stripes,
          {
            d: ellipse(0, -8, 13, 9),
            paint: lighter(fur, colour === "black" ? 0.25 : 0.6) as `#${string}`,
            soft: 2,
            opacity: 0.9,
          },
        ],
      },
      ...eyes,
      {
        d: polygon([
          [-4, -15],
          [4, -15],
          [0, -10.5],
        ]),
        fill: "#e0707c",
        line: 0,
      },
      { d: "M-7 -6Q-4 -3 0 -8Q4 -3 7 -6", colour: colour === "black" ? "#cfc6d0" : "#5a3a34", width: 1.6, thing: true },
      ...whiskers,
    ],
  };
}

const BIRD = { red: "#d8413a", yellow: "#f4cd3f", blue: "#3d86dc" } as const;

/** A bird on the shoulder; the origin is where its feet are. */
function bird(colour: Colour, side: number): Held {
  const feather = BIRD[colour as keyof typeof BIRD];
  const at = (x: number, y: number): Point => [x * -side, y];
  return {
    ...none,
    overHand: [
      { d: polygon([at(-14, -14), at(-40, 6), at(-30, 10), at(-8, -4)]), fill: darker(feather, 0.25), line: 1 },
      {
        d: smooth([
          at(-18, -16),
          at(-8, -34),
          at(6, -48),
          at(20, -46),
          at(27, -34),
          at(22, -14),
          at(6, -1),
          at(-10, -3),
        ]),
        fill: feather,
        relief: "ball",
        line: 1.1,
        marks: [
          {
            d: ellipse(at(14, -14)[0], -14, 11, 12),
            paint: lighter(feather, 0.6) as `#${string}`,
            soft: 2.5,
            opacity: 0.9,
          },
        ],
      },
      {
        d: smooth([at(-20, -12), at(-6, -27), at(6, -20), at(-2, -8)]),
        fill: darker(feather, 0.22),
        relief: "down",
        line: 0.9,
      },
      { d: polygon([at(26, -40), at(39, -34), at(25, -30)]), fill: "#f09a2c", line: 0.9 },
      { d: ellipse(at(17, -38)[0], -38, 4), fill: "#16121a", line: 0 },
      { d: ellipse(at(17, -38)[0] - 1.3, -39.4, 1.5), fill: "#ffffff", line: 0 },
    ],
  };
}

/** The parts of an object. */
export function held(kind: ObjectKind, colour: Colour | null, side: -1 | 1): Held {
  const paint = CLOTH[colour ?? "red"];
  switch (kind) {
    case "balloon":
      return balloon(paint, side);
    case "umbrella":
      return umbrella(paint, side);
    case "book":
      return book(paint, side);
    case "cup":
      return cup(paint, side);
    case "ball":
      return ball(paint);
    case "flower":
      return flower(paint, side);
    case "ice cream":
      return iceCream();
    case "cat":
      return cat(colour ?? "orange", side);
    case "bird":
      return bird(colour ?? "blue", side);
  }
}

/** The objects that a hand holds up; the others sit by themselves. */
export const HELD_UP: readonly ObjectKind[] = ["balloon", "umbrella", "book", "cup", "ball", "flower", "ice cream"];
