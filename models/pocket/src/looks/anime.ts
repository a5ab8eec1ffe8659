import { compose, MARGINS } from "../compose.js";
import { darker, lighter, luma, mix, multiply, saturate } from "../palette.js";
import { polygon } from "../path.js";
import { Random } from "../random.js";
import { flatten, type Layer, type Raster, rasterise } from "../raster.js";
import type { Scene } from "../scene.js";
import type { Node } from "../shape.js";
import type { Brush } from "../svg.js";

const INK = "#1a1020";
/** Height of each black bar, in drawing units. */
const BAR = MARGINS.anime;

const vivid = (colour: string): string => lighter(saturate(colour, 1.38), 0.04);

const FIGURE: Brush = {
  colour: vivid,
  shade: (fill) => multiply(vivid(fill), luma(fill) > 190 ? "#b3b6e0" : "#9d80b8"),
  light: (fill) => (luma(fill) < 70 ? mix(vivid(fill), "#8fb4ff", 0.6) : lighter(vivid(fill), 0.62)),
  shading: "hard",
  fades: false,
  contour: () => ({ colour: INK, width: 3.3 }),
  stroke: ({ colour, width }) => ({ colour: vivid(colour), width }),
};

/** Backgrounds: flat, brighter and thinner in line than people, so that people stand out. */
const FIELD: Brush = {
  ...FIGURE,
  colour: (fill) => lighter(saturate(fill, 1.55), 0.1),
  contour: (fill) => ({ colour: darker(saturate(fill, 1.4), 0.62), width: 2 }),
};

/** A heavy line around the whole figure: everything once in ink, wider than itself. */
const SILHOUETTE: Brush = {
  ...FIGURE,
  colour: () => INK,
  shade: () => INK,
  light: () => INK,
  contour: () => ({ colour: INK, width: 7 }),
  stroke: ({ width, thing }) => (thing ? { colour: INK, width: width + 4, opacity: 1 } : null),
};

function withoutMarks(nodes: readonly Node[]): Node[] {
  return nodes.map((node): Node => {
    if ("nodes" in node) return { ...node, nodes: withoutMarks(node.nodes) };
    if (!("fill" in node)) return node;
    const { marks: _, ...bare } = node;
    return bare;
  });
}

/** Wedges that run from the rim towards the head. */
function speedLines(random: Random): Node[] {
  const white = random.chance(0.6);
  const count = 34;
  return Array.from({ length: count }, (_, i): Node => {
    const angle = ((i + random.between(-0.35, 0.35)) / count) * Math.PI * 2;
    const inner = random.between(88, 120);
    const half = random.between(0.012, 0.034);
    const point = (a: number, r: number): readonly [number, number] => [128 + Math.cos(a) * r, 122 + Math.sin(a) * r];
    return {
      d: polygon([point(angle - half, 240), point(angle, inner), point(angle + half, 240)]),
      fill: white ? "#ffffff" : INK,
      line: 0,
    };
  });
}

/** Dots on a slanted grid that grow along a direction: printed grey. Drawn as pixels, since dots are smaller than most shapes. */
function screenTone(size: number, options: { angle: number; reach: number }): Layer {
  const data = new Uint8Array(size * size * 4);
  const [dx, dy] = [Math.cos(options.angle), Math.sin(options.angle)];
  const period = 9;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i += 4) {
      const u = ((x + 0.5) * 256) / size;
      const v = ((y + 0.5) * 256) / size;
      const strength = (((u - 128) * dx + (v - 128) * dy) / 150) * 0.5 + options.reach;
      if (strength <= 0) continue;
      const a = (u + v) / period / Math.SQRT2;
      const b = (u - v) / period / Math.SQRT2;
      const distance = Math.hypot(a - Math.round(a), b - Math.round(b)) * period;
      const radius = Math.min(3.9, 4.6 * Math.sqrt(strength));
      const cover = Math.min(1, Math.max(0, (radius - distance) * 0.5 * (size / 128) + 0.5));
      data[i] = 26;
      data[i + 1] = 16;
      data[i + 2] = 52;
      data[i + 3] = Math.round(cover * 84);
    }
  return { size, data };
}

const bars: Node[] = [
  { d: `M-2 -2H258V${BAR}H-2Z`, fill: "#000000", line: 0 },
  { d: `M-2 ${256 - BAR}H258V258H-2Z`, fill: "#000000", line: 0 },
];

/** Ink outlines, two flat tones, large eyes, screen tones, sometimes speed lines, and a letterbox. */
export async function anime(scene: Scene, size: number): Promise<Raster> {
  const drawing = compose(scene, { manner: "anime", margin: BAR });
  const random = new Random(`${scene.layout}/anime`);
  const { light } = drawing;
  const upset = scene.actors.some(({ expression }) => expression === "surprised" || expression === "angry");
  const lines = random.chance(upset ? 0.5 : 0.16) ? speedLines(random) : [];
  const tone = screenTone(size, { angle: random.between(0, Math.PI * 2), reach: random.between(0.02, 0.16) });
  const black: Brush = { ...FIGURE, colour: (fill) => fill };
  const pages = [
    [{ nodes: drawing.background, brush: FIELD }],
    [
      { nodes: lines, brush: black },
      { nodes: withoutMarks(drawing.figures), brush: SILHOUETTE },
      { nodes: drawing.figures, brush: FIGURE },
      { nodes: drawing.foreground, brush: FIELD },
      { nodes: bars, brush: black },
    ],
  ];
  const [back, over] = await rasterise(pages, { light, size });
  return flatten([back!, tone, over!]);
}
