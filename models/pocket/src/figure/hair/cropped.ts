import { mix } from "../../palette.js";
import { locks, type Point } from "../../path.js";
import type { Rig } from "../rig.js";
import { cap, dome, type Hair, hairColour, piece, sheen, shift } from "./strands.js";

/** Short hair, ears free. */
export function short(of: Rig): Hair {
  const hairline: readonly Point[] =
    of.manner === "anime"
      ? [
          [42, 14],
          [39, -14],
          [27, -6],
          [22, -26],
          [7, -8],
          [3, -30],
          [-12, -9],
          [-16, -30],
          [-27, -6],
          [-34, -22],
          [-42, 14],
          [-46, 0],
        ]
      : [
          [42, 10],
          [40, -12],
          [34, -26],
          [10, -36],
          [-12, -45],
          [-26, -33],
          [-38, -20],
          [-41, -8],
          [-42, 10],
        ];
  const outer = dome(of, 1);
  return { behind: [], over: [], front: [piece(of, cap(of, outer, shift(of, hairline)), { marks: sheen(of) })] };
}

/** Spikes all around the head. */
export function spiky(of: Rig): Hair {
  const s = of.turn;
  const anime = of.manner === "anime";
  const long = anime ? 1.12 : 1;
  const tips: Point[] = [];
  const count = 9;
  for (let i = 0; i <= count; i++) {
    const angle = Math.PI * (1.04 + (0.92 * i) / count) - s * 0.05;
    const reach = (i % 2 === 0 ? 80 : 87) * long;
    tips.push([reach * 0.86 * Math.cos(angle + 0.05), -14 + reach * Math.sin(angle + 0.05) * 0.97]);
    if (i < count) {
      const next = angle + (Math.PI * 0.46) / count;
      tips.push([56 * Math.cos(next), -14 + 57 * Math.sin(next)]);
    }
  }
  const hairline = shift(
    of,
    anime
      ? [
          [40, 16],
          [37, -20],
          [24, -4],
          [18, -30],
          [4, -3],
          [-4, -32],
          [-20, -6],
          [-26, -28],
          [-34, -8],
          [-38, -16],
          [-41, 16],
          [-47, -2],
        ]
      : [
          [41, 8],
          [38, -20],
          [27, -22],
          [22, -34],
          [10, -22],
          [2, -36],
          [-10, -23],
          [-18, -36],
          [-27, -22],
          [-38, -20],
          [-42, 8],
          [-47, -4],
        ],
  );
  const d = `M-47 -4${locks([-47, -4], tips, 0.1)}${locks(tips.at(-1)!, [[48, -4]], 0.1)}${locks([48, -4], hairline, 0.12)}Z`;
  return { behind: [], over: [], front: [piece(of, d, { marks: sheen(of) })] };
}

/** A crest between shaved sides. */
export function mohawk(of: Rig): Hair {
  const s = of.turn;
  const anime = of.manner === "anime";
  const half = s === 0 ? 17 : 22;
  const x = s * 5;
  const top = anime ? -116 : -110;
  const d = `M${x - half + 4} -42${locks(
    [x - half + 4, -42],
    [
      [x - half - 14 - s * 10, -84],
      [x - 13, -78],
      [x - 12 - s * 12, top + 2],
      [x - 3, -88],
      [x + 4 - s * 10, top - 3],
      [x + 10, -80],
      [x + half + 13 - s * 8, -88],
      [x + half - 4, -44],
    ],
    0.08,
  )}Q${x} ${anime ? -26 : -33} ${x - half + 4} -42Z`;
  const shaved = mix(of.skin, hairColour(of), 0.42);
  const skull = cap(
    of,
    dome({ ...of, manner: "natural" }, -1.5),
    shift(
      of,
      [
        [41, 2],
        [39, -20],
        [26, -40],
        [0, -46],
        [-26, -40],
        [-39, -20],
        [-41, 2],
      ].map(([px, py]): Point => [px!, py!]),
    ),
    0.02,
  );
  return {
    behind: [],
    over: [],
    front: [
      { d: skull, fill: shaved, relief: "ball", line: 0.7 },
      piece(of, d, {
        marks: [
          { d: `M${x + 3} -40L${x + 6 - s * 8} -104L${x + 40} -100V-40Z`, paint: "shade", soft: 4, opacity: 0.7 },
          {
            d: `M${x - 8} -50Q${x - 12} -70 ${x - 10 - s * 8} -92`,
            paint: "light",
            width: 3.4,
            soft: 1.5,
            opacity: 0.8,
          },
        ],
      }),
    ],
  };
}
