import { CLOTH, darker, lighter, mix } from "../palette.js";
import { box, ellipse, type Point, polygon, smooth } from "../path.js";
import type { Mark, Node } from "../shape.js";
import type { Rig } from "./rig.js";

/** The outline of shoulders and chest, from the neck down and out of the picture. */
function torso(of: Rig, collar: number): string {
  const w = of.shoulder;
  const slope = of.person.kind === "man" ? 74 : 78;
  const right: Point[] = [
    [collar, 67],
    [w * 0.55, slope],
    [w * 0.88, slope + 10],
    [w + 2, slope + 30],
    [w + 8, 150],
    [w + 12, 240],
  ];
  const left = right.map(([x, y]): Point => [-x, y]).reverse();
  return `${smooth(right, true)}${smooth(left, true).replace("M", "L")}Q0 ${collar > 20 ? 96 : 84} ${collar} 67Z`;
}

/** Where the arms part from the chest, and the folds there. */
function seams(of: Rig): Mark[] {
  const x = of.shoulder - 15;
  return [
    { d: `M${x} 122Q${x - 3} 160 ${x + 2} 240`, paint: "shade", width: 3, soft: 1.5, opacity: 0.9 },
    { d: `M${-x} 122Q${-x + 3} 160 ${-x - 2} 240`, paint: "shade", width: 3, soft: 1.5, opacity: 0.9 },
    {
      d: `M-70 60H70V${of.child ? 76 : 80}Q${of.turn * 10} 98 -70 ${of.child ? 76 : 80}Z`,
      paint: "shade",
      soft: 6,
      opacity: 0.55,
    },
    { d: `M${of.shoulder * 0.5} 60L${of.shoulder * 0.62} 240H140V60Z`, paint: "shade", soft: 10, opacity: 0.6 },
  ];
}

function tee(of: Rig, colour: string): Node[] {
  const hem: Mark = { d: "M-24 66Q0 98 24 66", paint: darker(colour, 0.22) as `#${string}`, width: 5 };
  return [{ d: torso(of, 22), fill: colour, relief: "column", line: 1.1, marks: [...seams(of), hem] }];
}

function striped(of: Rig, colour: string): Node[] {
  const stripes = [0, 1, 2, 3, 4, 5, 6, 7].map(
    (i): Mark => ({
      d: `M-120 ${94 + i * 17}Q0 ${108 + i * 17} 120 ${94 + i * 17}`,
      paint: colour as `#${string}`,
      width: 8.5,
    }),
  );
  const hem: Mark = { d: "M-22 67Q0 95 22 67", paint: colour as `#${string}`, width: 5 };
  return [{ d: torso(of, 21), fill: "#f6f3ee", relief: "column", line: 1.1, marks: [...stripes, hem, ...seams(of)] }];
}

function hoodie(of: Rig, colour: string): Node[] {
  const x = of.turn * 3;
  const hood = smooth([
    [-46, 84],
    [-50, 62],
    [-34, 46],
    [0, 42],
    [34, 46],
    [50, 62],
    [46, 84],
    [0, 104],
  ]);
  const front = `M-44 70Q-24 74 ${x} 108Q24 74 44 70Q46 92 ${x + 4} 118L${x - 4} 118Q-46 92 -44 70Z`;
  const cords: Node[] = ([-1, 1] as const).map((side) => ({
    d: `M${x + side * 9} 106Q${x + side * 12} 122 ${x + side * 9} 138`,
    colour: colour === CLOTH.white ? "#9a98a0" : "#f7f3ea",
    width: 3.4,
    thing: true,
  }));
  const zip: Mark = { d: `M${x} 112V240`, paint: "shade", width: 2.4, opacity: 1 };
  return [
    {
      d: torso(of, 26),
      fill: colour,
      relief: "column",
      line: 1.1,
      marks: [...seams(of), zip, { d: "M-44 176L-30 150H30L44 176V240H-44Z", paint: "shade", soft: 2, opacity: 0.35 }],
    },
    {
      d: front,
      fill: lighter(colour, 0.12),
      relief: "ball",
      line: 1,
      marks: [
        { d: `M-40 72Q-20 82 ${x} 112Q20 82 40 72Q30 64 0 66Q-30 64 -40 72Z`, paint: "shade", soft: 3, opacity: 0.5 },
      ],
    },
    ...cords,
    { d: hood, fill: darker(colour, 0.3), line: 1 },
  ];
}

function jacket(of: Rig, colour: string): Node[] {
  const x = of.turn * 4;
  const shirt = colour === CLOTH.white ? "#7f8694" : "#f4f1ec";
  const collar: Node[] = ([-1, 1] as const).map((side) => ({
    d: polygon([
      [side * 13, 62],
      [side * 25, 68],
      [x + side * 15, 90],
      [x + side * 1, 80],
    ]),
    fill: lighter(shirt, 0.4),
    line: 0.8,
  }));
  const lapels: Node[] = ([-1, 1] as const).map((side) => ({
    d: polygon([
      [side * 22, 65],
      [side * 38, 73],
      [side * 40, 98],
      [side * 33, 101],
      [side * 36, 110],
      [x + side * 4, 150],
      [x + side * 22, 98],
    ]),
    fill: lighter(colour, 0.13),
    line: 1,
    relief: "down",
  }));
  const buttons: Node[] = [162, 182].map((y) => ({ d: ellipse(x + 6, y, 3.4), fill: darker(colour, 0.45), line: 0.5 }));
  return [
    {
      d: torso(of, 18),
      fill: colour,
      relief: "column",
      line: 1.1,
      marks: [...seams(of), { d: `M${x} 145V240`, paint: "shade", width: 3, opacity: 1 }],
    },
    {
      d: `M-21 66L${x} 152L21 66Q0 84 -21 66Z`,
      fill: shirt,
      line: 0.9,
      marks: [
        { d: `M-30 60H30L${x} 96Z`, paint: "shade", soft: 4, opacity: 0.5 },
        { d: `M${x} 88V150`, paint: "shade", width: 1.6, opacity: 0.6 },
      ],
    },
    ...lapels,
    ...collar,
    ...buttons,
  ];
}

function sweater(of: Rig, colour: string): Node[] {
  const x = of.turn * 3;
  const high = of.child ? 52 : 55;
  const roll = smooth([
    [-21 + x, high],
    [x, high + 4],
    [21 + x, high],
    [26, 74],
    [0, 84],
    [-26, 74],
  ]);
  const knit: Mark[] = [];
  for (let at = -84; at <= 84; at += 14)
    knit.push({ d: `M${at} 70Q${at * 1.08} 150 ${at * 1.12} 240`, paint: "shade", width: 2, opacity: 0.4 });
  const ribs: Mark[] = [-16, -8, 0, 8, 16].map((at) => ({
    d: `M${at + x} ${high - 2}L${at * 1.15} 84`,
    paint: "shade",
    width: 2,
    opacity: 0.55,
  }));
  return [
    { d: torso(of, 22), fill: colour, relief: "column", line: 1.1, marks: [...knit, ...seams(of)] },
    { d: roll, fill: lighter(colour, 0.12), relief: "column", line: 1, marks: ribs },
  ];
}

function bareShoulders(of: Rig): Node {
  return { d: torso(of, 16), fill: of.skin, relief: "column", line: 1, marks: seams(of).slice(0, 3) };
}

function dress(of: Rig, colour: string): Node[] {
  const w = of.shoulder;
  const bodice = `M${-w * 0.52} 98Q${-w * 0.25} 88 0 108Q${w * 0.25} 88 ${w * 0.52} 98L${w - 16} 122Q${w - 20} 160 ${w - 4} 240H${-w + 4}Q${-w + 20} 160 ${-w + 16} 122Z`;
  const straps: Node[] = ([-1, 1] as const).map((side) => ({
    d: polygon([
      [side * (w * 0.5 - 2), 72],
      [side * (w * 0.5 + 8), 74],
      [side * (w * 0.48 + 6), 102],
      [side * (w * 0.48 - 6), 98],
    ]),
    fill: colour,
    line: 0.9,
  }));
  const dots: Mark[] = [];
  for (let row = 0; row < 7; row++)
    for (let column = -4; column <= 4; column++)
      dots.push({
        d: ellipse(column * 18 + (row % 2) * 9, 112 + row * 15, 2.8),
        paint: lighter(colour, 0.6) as `#${string}`,
      });
  return [
    bareShoulders(of),
    ...straps,
    {
      d: bodice,
      fill: colour,
      relief: "column",
      line: 1.1,
      marks: [...dots, { d: `M${w * 0.2} 90L${w * 0.3} 240H120V90Z`, paint: "shade", soft: 8, opacity: 0.6 }],
    },
  ];
}

function overalls(of: Rig, colour: string): Node[] {
  const w = of.shoulder;
  const under = colour === CLOTH.blue ? "#f3efe6" : "#f1ece2";
  const inner = w * 0.44;
  const bib = `M${-inner - 5} 112H${inner + 5}L${inner + 9} 150Q${w - 8} 160 ${w + 2} 240H${-w - 2}Q${-w + 8} 160 ${-inner - 9} 150Z`;
  const straps: Node[] = ([-1, 1] as const).map((side) => ({
    d: polygon([
      [side * (inner - 2), 70],
      [side * (inner + 11), 73],
      [side * (inner + 4), 122],
      [side * (inner - 9), 122],
    ]),
    fill: colour,
    line: 0.9,
  }));
  const buttons: Node[] = ([-1, 1] as const).map((side) => ({
    d: ellipse(side * (inner - 3), 120, 4.6),
    fill: "#f0c44a",
    relief: "ball",
    line: 0.7,
  }));
  const stitch: Mark[] = [{ d: `M${-inner} 118H${inner}`, paint: lighter(colour, 0.45) as `#${string}`, width: 1.6 }];
  return [
    { d: torso(of, 20), fill: under, relief: "column", line: 1.1, marks: seams(of) },
    ...straps,
    { d: bib, fill: colour, relief: "column", line: 1.1, marks: stitch },
    {
      d: box(-17, 130, 34, 30, 4),
      fill: lighter(colour, 0.1),
      line: 0.8,
      marks: [{ d: "M-17 137H17", paint: lighter(colour, 0.45) as `#${string}`, width: 1.6 }],
    },
    ...buttons,
  ];
}

/** The clothed body below the neck; the neck is drawn before it. */
export function clothes(of: Rig): Node[] {
  const colour = CLOTH[of.person.clothesColour];
  switch (of.person.clothes) {
    case "t-shirt":
      return tee(of, colour);
    case "striped shirt":
      return striped(of, colour);
    case "hoodie":
      return hoodie(of, colour).slice(0, -1);
    case "jacket":
      return jacket(of, colour);
    case "sweater":
      return sweater(of, colour);
    case "dress":
      return dress(of, colour);
    case "overalls":
      return overalls(of, colour);
  }
}

/** What of the clothes lies behind the neck: a hood. */
export function behindNeck(of: Rig): Node[] {
  return of.person.clothes === "hoodie" ? hoodie(of, CLOTH[of.person.clothesColour]).slice(-1) : [];
}

/** Colours of an upper and a lower sleeve; null where the arm is bare. */
export function sleeves(of: Rig): { upper: string | null; lower: string | null } {
  const colour = CLOTH[of.person.clothesColour];
  switch (of.person.clothes) {
    case "t-shirt":
      return { upper: colour, lower: null };
    case "dress":
      return { upper: null, lower: null };
    case "overalls":
      return { upper: "#f3efe6", lower: null };
    case "striped shirt":
      return { upper: "#f6f3ee", lower: "#f6f3ee" };
    default:
      return { upper: colour, lower: colour };
  }
}

function bowTie(of: Rig, colour: string): Node[] {
  const x = of.turn * 4;
  const y = 77;
  const wing = (side: -1 | 1): Node => ({
    d: `M${x} ${y}C${x + side * 8} ${y - 11} ${x + side * 17} ${y - 14} ${x + side * 23} ${y - 12}Q${x + side * 27} ${y} ${x + side * 23} ${y + 12}C${x + side * 17} ${y + 14} ${x + side * 8} ${y + 11} ${x} ${y}Z`,
    fill: colour,
    relief: "ball",
    line: 1,
    marks: [
      {
        d: `M${x + side * 6} ${y}L${x + side * 17} ${y - 3}M${x + side * 6} ${y + 2}L${x + side * 16} ${y + 6}`,
        paint: "shade",
        width: 2,
        opacity: 0.7,
      },
    ],
  });
  return [
    wing(-1),
    wing(1),
    { d: box(x - 5.5, y - 7, 11, 14, 4), fill: mix(colour, darker(colour, 0.5), 0.3), relief: "ball", line: 1 },
  ];
}

function scarf(of: Rig, colour: string): Node[] {
  const x = of.turn * 3;
  const side = of.turn === 0 ? 1 : of.turn;
  const tail = `M${side * 8 + x} 76L${side * 28 + x} 78L${side * 34 + x} 138L${side * 14 + x} 140Z`;
  const fringe: Mark[] = [126, 133].map((y) => ({
    d: `M-60 ${y}H60`,
    paint: lighter(colour, 0.6) as `#${string}`,
    width: 3,
  }));
  const wrap = smooth([
    [-27 + x, 58],
    [x, 66],
    [27 + x, 58],
    [34, 72],
    [22, 85],
    [0, 90],
    [-22, 85],
    [-34, 72],
  ]);
  const folds: Mark[] = [
    { d: `M-30 68Q${x} 84 30 66`, paint: "shade", width: 2.6, opacity: 0.75 },
    { d: `M-26 62Q${x} 72 24 62`, paint: "light", width: 3, soft: 1.5, opacity: 0.5 },
  ];
  return [
    { d: tail, fill: darker(colour, 0.08), relief: "column", line: 1, marks: fringe },
    { d: wrap, fill: colour, relief: "ball", line: 1.1, marks: folds },
  ];
}

/** Bow tie or scarf. */
export function neckwear(of: Rig): Node[] {
  const { neckwear: kind, neckColour } = of.person;
  if (kind === "none" || neckColour === null) return [];
  return kind === "bow tie" ? bowTie(of, CLOTH[neckColour]) : scarf(of, CLOTH[neckColour]);
}
