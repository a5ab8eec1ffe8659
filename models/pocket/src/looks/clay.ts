import { compose, MARGINS } from "../compose.js";
import { lighter, multiply, saturate } from "../palette.js";
import { Random } from "../random.js";
import {
  blur,
  byte,
  channel,
  type Field,
  flatten,
  type Layer,
  NOISE,
  noise,
  type Raster,
  rasterise,
} from "../raster.js";
import type { Scene } from "../scene.js";
import type { Brush } from "../svg.js";

/** Lumps of one colour each; the seams between them are where the surface is low. */
const LUMP: Brush = {
  colour: (fill) => lighter(saturate(fill, 0.96), 0.05),
  shade: (fill) => multiply(fill, "#d6cbd6"),
  light: (fill) => lighter(fill, 0.3),
  shading: "hard",
  fades: false,
  contour: () => null,
  stroke: ({ colour, width }) => ({ colour, width: width * 1.15 }),
};

/** The seams alone: black lines on white. */
const SEAM: Brush = {
  colour: () => "#ffffff",
  shade: () => "#ffffff",
  light: () => "#ffffff",
  shading: "hard",
  fades: false,
  contour: () => ({ colour: "#000000", width: 2.6 }),
  stroke: ({ width, thing }) => ({ colour: thing ? "#555555" : "#aaaaaa", width: Math.max(1.4, width * 0.8) }),
};

/** The height of the clay: low in seams, rounded up away from them. */
function surface(seams: Field, size: number): Field {
  const scale = size / 128;
  const [sharp, round, wide] = [
    blur(seams, size, 0.9 * scale),
    blur(seams, size, 2.6 * scale),
    blur(seams, size, 6 * scale),
  ];
  const out = new Float32Array(seams.length);
  for (let i = 0; i < out.length; i++) out[i] = sharp[i]! * 1.1 + round[i]! * 2.6 + wide[i]! * 4.4;
  return out;
}

function lit(
  height: Field,
  size: number,
  at: { x: number; y: number; from: -1 | 1 },
): { diffuse: number; gloss: number } {
  const { x, y, from } = at;
  const i = y * size + x;
  const dx = (height[i + (x < size - 1 ? 1 : 0)]! - height[i - (x > 0 ? 1 : 0)]!) * (size / 128);
  const dy = (height[i + (y < size - 1 ? size : 0)]! - height[i - (y > 0 ? size : 0)]!) * (size / 128);
  const length = Math.hypot(dx, dy, 1);
  const diffuse = (-dx * from * 0.46 + dy * 0.58 + 0.68) / length;
  const half = (-dx * from * 0.26 - dy * 0.33 + 0.91) / length;
  return { diffuse: Math.max(0, diffuse), gloss: Math.max(0, half) ** 40 };
}

function shadowOf(figures: Layer, from: -1 | 1): Field {
  const { size } = figures;
  const alpha = blur(channel(figures, 3, 4), size, size / 40);
  const [dx, dy] = [Math.round((from * size) / 40), Math.round(-size / 40)];
  return Float32Array.from(alpha, (_, i) => {
    const x = Math.min(size - 1, Math.max(0, (i % size) + dx));
    const y = Math.min(size - 1, Math.max(0, Math.floor(i / size) + dy));
    return alpha[y * size + x]!;
  });
}

/** Modelling clay: lumps with round edges under a lamp, finger marks, matt colours. */
export async function clay(scene: Scene, size: number): Promise<Raster> {
  const drawing = compose(scene, { manner: "natural", margin: MARGINS.clay });
  const { light } = drawing;
  const near = [...drawing.figures, ...drawing.foreground];
  const drawn = await rasterise(
    [
      [{ nodes: drawing.background, brush: LUMP }],
      [{ nodes: near, brush: LUMP }],
      [{ nodes: [...drawing.background, ...near], brush: SEAM }],
    ],
    { light, size },
  );
  const back = drawn[0]!;
  const people = drawn[1]!;
  const seam = drawn[2]!;
  const random = new Random(`${scene.layout}/clay`);
  const [ox, oy] = [random.integer(0, 255), random.integer(0, 255)];
  const step = 256 / size;
  const height = surface(channel(flatten([seam]), 0, 3), size);
  for (let i = 0; i < height.length; i++) {
    const u = (i % size) * step;
    const v = Math.floor(i / size) * step;
    height[i] = height[i]! + 0.2 * noise(NOISE.wave, u + ox, v + oy) + 0.035 * noise(NOISE.fine, u + oy, v + ox);
  }
  const flat = flatten([back, people]);
  const shadow = shadowOf(people, light.from);
  const out = new Uint8Array(size * size * 3);
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const { diffuse, gloss } = lit(height, size, { x, y, from: light.from });
      const cover = people.data[i * 4 + 3]! / 255;
      const dim = 1 - 0.4 * shadow[i]! * (1 - cover);
      const strength = (0.42 + 0.84 * diffuse) * dim;
      for (let c = 0; c < 3; c++) {
        // Shadows in clay are warm: red light goes farther in.
        const warm = 1 + (1 - Math.min(1, strength)) * [0.1, -0.02, 0.02][c]!;
        out[i * 3 + c] = byte(flat.data[i * 3 + c]! * strength * warm + gloss * 26 * dim);
      }
    }
  return { size, data: out };
}
