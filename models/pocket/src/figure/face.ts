import type { Expression } from "../attributes.js";
import { darker, HAIR, IRIS, lighter, mix, multiply } from "../palette.js";
import { ellipse, polygon, smooth } from "../path.js";
import type { Node, Stroke } from "../shape.js";
import { across, foreshortening, type Rig, skinShade } from "./rig.js";

const INK = "#1d1418";

/** Where the middle of an eye is, and how wide it is next to one that is seen from the front. */
export function eyePlace(of: Rig, side: -1 | 1): { x: number; y: number; squeeze: number } {
  const anime = of.manner === "anime";
  const x = side * (anime ? 20 : of.child ? 19 : 18);
  return { x: across(of, x, anime ? 26 : 30), y: anime ? 9 : of.child ? 4 : 2, squeeze: foreshortening(of, x) };
}

/** How an expression moves the lids and brows: rise of the brow, its slope (positive: inner end down), opening. */
const MOOD: Readonly<Record<Expression, { rise: number; slope: number; open: number }>> = {
  smiling: { rise: 1.5, slope: 0, open: 0.94 },
  sad: { rise: 1, slope: -5.5, open: 0.84 },
  angry: { rise: -3.5, slope: 6.5, open: 0.86 },
  surprised: { rise: 6, slope: -0.5, open: 1.22 },
  neutral: { rise: 0, slope: 0.4, open: 0.98 },
};

function naturalEye(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const { open, slope } = MOOD[of.expression];
  const w = of.child ? 12.6 : 11.8;
  const h = (of.child ? 9.2 : 8.1) * open;
  // Drawn for the eye on the picture's right (inner corner at the left) and mirrored for the other one.
  const white = `M${-w} 1.5C${-w * 0.6} ${-h * 1.15} ${w * 0.55} ${-h * 1.25} ${w} -0.5C${w * 0.6} ${h * 0.95} ${-w * 0.55} ${h} ${-w} 1.5Z`;
  const lid = `M${-w} 1.5C${-w * 0.6} ${-h * 1.15} ${w * 0.55} ${-h * 1.25} ${w + (of.female ? 3.4 : 0.6)} ${of.female ? -3.4 : -0.5}`;
  const iris = IRIS[of.person.eyes];
  const look = of.turn * side * 1.6;
  const r = of.child ? 7.6 : 6.9;
  const tilt = -slope * 1.3;
  return {
    transform: `translate(${x} ${y}) scale(${side * squeeze} 1) rotate(${tilt})`,
    nodes: [
      {
        clip: white,
        nodes: [
          { d: white, fill: "#f8f4f1", line: 0 },
          { d: ellipse(look, -0.3, r), fill: darker(iris, 0.4), line: 0 },
          { d: ellipse(look, 0.4, r - 1.1), fill: iris, fade: lighter(iris, 0.3), line: 0 },
          { d: ellipse(look, -0.2, r * 0.42), fill: "#140d10", line: 0 },
          {
            d: `M${-w} -12H${w}V${-h * 0.42}Q0 ${-h * 0.78} ${-w} ${-h * 0.3}Z`,
            fill: "#3b2a3a",
            opacity: 0.3,
            line: 0,
          },
          { d: ellipse(look - side * 2.4, -2.7, 2.1), fill: "#ffffff", line: 0 },
        ],
      },
      { d: lid, colour: "#2a1a18", width: of.female ? 2.9 : 2.3, thing: true },
      { d: `M${-w * 0.7} ${h * 0.62}Q0 ${h * 1.08} ${w * 0.8} ${h * 0.45}`, colour: skinShade(of), width: 1.3 },
      {
        d: `M${-w * 0.8} ${-h * 0.95 - 1}Q0 ${-h * 1.55 - 1} ${w * 0.9} ${-h * 0.9}`,
        colour: skinShade(of),
        width: 1.3,
      },
    ],
  };
}

function animeEye(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const { open, slope } = MOOD[of.expression];
  const adult = of.person.kind === "man" ? 0.8 : 1;
  const w = 13.2;
  const top = -15.5 * Math.min(1.08, open) * adult;
  const bottom = 13.5;
  const cut = slope * 0.9;
  const white = `M${-w} ${top * 0.3 + cut}C${-w * 0.7} ${top * 1.1 + cut} ${w * 0.6} ${top * 1.25 - cut * 0.3} ${w} ${top * 0.35 - cut * 0.4}C${w} ${bottom * 0.75} ${w * 0.5} ${bottom} 0 ${bottom}C${-w * 0.6} ${bottom} ${-w * 0.95} ${bottom * 0.6} ${-w} ${top * 0.3 + cut}Z`;
  const iris = mix(
    IRIS[of.person.eyes],
    of.person.eyes === "brown" ? "#b05a14" : "#00b0ff",
    of.person.eyes === "green" ? 0 : 0.25,
  );
  const look = of.turn * side * 1.5;
  const small = of.expression === "surprised" ? 0.72 : 1;
  const lash = `M${-w - 0.5} ${top * 0.22 + cut}C${-w * 0.7} ${top * 1.12 + cut} ${w * 0.6} ${top * 1.3 - cut * 0.3} ${w + (of.female ? 5 : 2)} ${top * 0.28 - cut * 0.4}L${w - 1} ${top * 0.3 - cut * 0.4}C${w * 0.5} ${top * 0.88 - cut * 0.3} ${-w * 0.6} ${top * 0.75 + cut} ${-w - 0.5} ${top * 0.22 + cut}Z`;
  return {
    transform: `translate(${x} ${y}) scale(${side * squeeze} 1)`,
    nodes: [
      {
        clip: white,
        nodes: [
          { d: white, fill: "#ffffff", line: 0 },
          { d: ellipse(look, 0, 9.6 * small, 13.6 * small * adult), fill: INK, line: 0 },
          { d: ellipse(look, 1, 8.2 * small, 12 * small * adult), fill: darker(iris, 0.35), line: 0 },
          { d: ellipse(look, 6.5 * adult, 6.8 * small, 6.6 * small), fill: lighter(iris, 0.28), line: 0 },
          { d: ellipse(look, -0.5, 3.6 * small, 5.6 * small), fill: INK, line: 0 },
          { d: ellipse(look - side * 3.6, -5.6 * adult, 3.9 * small, 4.3 * small), fill: "#ffffff", line: 0 },
          { d: ellipse(look + side * 3.8, 6.2 * adult, 2 * small), fill: "#ffffff", line: 0 },
        ],
      },
      { d: lash, fill: INK, line: 0 },
      ...(of.female
        ? [{ d: `M${w} ${top * 0.4}L${w + 5.5} ${top * 0.62}`, colour: INK, width: 2 } satisfies Stroke]
        : []),
      { d: `M${-w * 0.45} ${bottom}Q0 ${bottom + 1} ${w * 0.6} ${bottom - 1.4}`, colour: INK, width: 1.7 },
    ],
  };
}

/** The colour of brows and beards. */
export function browColour(of: Rig): string {
  const colour = of.person.hairColour === null ? "#5a4030" : HAIR[of.person.hairColour];
  return of.person.hairColour === "white" ? "#a7a2a0" : darker(colour, of.manner === "anime" ? 0.4 : 0.3);
}

function brow(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const { rise, slope } = MOOD[of.expression];
  const anime = of.manner === "anime";
  const height = y - (anime ? 23 : of.child ? 14.5 : 13.5) - rise;
  const w = anime ? 11.5 : 11;
  const thick = of.female ? 3 : of.child ? 3.4 : 4.8;
  const inner = slope;
  const d = `M${-w} ${inner}Q${-w * 0.1} ${-3.4 + inner * 0.1} ${w + 1} ${1 - slope * 0.45}`;
  return {
    transform: `translate(${x} ${height}) scale(${side * squeeze} 1)`,
    nodes: [
      {
        d,
        colour: anime ? darker(browColour(of), 0.25) : browColour(of),
        width: anime ? thick * 0.85 : thick,
        thing: true,
      },
    ],
  };
}

function nose(of: Rig): Node[] {
  const x = across(of, 0, 42);
  if (of.manner === "anime") {
    const s = of.turn === 0 ? 1 : of.turn;
    return [{ d: `M${x} 24L${x + 2.4 * s} 28L${x - 0.5 * s} 29`, colour: darker(skinShade(of), 0.35), width: 1.6 }];
  }
  const big = of.child ? 0.8 : of.female ? 0.9 : 1.15;
  const y = of.child ? 18 : 19;
  const shade = skinShade(of);
  const side = of.turn === 0 ? 1 : -of.turn;
  return [
    { d: ellipse(x, y, 6.5 * big, 5 * big), fill: mix(of.skin, "#d8604a", 0.16), line: 0, relief: "ball" },
    {
      d: `M${x + side * 3} ${y - 13}Q${x + side * 4} ${y - 6} ${x + side * 6.5 * big} ${y + 1}`,
      colour: shade,
      width: 1.6,
      opacity: 0.65,
    },
    {
      d: `M${x - 5.4 * big} ${y + 3.2}Q${x} ${y + 6.8 * big} ${x + 5.4 * big} ${y + 3.2}`,
      colour: darker(shade, 0.2),
      width: 1.9,
    },
    { d: ellipse(x - 1.5, y - 2.4, 2 * big, 1.6 * big), fill: "#ffffff", opacity: 0.4, line: 0 },
  ];
}

function openMouth(of: Rig, d: string, parts: { teeth?: string; tongue?: string }): Node {
  const nodes: Node[] = [{ d, fill: "#6f1e22", line: 0 }];
  if (parts.tongue) nodes.push({ d: parts.tongue, fill: "#d9686c", line: 0 });
  if (parts.teeth) nodes.push({ d: parts.teeth, fill: "#ffffff", line: 0 });
  const lip = of.manner === "anime" ? INK : of.female ? "#b23f4a" : darker(skinShade(of), 0.3);
  return {
    nodes: [
      { clip: d, nodes },
      { d, colour: lip, width: of.manner === "anime" ? 1.8 : of.female ? 2.4 : 1.8, thing: true },
    ],
  };
}

function mouthLine(of: Rig, d: string): Node {
  if (of.manner === "anime") return { d, colour: INK, width: 2.1, thing: true };
  // Lips are redder than the skin around them; on dark skin a man's are a dark line instead.
  const colour = of.female ? "#b5444d" : of.person.skin === "dark" ? "#2c1210" : multiply(of.skin, "#a8564e");
  return { d, colour, width: of.female ? 3.8 : 3.2, thing: true };
}

function mouth(of: Rig): Node {
  const x = across(of, 0, 34);
  const anime = of.manner === "anime";
  const y = anime ? 41 : of.child ? 34 : 37;
  const transform = `translate(${x} ${y}) scale(${of.turn === 0 ? 1 : 0.9} 1)`;
  const w = anime ? 10 : 14;
  const shapes: Record<Expression, () => Node> = {
    smiling: () => {
      const d = `M${-w} -4Q0 ${anime ? -1 : 1.5} ${w} -4Q${w * 0.72} ${anime ? 9 : 9.5} 0 ${anime ? 9.5 : 10}Q${-w * 0.72} ${anime ? 9 : 9.5} ${-w} -4Z`;
      const teeth = `M${-w} -6H${w}L${w * 0.8} 1.6Q0 4.6 ${-w * 0.8} 1.6Z`;
      return openMouth(of, d, { teeth, tongue: ellipse(0, 10, w * 0.55, 5) });
    },
    sad: () => mouthLine(of, `M${-w * 0.72} 5Q0 ${anime ? -5 : -6} ${w * 0.72} 5`),
    angry: () => {
      const d = polygon([
        [-w * 0.85, 5],
        [-w * 0.55, -3],
        [w * 0.55, -3],
        [w * 0.85, 5],
      ]);
      const middle = `M${-w} 1H${w}M${-w * 0.3} -4V6M${w * 0.3} -4V6`;
      return {
        nodes: [
          { clip: d, nodes: [{ d, fill: "#ffffff", line: 0 }] },
          { d: middle, colour: "#7d5a58", width: 1 },
          mouthLine(of, d),
        ],
      };
    },
    surprised: () => openMouth(of, ellipse(0, 2, w * 0.5, anime ? 7 : 8.5), { tongue: ellipse(0, 9, w * 0.4, 4) }),
    neutral: () => mouthLine(of, `M${-w * 0.62} 0Q0 ${anime ? 1 : 1.6} ${w * 0.62} 0`),
  };
  return { transform, nodes: [shapes[of.expression]()] };
}

/** Moustache or beard; the mouth is drawn over it. */
function beard(of: Rig): Node[] {
  const colour = of.person.hairColour === null ? "#5b4030" : HAIR[of.person.hairColour];
  const low = of.manner === "anime" ? 4 : 0;
  const x = across(of, 0, 34);
  const nodes: Node[] = [];
  if (of.person.beard === "beard") {
    const s = of.turn * 8;
    const d = smooth([
      [-44 + of.turn * 2, 6 + low],
      [-38 + s * 0.5, 24 + low],
      [-22 + x * 0.5, 27 + low],
      [x, 25 + low],
      [22 + x * 0.5, 27 + low],
      [38 + s * 0.5, 24 + low],
      [44 + of.turn * 2, 6 + low],
      [43 + s * 0.6, 34 + low],
      [31 + s, 58 + low],
      [s, 72 + low],
      [-31 + s, 58 + low],
      [-43 + s * 0.6, 34 + low],
    ]);
    nodes.push({
      d,
      fill: colour,
      relief: "ball",
      line: 0.9,
      marks: [{ d: `M${s - 60} 60Q${s} 74 ${s + 60} 40V90H-60Z`, paint: "shade", soft: 4, opacity: 0.7 }],
    });
  }
  if (of.person.beard !== "none") {
    const y = 29 + low * 1.1;
    const d = `M${x} ${y}C${x + 9} ${y - 6} ${x + 19} ${y - 2} ${x + 24} ${y + 5}C${x + 15} ${y + 8} ${x + 6} ${y + 7} ${x} ${y + 4}C${x - 6} ${y + 7} ${x - 15} ${y + 8} ${x - 24} ${y + 5}C${x - 19} ${y - 2} ${x - 9} ${y - 6} ${x} ${y}Z`;
    nodes.push({ d, fill: of.person.beard === "beard" ? darker(colour, 0.12) : colour, relief: "ball", line: 0.7 });
  }
  return nodes;
}

/** Eyes, brows, nose, mouth and beard. Brows are left to `brows`, since hair lies under them in drawn looks. */
export function face(of: Rig): Node[] {
  const hidden = of.person.glasses === "sunglasses";
  const eye = of.manner === "anime" ? animeEye : naturalEye;
  return [...(hidden ? [] : [eye(of, -1), eye(of, 1)]), ...nose(of), ...beard(of), mouth(of)];
}

/** The brows. */
export function brows(of: Rig): Node[] {
  return [brow(of, -1), brow(of, 1)];
}

/** Spectacles, over the hair at the temples. */
export function glasses(of: Rig): Node[] {
  const { glasses: kind } = of.person;
  if (kind === "none") return [];
  const anime = of.manner === "anime";
  const big = anime ? 1.16 : 1;
  const rim = kind === "round" ? "#3a2a22" : "#17161c";
  const nodes: Node[] = [];
  for (const side of [-1, 1] as const) {
    const { x, y, squeeze } = eyePlace(of, side);
    const lens =
      kind === "round"
        ? ellipse(0, 0, 15.5 * big)
        : kind === "square"
          ? smoothBox(17 * big, 13 * big, 3)
          : `M${-17 * big} ${-10 * big}Q0 ${-13 * big} ${18 * big} ${-11 * big}Q${20 * big} ${9 * big} ${7 * big} ${12 * big}Q${-12 * big} ${13 * big} ${-17 * big} ${-10 * big}Z`;
    const dark = kind === "sunglasses";
    nodes.push({
      transform: `translate(${x} ${y + 1}) scale(${side * squeeze} 1)`,
      nodes: [
        dark
          ? { d: lens, fill: "#121118", fade: "#4b3d52", line: 0 }
          : { d: lens, fill: "#ffffff", opacity: anime ? 0.14 : 0.16, line: 0 },
        {
          clip: lens,
          nodes: [
            {
              d: `M${side * -14} 16L${side * 2} -18L${side * 9} -18L${side * -7} 16Z`,
              fill: "#ffffff",
              opacity: dark ? 0.3 : 0.22,
              line: 0,
            },
          ],
        },
        { d: lens, colour: rim, width: kind === "square" ? 4.2 : 3.4, thing: true },
      ],
    });
  }
  const [left, right] = [eyePlace(of, -1), eyePlace(of, 1)];
  const half = (kind === "round" ? 15.5 : 17) * big;
  const bridge = `M${left.x + half * left.squeeze} ${left.y - 1}Q${(left.x + right.x) / 2} ${left.y - 6} ${right.x - half * right.squeeze} ${right.y - 1}`;
  nodes.push({ d: bridge, colour: rim, width: 3.2, thing: true });
  // The near temple; the far one is behind the face.
  const temples = ([-1, 1] as const).filter((side) => side !== of.turn);
  for (const side of temples) {
    const { x, y, squeeze } = eyePlace(of, side);
    nodes.push({
      d: `M${x + side * half * squeeze} ${y - 3}L${side * 45 - of.turn * 6} ${y - 4}`,
      colour: rim,
      width: 3,
      thing: true,
    });
  }
  return nodes;
}

function smoothBox(halfWidth: number, halfHeight: number, radius: number): string {
  const [w, h, r] = [halfWidth, halfHeight, radius];
  return `M${-w + r} ${-h}H${w - r}Q${w} ${-h} ${w} ${-h + r}V${h - r * 1.6}Q${w} ${h} ${w - r * 1.6} ${h}H${-w + r * 1.6}Q${-w} ${h} ${-w} ${h - r * 1.6}V${-h + r}Q${-w} ${-h} ${-w + r} ${-h}Z`;
}
