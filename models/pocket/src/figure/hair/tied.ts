import { ellipse, type Point, polygon, ribbon, smooth } from "../../path.js";
import type { Mark, Node, Shape } from "../../shape.js";
import type { Rig } from "../rig.js";
import { cap, dome, type Hair, piece, sheen, shift } from "./strands.js";

function swept(of: Rig): Shape {
  const anime = of.manner === "anime";
  const hairline: readonly Point[] = anime
    ? [
        [43, 20],
        [37, -20],
        [18, -40],
        [4, -30],
        [0, -44],
        [-16, -12],
        [-26, -36],
        [-33, -2],
        [-38, -18],
        [-43, 20],
        [-46, 0],
      ]
    : [
        [42, 6],
        [39, -18],
        [24, -40],
        [0, -46],
        [-24, -40],
        [-39, -18],
        [-42, 6],
      ];
  return piece(of, cap(of, dome(of), shift(of, hairline)), { marks: sheen(of) });
}

/** A bun on top. */
export function bun(of: Rig): Hair {
  const x = -of.turn * 8;
  const ball = smooth([
    [x - 23, -84],
    [x - 15, -101],
    [x + 4, -106],
    [x + 20, -98],
    [x + 24, -82],
    [x + 14, -66],
    [x - 12, -66],
  ]);
  const wound: Mark[] = [
    { d: `M${x - 16} -78Q${x} -104 ${x + 17} -84`, paint: "light", width: 2.4, opacity: 0.6 },
    { d: `M${x - 10} -72Q${x + 2} -90 ${x + 13} -74`, paint: "shade", width: 2.4, opacity: 0.7 },
  ];
  return { behind: [], over: [piece(of, ball, { marks: wound })], front: [swept(of)] };
}

/** A ponytail to one side. */
export function ponytail(of: Rig): Hair {
  const side = of.turn === 0 ? 1 : -of.turn;
  const anime = of.manner === "anime";
  const top = of.person.hat === "none" ? -46 : -18;
  const tail = anime
    ? `M${side * 34} ${top - 12}C${side * 70} ${top - 26} ${side * 92} ${top + 20} ${side * 84} 44L${side * 88} 74L${side * 76} 52L${side * 74} 82L${side * 62} 46C${side * 66} 10 ${side * 58} ${top + 22} ${side * 34} ${top + 12}Z`
    : ribbon(
        [
          [side * 36, top],
          [side * 58, top - 4],
          [side * 73, top + 22],
          [side * 74, 36],
          [side * 66, 72],
        ],
        [20, 27, 30, 25, 8],
      );
  const band = `M${side * 38} ${top - 13}Q${side * 50} ${top - 8} ${side * 46} ${top + 13}L${side * 38} ${top + 13}Q${side * 42} ${top} ${side * 34} ${top - 10}Z`;
  const strands: Mark[] = [
    {
      d: `M${side * 44} ${top - 2}C${side * 74} ${top - 8} ${side * 78} 20 ${side * 71} 60`,
      paint: "light",
      width: 4,
      soft: 2,
      opacity: 0.6,
    },
    {
      d: `M${side * 44} ${top + 6}C${side * 64} ${top + 4} ${side * 70} 20 ${side * 66} 56`,
      paint: "shade",
      width: 2.6,
      opacity: 0.7,
    },
  ];
  return {
    behind: [],
    over: [piece(of, tail, { marks: strands }), { d: band, fill: "#d8414e", line: 0.8 }],
    front: [swept(of)],
  };
}

/** Two braids over the shoulders. */
export function braids(of: Rig): Hair {
  const plaits: Node[] = [];
  for (const side of [-1, 1] as const) {
    const x0 = side * 49 - of.turn * 4;
    for (let i = 5; i >= 0; i--) {
      const x = x0 + side * (3 + i * 1.4);
      const y = 24 + i * 14.5;
      const w = 12.5 - i * 0.75;
      const d = `M${x} ${y - 11}C${x + w} ${y - 11} ${x + w * 1.15} ${y + 2} ${x} ${y + 10}C${x - w * 1.15} ${y + 2} ${x - w} ${y - 11} ${x} ${y - 11}Z`;
      plaits.push(
        piece(of, d, {
          line: 0.9,
          marks: [
            {
              d: `M${x - w * 0.5} ${y - 6}Q${x} ${y + 2} ${x + w * 0.3} ${y + 6}`,
              paint: "shade",
              width: 2.2,
              opacity: 0.7,
            },
            { d: ellipse(x - 3, y - 5, 3, 2.6), paint: "light", soft: 1.5, opacity: 0.6 },
          ],
        }),
      );
    }
    const tieX = x0 + side * 11.5;
    plaits.push(
      piece(
        of,
        polygon([
          [tieX - 4, 104],
          [tieX - 8, 122],
          [tieX, 118],
          [tieX + 8, 122],
          [tieX + 4, 104],
        ]),
        { line: 0.8 },
      ),
    );
    plaits.push({ d: ellipse(tieX, 104, 6, 4), fill: "#e4515e", line: 0.8 });
  }
  const anime = of.manner === "anime";
  const hairline: readonly Point[] = anime
    ? [
        [46, 26],
        [40, -12],
        [31, 0],
        [20, -28],
        [10, -24],
        [0, -52],
        [-12, -22],
        [-20, -28],
        [-32, 0],
        [-40, -12],
        [-46, 26],
        [-50, 8],
      ]
    : [
        [46, 20],
        [41, -8],
        [26, -32],
        [0, -54],
        [-26, -32],
        [-41, -8],
        [-46, 20],
      ];
  const outer: Point[] = [[-53, 18], ...dome(of, 1.5).slice(1, -1), [53, 18]];
  const parting: Mark = { d: `M${of.turn * 7} -50L${-of.turn * 2} -78`, paint: "shade", width: 2.4, opacity: 0.9 };
  const crown = piece(of, cap(of, outer, shift(of, hairline), 0.1), { marks: [...sheen(of), parting] });
  return { behind: [], over: plaits, front: [crown] };
}
