import { CLOTH, darker } from "../palette.js";
import { ellipse, type Point, ribbon, smooth } from "../path.js";
import type { Mark, Node } from "../shape.js";
import { sleeves } from "./clothes.js";
import { type Rig, skinShade } from "./rig.js";

/** The stripes of a striped sleeve. */
function stripes(of: Rig): Mark[] {
  if (of.person.clothes !== "striped shirt") return [];
  const paint = CLOTH[of.person.clothesColour] as `#${string}`;
  return [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => ({ d: `M-140 ${48 + i * 17}H140`, paint, width: 8.5 }));
}

function limb(of: Rig, joints: readonly [Point, Point, Point], widths: readonly [number, number, number]): Node[] {
  const [shoulder, elbow, wrist] = joints;
  const { upper, lower } = sleeves(of);
  const bare = { fill: of.skin, relief: "column", line: 1 } as const;
  const middle: Point = [(elbow[0] + wrist[0]) / 2, (elbow[1] + wrist[1]) / 2];
  const forearm: Node = {
    d: ribbon([elbow, middle, wrist], [widths[1], (widths[1] + widths[2]) / 2, widths[2]]),
    ...(lower === null ? bare : { fill: lower, relief: "column" as const, line: 1 }),
    marks: [
      ...stripes(of),
      ...(lower === null
        ? []
        : [{ d: `M${wrist[0] - 30} ${wrist[1] + 4}h60`, paint: "shade" as const, width: 4, opacity: 0.6 }]),
    ],
  };
  const half: Point = [(shoulder[0] + elbow[0]) / 2, (shoulder[1] + elbow[1]) / 2];
  const upperArm: Node = {
    d: ribbon([shoulder, half, elbow], [widths[0], (widths[0] + widths[1]) / 2, widths[1]]),
    ...(upper === null ? bare : { fill: upper, relief: "column" as const, line: 1 }),
    marks: stripes(of),
  };
  return lower === null && upper !== null ? [forearm, upperArm] : [upperArm, forearm];
}

function openHand(of: Rig, [x, y]: Point, side: -1 | 1): Node[] {
  const finger = (angle: number, reach: number, width: number): Node => {
    const [dx, dy] = [Math.sin(angle), -Math.cos(angle)];
    return {
      d: ribbon(
        [
          [x + dx * 8, y - 8 + dy * 6],
          [x + dx * (reach * 0.6 + 6), y - 8 + dy * (reach * 0.6 + 6)],
          [x + dx * reach, y - 8 + dy * reach],
        ],
        [width, width, width * 0.8],
      ),
      fill: of.skin,
      relief: "column",
      line: 0.9,
    };
  };
  const lean = side * 0.12;
  return [
    finger(-0.5 + lean, 25, 7),
    finger(-0.16 + lean, 29, 7.4),
    finger(0.16 + lean, 29, 7.4),
    finger(0.5 + lean, 25, 7),
    finger(-side * 1.25 + lean, 20, 7.6),
    { d: ellipse(x, y - 9, 13, 13.5), fill: of.skin, relief: "ball", line: 0.9 },
    { d: ellipse(x, y - 9, 10.5, 11), fill: of.skin, line: 0, opacity: 0.8 },
  ];
}

/** A raised arm with an open hand beside the head. */
export function wavingArm(of: Rig, side: -1 | 1): Node[] {
  const w = of.shoulder;
  const wrist: Point = [side * (w + 25), 46];
  const elbow: Point = [side * (w + 19), 134];
  return [
    ...openHand(of, [wrist[0], wrist[1] - 8], side),
    ...limb(of, [[side * (w - 14), 104], elbow, wrist], [33, 30, 21]),
  ];
}

/** Where the hand is that holds something up. */
export function holdingHand(of: Rig, side: -1 | 1): Point {
  return [side * (of.shoulder - 2 + (of.child ? 6 : 0)), 104];
}

/** The arm that holds something; its hand is `fist`. */
export function holdingArm(of: Rig, side: -1 | 1): Node[] {
  const [x, y] = holdingHand(of, side);
  return limb(
    of,
    [
      [side * (of.shoulder - 13), 112],
      [side * (of.shoulder + 10), 176],
      [x + side * 2, y + 20],
    ],
    [32, 31, 22],
  );
}

/** A closed hand over what it holds. */
export function fist(of: Rig, side: -1 | 1): Node[] {
  const [x, y] = holdingHand(of, side);
  const d = smooth([
    [x - 13, y - 3],
    [x - 6, y - 11],
    [x + 7, y - 11],
    [x + 14, y - 2],
    [x + 12, y + 12],
    [x, y + 17],
    [x - 12, y + 12],
  ]);
  const knuckles = [-5, 1, 7].map((at) => `M${x - 12} ${y + at}h${10}`).join("");
  return [
    {
      d,
      fill: of.skin,
      relief: "ball",
      line: 1,
      marks: [
        {
          d: side === 1 ? knuckles : knuckles.replaceAll(`M${x - 12}`, `M${x + 2}`),
          paint: darker(skinShade(of), 0.1) as `#${string}`,
          width: 1.8,
        },
      ],
    },
  ];
}
