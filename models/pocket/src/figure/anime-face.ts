import type { Expression } from "../attributes.js";
import { darker, IRIS, lighter, mix } from "../palette.js";
import { ellipse, polygon } from "../path.js";
import type { Node } from "../shape.js";
import { across, eyePlace, type Mood, type Rig, skinShade } from "./rig.js";

/** Faces as anime stills draw them: large eyes, a line for a nose, moods larger than life and with signs of their own. */

const INK = "#1d1418";
const LIPSTICK = "#d3304f";
const DARK_LIPS = "#b06a5c";
const TEAR = "#8fd8ff";

/** Brows and lids say more than a natural face's do. */
export const ANIME_MOOD: Readonly<Record<Expression, Mood>> = {
  smiling: { rise: 2.5, slope: 0, open: 0.94 },
  sad: { rise: 2, slope: -8.5, open: 0.8 },
  angry: { rise: -4.5, slope: 9.5, open: 0.8 },
  surprised: { rise: 8, slope: -0.5, open: 1.22 },
  neutral: { rise: 0, slope: 0.4, open: 0.98 },
};

/** How thick a brow is. */
export const animeBrow = (of: Rig): number => {
  const { kind } = of.person;
  return { boy: 4.4, girl: 2.6, man: 5.6, woman: 2.8 }[kind] * (of.expression === "angry" ? 1.2 : 1);
};

/** How high and how wide an eye is, next to a girl's: children's are large, a man's are narrow. */
const OPEN = { boy: 1, girl: 1.06, man: 0.72, woman: 0.9 } as const;
const WIDE = { boy: 1, girl: 1.04, man: 0.9, woman: 1.02 } as const;

export function animeEye(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const { open, slope } = ANIME_MOOD[of.expression];
  const tall = OPEN[of.person.kind];
  const w = 13.2 * WIDE[of.person.kind];
  const top = -15.5 * Math.min(1.08, open) * tall;
  const bottom = 13.5 * (of.person.kind === "man" ? 0.9 : 1);
  const cut = slope * 0.7;
  const white = `M${-w} ${top * 0.3 + cut}C${-w * 0.7} ${top * 1.1 + cut} ${w * 0.6} ${top * 1.25 - cut * 0.3} ${w} ${top * 0.35 - cut * 0.4}C${w} ${bottom * 0.75} ${w * 0.5} ${bottom} 0 ${bottom}C${-w * 0.6} ${bottom} ${-w * 0.95} ${bottom * 0.6} ${-w} ${top * 0.3 + cut}Z`;
  const iris = mix(
    IRIS[of.person.eyes],
    of.person.eyes === "brown" ? "#b05a14" : "#00b0ff",
    of.person.eyes === "green" ? 0 : 0.25,
  );
  const look = of.turn * side * 1.5;
  const small = of.expression === "surprised" ? 0.66 : 1;
  const lash = `M${-w - 0.5} ${top * 0.22 + cut}C${-w * 0.7} ${top * 1.12 + cut} ${w * 0.6} ${top * 1.3 - cut * 0.3} ${w + (of.female ? 5 : 2)} ${top * 0.28 - cut * 0.4}L${w - 1} ${top * 0.3 - cut * 0.4}C${w * 0.5} ${top * 0.88 - cut * 0.3} ${-w * 0.6} ${top * 0.75 + cut} ${-w - 0.5} ${top * 0.22 + cut}Z`;
  return {
    transform: `translate(${x} ${y}) scale(${side * squeeze} 1)`,
    nodes: [
      ...(of.person.kind === "woman" ? [eyeShadow({ w, top, cut })] : []),
      {
        clip: white,
        nodes: [
          { d: white, fill: "#ffffff", line: 0 },
          { d: ellipse(look, 0, 9.6 * small, 13.6 * small * tall), fill: INK, line: 0 },
          { d: ellipse(look, 1, 8.2 * small, 12 * small * tall), fill: darker(iris, 0.35), line: 0 },
          { d: ellipse(look, 6.5 * tall, 6.8 * small, 6.6 * small), fill: lighter(iris, 0.28), line: 0 },
          { d: ellipse(look, -0.5, 3.6 * small, 5.6 * small), fill: INK, line: 0 },
          { d: ellipse(look - side * 3.6, -5.6 * tall, 3.9 * small, 4.3 * small), fill: "#ffffff", line: 0 },
          { d: ellipse(look + side * 3.8, 6.2 * tall, 2 * small), fill: "#ffffff", line: 0 },
        ],
      },
      { d: lash, fill: INK, line: 0 },
      ...lashes(of, { w, top }),
      { d: `M${-w * 0.45} ${bottom}Q0 ${bottom + 1} ${w * 0.6} ${bottom - 1.4}`, colour: INK, width: 1.7 },
    ],
  };
}

/** Paint between a woman's lid and her brow. */
function eyeShadow({ w, top, cut }: { w: number; top: number; cut: number }): Node {
  const d = `M${-w - 1} ${top * 0.3 + cut}C${-w * 0.7} ${top * 1.55 + cut} ${w * 0.6} ${top * 1.75 - cut * 0.3} ${w + 5} ${top * 0.5 - cut * 0.4}C${w * 0.5} ${top * 0.9} ${-w * 0.6} ${top * 0.8 + cut} ${-w - 1} ${top * 0.3 + cut}Z`;
  return { d, fill: "#a8468f", opacity: 0.7, line: 0 };
}

/** One lash for girls, two for women. */
function lashes(of: Rig, { w, top }: { w: number; top: number }): Node[] {
  if (!of.female) return [];
  const one = { d: `M${w} ${top * 0.4}L${w + 5.5} ${top * 0.62}`, colour: INK, width: 2.2 };
  if (of.person.kind === "girl") return [one];
  return [one, { d: `M${w * 0.7} ${top * 0.8}L${w + 3} ${top * 1.12}`, colour: INK, width: 2.2 }];
}

export function animeNose(of: Rig): Node {
  const x = across(of, 0, 42);
  const s = of.turn === 0 ? 1 : of.turn;
  const long = of.person.kind === "man" ? 4 : 0;
  const y = of.child ? 26 : 24;
  return {
    d: `M${x} ${y - long}L${x + 2.4 * s + long * 0.3 * s} ${y + 4}L${x - 0.5 * s} ${y + 5}`,
    colour: darker(skinShade(of), 0.35),
    width: of.person.kind === "man" ? 2 : 1.6,
  };
}

/** Half the width of a mouth that is shut. */
const MOUTH = 12;

/** An open mouth with what is seen in it; a woman's has lips. */
function open(of: Rig, d: string, parts: { teeth?: string; tongue?: string }): Node {
  const nodes: Node[] = [{ d, fill: "#7a1a22", line: 0 }];
  if (parts.tongue) nodes.push({ d: parts.tongue, fill: "#f0717a", line: 0 });
  if (parts.teeth) nodes.push({ d: parts.teeth, fill: "#ffffff", line: 0 });
  return { nodes: [...painted(of, d, 6.5), { clip: d, nodes }, { d, colour: INK, width: 1.9, thing: true }] };
}

const shut = (of: Rig, d: string): Node => ({
  nodes: [...painted(of, d, 6.5), { d, colour: INK, width: 2.4, thing: true }],
});

/** Lips around a line: a woman's lipstick, and without it on dark skin, where ink alone would not be seen. */
function painted(of: Rig, d: string, width: number): Node[] {
  if (of.person.kind === "woman") return [{ d, colour: LIPSTICK, width, thing: true }];
  return of.person.skin === "dark" ? [{ d, colour: DARK_LIPS, width, thing: true }] : [];
}

const MOUTHS: Readonly<Record<Expression, (of: Rig) => Node>> = {
  smiling: (of) => {
    const d = "M-14 -5Q0 -1 14 -5Q11 12 0 12Q-11 12 -14 -5Z";
    return open(of, d, { teeth: "M-15 -7H15L11 1Q0 4 -11 1Z", tongue: ellipse(0, 12, 8, 5) });
  },
  sad: (of) => shut(of, `M${-MOUTH} 6Q${-MOUTH * 0.7} -3 -4 -2Q0 -6 4 -2Q${MOUTH * 0.7} -3 ${MOUTH} 6`),
  angry: (of) => {
    const d = polygon([
      [-14, 8],
      [-9, -5],
      [9, -5],
      [14, 8],
    ]);
    return {
      nodes: [
        ...painted(of, d, 6.5),
        { d, fill: "#ffffff", line: 0 },
        { d: "M-12 1.5H12M-4.5 -5V8M4.5 -5V8", colour: "#7d5a58", width: 1.2 },
        { d, colour: INK, width: 2.4, thing: true },
      ],
    };
  },
  surprised: (of) => open(of, ellipse(0, 3, 7, 10), { tongue: ellipse(0, 12, 6, 4) }),
  neutral: (of) => shut(of, `M${-MOUTH * 0.6} 0H${MOUTH * 0.6}`),
};

export function animeMouth(of: Rig): Node {
  const x = across(of, 0, 34);
  const y = of.child ? 40 : of.person.kind === "man" ? 44 : 42;
  return {
    transform: `translate(${x} ${y}) scale(${of.turn === 0 ? 1 : 0.9} 1)`,
    nodes: [MOUTHS[of.expression](of)],
  };
}

/** A tear under an eye, on its way down. */
function tear(of: Rig, side: -1 | 1): Node {
  const { x, y, squeeze } = eyePlace(of, side);
  const d = "M0 -9C2 -4 6 0 6 5A6 6 0 0 1 -6 5C-6 0 -2 -4 0 -9Z";
  return {
    transform: `translate(${x + side * 7 * squeeze} ${y + 23}) scale(${squeeze} 1)`,
    nodes: [
      { d, fill: TEAR, line: 0 },
      { d: ellipse(-2, 4, 1.6, 2.4), fill: "#ffffff", line: 0 },
      { d, colour: INK, width: 1.4 },
    ],
  };
}

/** The swollen vein that stands for anger: four corners of a cross. */
function vein(of: Rig): Node {
  const d = "M-9 -3Q-3 -3 -3 -9M3 -9Q3 -3 9 -3M9 3Q3 3 3 9M-3 9Q-3 3 -9 3";
  const side = of.turn === 0 ? 1 : -of.turn;
  return {
    transform: `translate(${side * 29 + of.turn * 4} -34)`,
    nodes: [
      { d, colour: "#ffffff", width: 7 },
      { d, colour: "#e01f2d", width: 4 },
    ],
  };
}

/** Three strokes on each cheek. */
function blush(of: Rig): Node[] {
  return ([-1, 1] as const).map((side) => {
    const { x, y, squeeze } = eyePlace(of, side);
    return {
      transform: `translate(${x + side * 5} ${y + 20}) scale(${squeeze} 1)`,
      nodes: [{ d: "M-6 3L-3.5 -3M-1 3L1.5 -3M4 3L6.5 -3", colour: "#e8485c", width: 2 }],
    };
  });
}

/** A boy's plaster, on the cheek that is nearer. */
function plaster(of: Rig): Node {
  const side = of.turn === 0 ? -1 : -of.turn;
  const d = "M-8 -3.5H8Q10 -3.5 10 0Q10 3.5 8 3.5H-8Q-10 3.5 -10 0Q-10 -3.5 -8 -3.5Z";
  return {
    transform: `translate(${side * 28 + of.turn * 9} 35) rotate(${side * -24})`,
    nodes: [
      { d, fill: "#fff1d6", line: 0 },
      { d: "M-3 -3.5H3V3.5H-3Z", fill: "#e3b98f", line: 0 },
      { d, colour: INK, width: 1.5 },
    ],
  };
}

/** What is drawn over a face, hair and hat: signs of a mood, and a boy's plaster. */
export function animeSigns(of: Rig): Node[] {
  const signs: Record<Expression, () => Node[]> = {
    smiling: () => blush(of),
    sad: () => [tear(of, of.turn === 1 ? -1 : 1)],
    angry: () => [vein(of)],
    surprised: () => [],
    neutral: () => [],
  };
  return [...(of.person.kind === "boy" ? [plaster(of)] : []), ...signs[of.expression]()];
}
