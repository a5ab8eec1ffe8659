import { darker } from "../palette.js";
import { box, cloud, ellipse, type Point, polygon } from "../path.js";
import type { Random } from "../random.js";
import type { Node } from "../shape.js";
import { clouds, DAY, ground, type Setting, sides, sky } from "./setting.js";

function palm(x: number, lean: number): Node[] {
  const top: Point = [x + lean * 34, 58];
  const trunk = `M${x - 7} 190Q${x + lean * 4} 120 ${top[0] - 4} ${top[1]}L${top[0] + 5} ${top[1]}Q${x + lean * 14} 120 ${x + 9} 190Z`;
  const rings = [80, 100, 120, 140, 160].map((y) => ({
    d: `M${x - 40} ${y}q50 8 90 0`,
    paint: "shade" as const,
    width: 2.4,
    opacity: 0.6,
  }));
  const leaves: Node[] = [-2.9, -2.35, -1.2, -0.5, 0.15, 2.9].map((angle, i) => {
    const [dx, dy] = [Math.cos(angle) * 58, Math.sin(angle) * 30 + 10];
    const [mx, my] = [top[0] + dx * 0.55, top[1] + dy * 0.35 - 20];
    return {
      d: `M${top[0]} ${top[1]}Q${mx} ${my - 8} ${top[0] + dx} ${top[1] + dy + 6}Q${mx} ${my + 14} ${top[0]} ${top[1]}Z`,
      fill: i % 2 ? "#3e9447" : "#2f7c3d",
      relief: "down",
      line: 0.9,
    };
  });
  return [{ d: trunk, fill: "#9a6b3e", relief: "column", line: 0.9, marks: rings }, ...leaves];
}

export function beach(random: Random): Setting {
  const [treeX, sunX] = sides(random);
  const boat = random.chance(0.5);
  const at = sunX + random.between(-10, 10);
  const foam: Node[] = [126, 139, 152].map((y, i) => ({
    d: `M${-20 + random.between(0, 20)} ${y}q20 -5 40 0t40 0t40 0t40 0t40 0t40 0t40 0`,
    colour: "#e9fbff",
    width: 1.8 + i * 0.9,
    opacity: 0.75,
  }));
  return {
    background: [
      sky("#4fb3e8", "#d5f1f7"),
      { d: ellipse(sunX, 38, 19), fill: "#fff3b8", relief: "flat", line: 0.8 },
      ...clouds(random, 2),
      { d: box(-5, 112, 266, 70), fill: "#1f87c2", fade: "#5ed0d6", line: 0.8 },
      ...(boat
        ? [
            {
              d: polygon([
                [at - 15, 110],
                [at + 15, 110],
                [at + 9, 118],
                [at - 9, 118],
              ]),
              fill: "#b3442f",
              line: 0.8,
            },
            {
              d: polygon([
                [at + 1, 74],
                [at + 1, 107],
                [at + 17, 107],
              ]),
              fill: "#ffffff",
              line: 0.8,
            },
          ]
        : []),
      ...foam,
      ground(random, 166, { fill: "#f4dca4", fade: "#dcb570", swing: 4 }),
      ...palm(treeX, treeX < 128 ? 0.5 : -0.5),
      {
        d: polygon(
          Array.from({ length: 10 }, (_, i): Point => {
            const angle = (i * Math.PI) / 5;
            const r = i % 2 ? 5 : 12;
            return [sunX + r * Math.sin(angle), 226 - r * Math.cos(angle)];
          }),
        ),
        fill: "#ee7c52",
        line: 0.8,
      },
    ],
    foreground: [],
    light: { ...DAY, from: sunX < 128 ? -1 : 1, glow: "#fff0c2" },
  };
}

export function city(random: Random): Setting {
  const nodes: Node[] = [sky("#0e1436", "#4a2f72")];
  for (let i = 0; i < 22; i++)
    nodes.push({
      d: ellipse(random.between(0, 256), random.between(0, 90), random.between(0.8, 1.7)),
      fill: "#fff6dc",
      line: 0,
    });
  const [moonX] = sides(random);
  nodes.push({
    d: ellipse(moonX, 34, 17),
    fill: "#fdf3cf",
    line: 0.8,
    marks: [
      { d: ellipse(moonX + 5, 30, 4), paint: "#e3d6a8" },
      { d: ellipse(moonX - 6, 40, 3), paint: "#e3d6a8" },
    ],
  });
  for (const row of [0, 1]) {
    let x = -10 - random.between(0, 14);
    while (x < 256) {
      const width = random.between(30, 46);
      const top = row === 0 ? random.between(52, 104) : random.between(104, 158);
      const wall = row === 0 ? "#232b5e" : random.pick(["#171b42", "#1d1840", "#14233f"]);
      nodes.push({ d: box(x, top, width - 2, 270 - top), fill: wall, fade: darker(wall, 0.4), line: 0.8 });
      for (let wy = top + 9; wy < 250; wy += 15)
        for (let wx = x + 6; wx < x + width - 10; wx += 11)
          if (random.chance(0.6))
            nodes.push({
              d: box(wx, wy, 5.6, 7.6),
              fill: random.pick(["#ffd96b", "#ffb74d", "#ffe9a8", "#8fd6ff"]),
              line: 0,
            });
      x += width;
    }
  }
  const [signX] = sides(random);
  nodes.push({
    d: box(signX - 11, 96, 22, 54, 4),
    fill: random.pick(["#ff3d8b", "#19d3da", "#b04dff"]),
    line: 0.9,
    marks: [{ d: `M${signX - 5} 106h10m-10 12h10m-10 12h10m-10 10h10`, paint: "#ffffff", width: 3 }],
  });
  return {
    background: nodes,
    foreground: [],
    light: { glow: "#ff9bd0", shadow: "#0c0d38", from: signX < 128 ? -1 : 1, depth: 1.25 },
  };
}

function tree(x: number, base: number, size: number, leaf: string): Node[] {
  return [
    {
      d: `M${x - 6} ${base}Q${x - 3} ${base - 30} ${x - 4} ${base - 60}H${x + 5}Q${x + 4} ${base - 30} ${x + 8} ${base}Z`,
      fill: "#7a5233",
      relief: "column",
      line: 0.9,
    },
    {
      d: cloud([x, base - 56 - size * 0.6], [size, size * 0.9], { count: 9, bump: 1.24 }),
      fill: leaf,
      relief: "ball",
      line: 0.9,
    },
  ];
}

export function park(random: Random): Setting {
  const [treeX, lampX] = sides(random);
  const flowers: Node[] = Array.from({ length: 16 }, () => {
    const x = random.chance(0.5) ? random.between(0, 70) : random.between(186, 256);
    return {
      d: ellipse(x, random.between(192, 250), 3),
      fill: random.pick(["#ff6f91", "#ffd23f", "#ffffff", "#b57bff"]),
      line: 0.5,
    };
  });
  return {
    background: [
      sky("#6cbcf0", "#d9f2fb"),
      ...clouds(random, 3),
      ground(random, 138, { fill: "#8fcf7a", swing: 6 }),
      ...tree(random.between(78, 96), 150, 22, "#67b25f"),
      ...tree(random.between(164, 184), 148, 20, "#5aa75b"),
      ground(random, 162, { fill: "#7cc461", fade: "#4f9c48", swing: 3 }),
      ...tree(treeX, 206, 44, random.pick(["#3f9a48", "#4aa53f", "#e88aa8"])),
      { d: `M${lampX - 3} 210V88H${lampX + 3}V210Z`, fill: "#3a3f4c", line: 0.8 },
      {
        d: polygon([
          [lampX - 10, 88],
          [lampX + 10, 88],
          [lampX + 13, 64],
          [lampX - 13, 64],
        ]),
        fill: "#fff2bf",
        line: 1,
      },
      {
        d: polygon([
          [lampX - 15, 64],
          [lampX + 15, 64],
          [lampX, 52],
        ]),
        fill: "#3a3f4c",
        line: 0.9,
      },
      ...flowers,
    ],
    foreground: [],
    light: DAY,
  };
}

export function desert(random: Random): Setting {
  const [cactusX, sunX] = sides(random);
  const green = "#4f8f4a";
  const x = cactusX;
  const limb = (side: number, y: number): Node => ({
    d: `M${x} ${y}H${x + side * 18}Q${x + side * 23} ${y} ${x + side * 23} ${y - 6}V${y - 26}`,
    colour: green,
    width: 10,
    thing: true,
  });
  return {
    background: [
      sky("#f6a24a", "#fde7b0"),
      { d: ellipse(sunX, 66, 27), fill: "#fff1b0", line: 0.9 },
      ground(random, 138, { fill: "#e7a658", fade: "#d88f45", swing: 14 }),
      {
        d: polygon([
          [x < 128 ? 236 : -6, 150],
          [x < 128 ? 214 : 10, 112],
          [x < 128 ? 246 : 40, 106],
          [x < 128 ? 270 : 54, 150],
        ]),
        fill: "#b4573a",
        relief: "down",
        line: 0.9,
      },
      ground(random, 168, { fill: "#f0bd6c", fade: "#e3a452", swing: 9 }),
      limb(-1, 160),
      limb(1, 142),
      {
        d: box(x - 9, 92, 18, 118, 9),
        fill: green,
        relief: "column",
        line: 1,
        marks: [{ d: `M${x - 3} 96V210M${x + 4} 96V210`, paint: "shade", width: 1.6, opacity: 0.7 }],
      },
      { d: ellipse(x, 91, 5), fill: "#ef6f9c", line: 0.8 },
      ground(random, 208, { fill: "#f6cf84", fade: "#e8b062", swing: 6 }),
    ],
    foreground: [],
    light: { glow: "#ffe2a0", shadow: "#5a2540", from: sunX < 128 ? -1 : 1, depth: 1 },
  };
}
