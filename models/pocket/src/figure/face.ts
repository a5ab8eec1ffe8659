import type { Expression } from "../attributes.js";
import { darker, HAIR, IRIS, lighter, mix, multiply } from "../palette.js";
import { ellipse, polygon, smooth } from "../path.js";
import type { Node } from "../shape.js";
import { ANIME_MOOD, animeBrow, animeEye, animeMouth, animeNose } from "./anime-face.js";
import { across, eyePlace, type Mood, type Rig, skinShade } from "./rig.js";

/** How an expression moves the lids and brows of a natural face. */
const MOOD: Readonly<Record<Expression, Mood>> = {
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

/** The colour of brows and beards. */
export function browColour(of: Rig): string {
  const colour = of.person.hairColour === null ? "#5a4030" : HAIR[of.person.hairColour];
  return of.person.hairColour === "white" ? "#a7a2a0" : darker(colour, of.manner === "anime" ? 0.4 : 0.3);
}

function brow(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const anime = of.manner === "anime";
  const { rise, slope } = (anime ? ANIME_MOOD : MOOD)[of.expression];
  const height = y - (anime ? 23 : of.child ? 14.5 : 13.5) - rise;
  const w = anime ? 12 : 11;
  const thick = anime ? animeBrow(of) : of.female ? 3 : of.child ? 3.4 : 4.8;
  const inner = slope;
  const d = `M${-w} ${inner}Q${-w * 0.1} ${-3.4 + inner * 0.1} ${w + 1} ${1 - slope * 0.45}`;
  return {
    transform: `translate(${x} ${height}) scale(${side * squeeze} 1)`,
    nodes: [
      {
        d,
        colour: anime ? darker(browColour(of), 0.25) : browColour(of),
        width: thick,
        thing: true,
      },
    ],
  };
}

function nose(of: Rig): Node[] {
  const x = across(of, 0, 42);
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
  const lip = of.female ? "#b23f4a" : darker(skinShade(of), 0.3);
  return {
    nodes: [
      { clip: d, nodes },
      { d, colour: lip, width: of.female ? 2.4 : 1.8, thing: true },
    ],
  };
}

function mouthLine(of: Rig, d: string): Node {
  // Lips are redder than the skin around them; on dark skin a man's are a dark line instead.
  const colour = of.female ? "#b5444d" : of.person.skin === "dark" ? "#2c1210" : multiply(of.skin, "#a8564e");
  return { d, colour, width: of.female ? 3.8 : 3.2, thing: true };
}

function mouth(of: Rig): Node {
  const x = across(of, 0, 34);
  const y = of.child ? 34 : 37;
  const transform = `translate(${x} ${y}) scale(${of.turn === 0 ? 1 : 0.9} 1)`;
  const w = 14;
  const shapes: Record<Expression, () => Node> = {
    smiling: () => {
      const d = `M${-w} -4Q0 1.5 ${w} -4Q${w * 0.72} 9.5 0 10Q${-w * 0.72} 9.5 ${-w} -4Z`;
      const teeth = `M${-w} -6H${w}L${w * 0.8} 1.6Q0 4.6 ${-w * 0.8} 1.6Z`;
      return openMouth(of, d, { teeth, tongue: ellipse(0, 10, w * 0.55, 5) });
    },
    sad: () => mouthLine(of, `M${-w * 0.72} 5Q0 -6 ${w * 0.72} 5`),
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
    surprised: () => openMouth(of, ellipse(0, 2, w * 0.5, 8.5), { tongue: ellipse(0, 9, w * 0.4, 4) }),
    neutral: () => mouthLine(of, `M${-w * 0.62} 0Q0 1.6 ${w * 0.62} 0`),
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
  if (of.manner === "anime")
    return [...(hidden ? [] : [animeEye(of, -1), animeEye(of, 1)]), animeNose(of), ...beard(of), animeMouth(of)];
  return [...(hidden ? [] : [naturalEye(of, -1), naturalEye(of, 1)]), ...nose(of), ...beard(of), mouth(of)];
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
