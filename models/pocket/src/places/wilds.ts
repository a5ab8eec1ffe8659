import { darker, lighter, mix } from "../palette.js";
import { box, cloud, ellipse, polygon } from "../path.js";
import type { Random } from "../random.js";
import type { Node } from "../shape.js";
import { clouds, ground, type Setting, sides, sky } from "./setting.js";

function pine(x: number, base: number, height: number, colours: { leaf: string; snow?: string }): Node[] {
  const nodes: Node[] = [
    { d: box(x - height * 0.05, base - height * 0.16, height * 0.1, height * 0.18), fill: "#5d4230", line: 0.8 },
  ];
  for (let i = 0; i < 3; i++) {
    const y = base - height * (0.1 + i * 0.26);
    const w = height * (0.34 - i * 0.075);
    const tip = y - height * 0.42;
    const d = `M${x - w} ${y}Q${x - w * 0.3} ${y - height * 0.16} ${x} ${tip}Q${x + w * 0.3} ${y - height * 0.16} ${x + w} ${y}Q${x} ${y + height * 0.07} ${x - w} ${y}Z`;
    nodes.push({
      d,
      fill: i % 2 ? lighter(colours.leaf, 0.06) : colours.leaf,
      relief: "column",
      line: 0.9,
      ...(colours.snow
        ? {
            marks: [
              {
                d: `M${x - w} ${tip - 4}H${x + w}L${x + w * 0.5} ${y - height * 0.16}Q${x + w * 0.2} ${y - height * 0.22} ${x} ${y - height * 0.13}Q${x - w * 0.25} ${y - height * 0.23} ${x - w * 0.5} ${y - height * 0.14}Z`,
                paint: colours.snow as `#${string}`,
              },
            ],
          }
        : {}),
    });
  }
  return nodes;
}

export function forest(random: Random): Setting {
  const nodes: Node[] = [sky("#a9d79a", "#4f8f56")];
  for (const [depth, colour] of [
    [0, "#7db184"],
    [1, "#4d7f57"],
    [2, "#4a3527"],
  ] as const) {
    const count = depth === 2 ? 3 : 6;
    for (let i = 0; i < count; i++) {
      const x =
        depth === 2
          ? [random.between(2, 26), random.between(52, 70), random.between(226, 252)][i]!
          : ((i + random.between(0.1, 0.9)) * 256) / count;
      const w = [7, 11, 19][depth]!;
      nodes.push({
        d: `M${x - w / 2} -5Q${x - w * 0.35} 130 ${x - w * 0.8} 250H${x + w * 0.8}Q${x + w * 0.35} 130 ${x + w / 2} -5Z`,
        fill: colour,
        relief: depth === 2 ? "column" : "flat",
        line: depth === 0 ? 0.5 : 0.9,
      });
    }
    if (depth === 1) {
      for (const x of [random.between(30, 90), random.between(150, 210)])
        nodes.push({
          d: polygon([
            [x, -5],
            [x + 22, -5],
            [x - 18, 230],
            [x - 62, 230],
          ]),
          fill: "#fbffd0",
          opacity: 0.3,
          line: 0,
        });
      nodes.push(ground(random, 184, { fill: "#5b8f49", fade: "#2f5a33", swing: 6 }));
    }
  }
  for (const [x, y] of [
    [20, 10],
    [78, -4],
    [140, 2],
    [196, -6],
    [246, 12],
  ] as const)
    nodes.push({
      d: cloud([x + random.between(-12, 12), y], [44, 27], { count: 11, bump: 1.2 }),
      fill: random.pick(["#2f6b3a", "#3a7c42", "#27602f"]),
      relief: "down",
      line: 0.9,
    });
  for (const x of [random.between(4, 40), random.between(210, 246)])
    nodes.push({ d: cloud([x, 236], [34, 25], { count: 9, bump: 1.25 }), fill: "#3b7a41", relief: "ball", line: 0.9 });
  const [mushroomX] = sides(random);
  nodes.push(
    { d: box(mushroomX - 5, 214, 10, 20, 4), fill: "#f3e8d4", line: 0.8 },
    {
      d: `M${mushroomX - 17} 216Q${mushroomX} 186 ${mushroomX + 17} 216Q${mushroomX} 222 ${mushroomX - 17} 216Z`,
      fill: "#cf3b33",
      relief: "ball",
      line: 0.9,
      marks: [
        { d: ellipse(mushroomX - 5, 208, 3), paint: "#ffffff" },
        { d: ellipse(mushroomX + 6, 206, 2.6), paint: "#ffffff" },
      ],
    },
  );
  return { background: nodes, foreground: [], light: { glow: "#f5ffc4", shadow: "#16331f", from: -1, depth: 1 } };
}

export function snow(random: Random): Setting {
  const flakes = (count: number, size: number): Node[] =>
    Array.from({ length: count }, () => ({
      d: ellipse(random.between(0, 256), random.between(0, 256), random.between(size * 0.6, size)),
      fill: "#ffffff",
      line: 0,
      opacity: 0.95,
    }));
  const [near, far] = sides(random);
  const manX = far;
  const snowman: Node[] = random.chance(0.5)
    ? [
        { d: ellipse(manX, 206, 23, 21), fill: "#fbfdff", relief: "ball", line: 0.9 },
        { d: ellipse(manX, 174, 15.5), fill: "#fbfdff", relief: "ball", line: 0.9 },
        { d: ellipse(manX - 5, 171, 2.2), fill: "#22252e", line: 0 },
        { d: ellipse(manX + 5, 171, 2.2), fill: "#22252e", line: 0 },
        {
          d: polygon([
            [manX, 175],
            [manX + 13, 178],
            [manX, 180],
          ]),
          fill: "#ef8a2b",
          line: 0.6,
        },
      ]
    : pine(manX, 214, 96, { leaf: "#3c6b5c", snow: "#f6fbff" });
  return {
    background: [
      sky("#9fbfdf", "#eaf2fa"),
      ground(random, 122, { fill: "#c6d9ec", fade: "#dce8f4", swing: 14 }),
      ...pine(random.between(80, 100), 150, 60, { leaf: "#6d94a0" }),
      ...pine(random.between(160, 182), 148, 56, { leaf: "#6d94a0" }),
      ground(random, 158, { fill: "#e6f0fa", fade: "#ffffff", swing: 8 }),
      ...pine(near, 200, 132, { leaf: "#2f6152", snow: "#f6fbff" }),
      ...snowman,
      ...flakes(34, 3),
    ],
    foreground: flakes(12, 3.6),
    light: { glow: "#f4f9ff", shadow: "#2f3d74", from: -1, depth: 0.85 },
  };
}

export function mountains(random: Random): Setting {
  const evening = random.chance(0.5);
  const peak = (x: number, y: number, half: number, colours: { rock: string; cap: string }): Node => ({
    d: polygon([
      [x - half, 200],
      [x - half * 0.3, y + 34],
      [x, y],
      [x + half * 0.38, y + 44],
      [x + half, 200],
    ]),
    fill: colours.rock,
    line: 0.9,
    relief: "flat",
    marks: [
      {
        d: polygon([
          [x, y - 4],
          [x + half, 204],
          [x + half * 0.2, 204],
          [x - 4, y + 60],
          [x + 6, y + 34],
        ]),
        paint: "shade",
        opacity: 0.75,
      },
      {
        d: polygon([
          [x, y - 4],
          [x + half * 0.3, y + 36],
          [x + half * 0.14, y + 28],
          [x + 2, y + 42],
          [x - half * 0.12, y + 28],
          [x - half * 0.3, y + 38],
        ]),
        paint: colours.cap as `#${string}`,
      },
    ],
  });
  const [left, right] = [random.between(18, 52), random.between(204, 238)];
  const lake = random.chance(0.5);
  const rock = evening ? "#8a6b95" : "#7f93ad";
  return {
    background: [
      evening ? sky("#f08a6a", "#fde3ae") : sky("#5da9e6", "#e3f3fb"),
      ...clouds(random, 2, evening ? "#ffd2c2" : "#ffffff"),
      peak(128 + random.between(-24, 24), 52, 92, {
        rock: mix(rock, evening ? "#fbc9a6" : "#dcecf8", 0.45),
        cap: "#fff8f2",
      }),
      peak(left, random.between(44, 64), 88, { rock, cap: "#ffffff" }),
      peak(right, random.between(48, 72), 84, { rock: darker(rock, 0.08), cap: "#ffffff" }),
      ground(random, 172, { fill: lake ? "#4f9ecb" : "#6fa65a", fade: lake ? "#8fd0de" : "#4d8347", swing: 3 }),
      ...(lake
        ? []
        : [
            ...pine(random.between(6, 30), 206, 54, { leaf: "#2f6a47" }),
            ...pine(random.between(226, 250), 208, 58, { leaf: "#2f6a47" }),
          ]),
      ground(random, 222, { fill: "#6aa152", fade: "#47783d", swing: 4 }),
    ],
    foreground: [],
    light: { glow: evening ? "#ffd2a0" : "#fff3d6", shadow: "#36275c", from: -1, depth: 1 },
  };
}
