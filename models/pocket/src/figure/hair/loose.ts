import { darker } from "../../palette.js";
import { cloud, locks, type Point, smooth } from "../../path.js";
import type { Mark } from "../../shape.js";
import type { Rig } from "../rig.js";
import { cap, dome, type Hair, hairColour, lengthwise, piece, sheen, shift } from "./strands.js";

/** Hair down to the chest. */
export function long(of: Rig): Hair {
  const anime = of.manner === "anime";
  const back = anime
    ? `${smooth(
        [
          [-40, -54],
          [-56, -10],
          [-60, 40],
          [-66, 96],
        ],
        true,
      )}${locks(
        [-66, 96],
        [
          [-58, 118],
          [-50, 100],
          [-38, 122],
          [-24, 102],
          [0, 112],
          [24, 102],
          [38, 122],
          [50, 100],
          [60, 118],
          [66, 96],
        ],
      )}${smooth(
        [
          [66, 96],
          [60, 40],
          [56, -10],
          [40, -54],
        ],
        true,
      ).replace("M", "L")}Z`
    : smooth([
        [0, -66],
        [-40, -54],
        [-56, -10],
        [-59, 40],
        [-66, 92],
        [-48, 112],
        [0, 100],
        [48, 112],
        [66, 92],
        [59, 40],
        [56, -10],
        [40, -54],
      ]);
  const outer: Point[] = [[-52, 52], ...dome(of, 2), [52, 52]];
  const hairline: readonly Point[] = anime
    ? [
        [44, 84],
        [43, 20],
        [37, -14],
        [30, 2],
        [14, -34],
        [5, -46],
        [-4, -50],
        [-22, -8],
        [-30, -26],
        [-36, 6],
        [-42, 18],
        [-46, 84],
        [-51, 60],
      ]
    : [
        [46, 66],
        [42, 30],
        [41, 4],
        [35, -14],
        [20, -27],
        [0, -37],
        [-15, -46],
        [-24, -33],
        [-36, -16],
        [-42, 6],
        [-42, 30],
        [-46, 66],
      ];
  const flow: Mark[] = anime
    ? []
    : [
        `M-13 -66Q10 -58 28 -36Q44 -16 47 50`,
        `M-13 -66Q20 -62 38 -40Q50 -14 50 50`,
        `M-13 -66Q-32 -54 -41 -30Q-48 -6 -48 50`,
        `M-13 -60Q6 -48 20 -34`,
        `M-13 -68Q-2 -72 10 -71`,
      ].map((d, i) => ({ d, paint: i % 2 === 0 ? "shade" : "light", width: 2.4, opacity: 0.5 }));
  return {
    behind: [
      piece(of, back, {
        fill: darker(hairColour(of), 0.16),
        marks: lengthwise(of, [-56, -50, 50, 56], -10, 108),
      }),
    ],
    over: [],
    front: [
      piece(of, cap(of, outer, shift(of, hairline), 0.1), {
        marks: anime ? sheen(of) : [...sheen(of).slice(0, 2), ...flow],
      }),
    ],
  };
}

/** A bob with a straight fringe. */
export function bob(of: Rig): Hair {
  const anime = of.manner === "anime";
  const back = smooth([
    [0, -60],
    [-44, -44],
    [-56, 0],
    [-54, 36],
    [-36, 46],
    [36, 46],
    [54, 36],
    [56, 0],
    [44, -44],
  ]);
  const outer: Point[] = [[-53, 38], [-55, 6], ...dome(of, 4).slice(1, -1), [55, 6], [53, 38]];
  const hairline: readonly Point[] = anime
    ? [
        [38, 48],
        [39, -10],
        [27, -8],
        [24, -15],
        [10, -6],
        [6, -14],
        [-8, -6],
        [-12, -14],
        [-25, -7],
        [-28, -14],
        [-37, -6],
        [-39, -2],
        [-37, 48],
        [-52, 40],
      ]
    : [
        [39, 43],
        [37, 20],
        [40, -10],
        [36, -19],
        [0, -15],
        [-36, -19],
        [-40, -10],
        [-37, 20],
        [-39, 43],
      ];
  return {
    behind: [piece(of, back, { fill: darker(hairColour(of), 0.3) })],
    over: [],
    front: [piece(of, cap(of, outer, shift(of, hairline), 0.06), { marks: sheen(of) })],
  };
}

/** A cloud of curls. */
export function curly(of: Rig): Hair {
  const anime = of.manner === "anime";
  const s = of.turn;
  const back = cloud([-s * 4, -20], [59, 58], { count: anime ? 13 : 15, bump: anime ? 1.22 : 1.17 });
  const front = cloud([-s * 2, -48], [46, 22], { count: anime ? 11 : 13, bump: anime ? 1.34 : 1.27 });
  const sides = ([-1, 1] as const).map((side) =>
    piece(of, cloud([side * 47 - s * 3, -10], [9, 24], { count: 7, bump: 1.3 }), {
      line: 0,
      relief: "flat",
      fill: darker(hairColour(of), 0.08),
    }),
  );
  const curls: Mark[] = [
    [-30, -52],
    [-10, -58],
    [12, -55],
    [31, -50],
    [-20, -42],
    [2, -44],
    [22, -41],
  ].map(([x, y], i) => ({
    d: `M${x! - 6 + s * 4} ${y}a6 6 0 1 1 9 4`,
    paint: i % 2 === 0 ? "light" : "shade",
    width: anime ? 2 : 2.6,
    opacity: anime ? 0.9 : 0.5,
  }));
  const backCurls: Mark[] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => {
    const angle = Math.PI * (0.92 + i * 0.145);
    return {
      d: `M${57 * Math.cos(angle) - 6} ${-20 + 56 * Math.sin(angle)}a6.5 6.5 0 1 1 9 5`,
      paint: "light",
      width: 2.4,
      opacity: anime ? 0.6 : 0.35,
    };
  });
  return {
    behind: [],
    over: [piece(of, back, { fill: darker(hairColour(of), 0.14), marks: backCurls })],
    front: [...sides, piece(of, front, { marks: curls, relief: "down" })],
  };
}
