import type { HairShape } from "../attributes.js";
import { mix } from "../palette.js";
import { ellipse, type Point, smooth } from "../path.js";
import type { Mark, Node } from "../shape.js";
import { type Rig, skinShade } from "./rig.js";

const CHILD: readonly Point[] = [
  [0, -62],
  [28, -55],
  [43, -28],
  [44.5, -2],
  [41, 21],
  [30, 42],
  [13, 53.5],
  [0, 55],
];
const MAN: readonly Point[] = [
  [0, -62],
  [28, -56],
  [42, -30],
  [43, 0],
  [40.5, 24],
  [33, 44],
  [16, 58],
  [0, 60],
];
const WOMAN: readonly Point[] = [
  [0, -62],
  [28, -55],
  [42, -28],
  [42.5, 0],
  [37.5, 23],
  [26, 43],
  [11, 56],
  [0, 58],
];
const ANIME_CHILD: readonly Point[] = [
  [0, -62],
  [28, -55],
  [43.5, -28],
  [45, 4],
  [42, 27],
  [29, 44],
  [10, 53],
  [0, 55],
];
const ANIME_WOMAN: readonly Point[] = [
  [0, -62],
  [28, -55],
  [43, -28],
  [43.5, 2],
  [38, 25],
  [23, 44],
  [8, 56],
  [0, 60],
];
const ANIME_MAN: readonly Point[] = [
  [0, -62],
  [28, -56],
  [42, -30],
  [43, 2],
  [41, 30],
  [33, 50],
  [15, 65],
  [0, 67],
];

/** Hair that falls over the ears. */
const EARS_HIDDEN: readonly HairShape[] = ["long", "bob", "curly"];

/** Half the face's outline, from the crown down to the chin, on the picture's right. */
function profile(of: Rig): readonly Point[] {
  const anime = of.manner === "anime";
  if (of.child) return anime ? ANIME_CHILD : CHILD;
  if (of.female) return anime ? ANIME_WOMAN : WOMAN;
  return anime ? ANIME_MAN : MAN;
}

/** A point of the outline when the head is turned: the chin goes with the look, the far cheek comes nearer. */
export function turned(of: Rig, [x, y]: Point): Point {
  if (of.turn === 0) return [x, y];
  const low = Math.min(1, Math.max(0, (y + 25) / 80));
  const far = Math.sign(x) === of.turn ? 0.95 : 1;
  return [x * far + of.turn * (1 + 9 * low), y];
}

/** The outline of the face. */
export function faceOutline(of: Rig): string {
  const right = profile(of).map((point) => turned(of, point));
  const left = profile(of)
    .map(([x, y]) => turned(of, [-x, y]))
    .reverse();
  // Two open curves that meet at the crown and the chin, so that a drawn chin keeps its point.
  return of.manner === "anime"
    ? `${smooth(right, true)}${smooth(left, true).replace("M", "L")}Z`
    : smooth([...right, ...left.slice(1, -1)]);
}

/** The lowest y of the face. */
export function chin(of: Rig): number {
  return profile(of).at(-1)![1];
}

function ear(of: Rig, side: -1 | 1): Node {
  const far = side === of.turn;
  const x = side * 44 - of.turn * (far ? 6 : 9);
  const y = of.manner === "anime" ? 9 : 5;
  const d = ellipse(x, y, far ? 5 : 8, 12);
  const inside = ellipse(x + side * 0.5, y + 1, far ? 2.5 : 4, 7);
  return {
    d,
    fill: mix(of.skin, "#c25a48", 0.1),
    relief: "ball",
    line: 0.9,
    marks: [{ d: inside, paint: skinShade(of) as `#${string}`, soft: 2, opacity: 0.7 }],
  };
}

/** Neck and throat, from under the chin to between the shoulders. */
export function neck(of: Rig): Node {
  const half = of.person.kind === "man" ? (of.manner === "anime" ? 23 : 19) : of.child ? 13.5 : 14.5;
  const d = `M${-half} 30C${-half} 56 ${-half + 1} 62 ${-half - 13} 76L0 96L${half + 13} 76C${half - 1} 62 ${half} 56 ${half} 30Z`;
  const x = of.turn * 6;
  const under = `M${-half - 6} 30L${-half - 4} 55Q${x} ${chin(of) + 19} ${half + 4} 55L${half + 6} 30Z`;
  return { d, fill: of.skin, relief: "column", line: 0.9, marks: [{ d: under, paint: "shade", soft: 3, opacity: 1 }] };
}

/** What hair or a hat throws on the brow: little, where hair is swept back. */
function underHair(of: Rig): string {
  const { hair, hat } = of.person;
  const low = hat !== "none" || hair === "bob" || hair === "curly" || of.manner === "anime";
  const y = low ? -20 : hair === "spiky" ? -28 : -36;
  return `M-60 -70H60V${y}Q${of.turn * 8} ${y - 10} -60 ${y + (low ? 6 : 2)}Z`;
}

/** Ears and the bare face, without eyes, mouth or hair. */
export function head(of: Rig): Node[] {
  const warm = mix(of.skin, "#e0523f", 0.55) as `#${string}`;
  const cheekX = 25;
  const cheekY = of.manner === "anime" ? 27 : 21;
  const cheeks: Mark[] = ([-1, 1] as const).map((side) => {
    const x = side * cheekX + of.turn * 11;
    return {
      d: ellipse(x, cheekY, of.manner === "anime" ? 7 : 9, of.manner === "anime" ? 3.6 : 7),
      paint: warm,
      soft: 4,
      opacity: (of.child ? 0.42 : of.female ? 0.32 : 0.2) * (of.manner === "anime" ? 1.2 : 1),
    };
  });
  const fringeShade: Mark[] =
    of.person.hair === "bald" && of.person.hat === "none"
      ? [{ d: ellipse(-14, -44, 14, 8), paint: "light", soft: 4, opacity: 0.75 }]
      : of.person.hair === "mohawk"
        ? []
        : [{ d: underHair(of), paint: "shade", soft: 5, opacity: 0.8 }];
  const jaw = profile(of).map(([x, y]) => turned(of, [x, y]));
  // The side away from the light: a crescent along the cheek.
  const crescent = `${smooth(jaw.slice(2), true)}L${jaw.at(-1)![0] - 6} ${chin(of) + 8}L70 70L70 -40Z`;
  const inner = jaw.slice(2).map(([x, y]): Point => [x - 9 + (y > 30 ? 4 : 0), y - 2]);
  const side = `${smooth(inner, true)}L70 80L70 -40Z`;
  const ears = EARS_HIDDEN.includes(of.person.hair) ? [] : [ear(of, -1), ear(of, 1)];
  return [
    ...ears,
    {
      d: faceOutline(of),
      fill: of.skin,
      relief: "ball",
      line: 1,
      marks: [
        ...fringeShade,
        { d: of.manner === "anime" ? side : crescent, paint: "shade", soft: 5, opacity: 0.5 },
        ...cheeks,
      ],
    },
  ];
}
