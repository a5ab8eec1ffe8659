import { compose, MARGINS } from "../compose.js";
import { darker, lighter, multiply, saturate } from "../palette.js";
import { Random } from "../random.js";
import { blur, byte, channel, type Field, flatten, NOISE, noise, type Raster, rasterise, sample } from "../raster.js";
import type { Scene } from "../scene.js";
import type { Brush } from "../svg.js";

const PAPER = [252, 249, 242] as const;

/** Thin washes with a hair of paper left between them; only things that are lines are lines. */
const WASH: Brush = {
  colour: (fill) => lighter(saturate(fill, 1.25), 0.17),
  shade: (fill) => multiply(lighter(saturate(fill, 1.2), 0.1), "#a89cc4"),
  light: (fill) => lighter(fill, 0.66),
  shading: "hard",
  fades: true,
  contour: (fill) => ({ colour: lighter(fill, 0.62), width: 1.2 }),
  stroke: ({ colour, width }) => ({ colour: darker(colour, 0.06), width }),
};

/** Moves every pixel a little along slow noise, as paint creeps on wet paper. */
function creep(field: Field, size: number, options: { ox: number; oy: number; reach: number }): Field {
  const out = new Float32Array(field.length);
  const step = 256 / size;
  const reach = options.reach / step;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const u = x * step + options.ox;
      const v = y * step + options.oy;
      out[i] = sample(field, size, x + noise(NOISE.wave, u, v) * reach, y + noise(NOISE.wave, v + 120, u + 60) * reach);
    }
  return out;
}

/** How sharply colours meet at each pixel, 0 to 1: where pigment dries to a dark rim. */
function rims(channels: readonly Field[], size: number): Field {
  const out = new Float32Array(size * size);
  for (const field of channels) {
    for (let y = 0, i = 0; y < size; y++)
      for (let x = 0; x < size; x++, i++) {
        const dx = field[i + (x < size - 1 ? 1 : 0)]! - field[i - (x > 0 ? 1 : 0)]!;
        const dy = field[i + (y < size - 1 ? size : 0)]! - field[i - (y > 0 ? size : 0)]!;
        out[i] = out[i]! + Math.abs(dx) + Math.abs(dy);
      }
  }
  const wide = blur(out, size, 0.7 * (size / 128));
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, wide[i]! * 0.55);
  return out;
}

/** Washes on rough paper: bleeding edges, dark rims where the paint dried, and a ragged white border. */
export async function watercolour(scene: Scene, size: number): Promise<Raster> {
  const drawing = compose(scene, { manner: "natural", margin: MARGINS.watercolour });
  const { light } = drawing;
  const scale = size / 128;
  const near = [...drawing.figures, ...drawing.foreground];
  const drawn = await rasterise([[{ nodes: drawing.background, brush: WASH }], [{ nodes: near, brush: WASH }]], {
    light,
    size,
  });
  const people = drawn[1]!;
  const random = new Random(`${scene.layout}/watercolour`);
  const [ox, oy] = [random.integer(0, 255), random.integer(0, 255)];
  const far = flatten([drawn[0]!]);
  const cover = channel(people, 3, 4);
  const loose = [0, 1, 2].map((c) => {
    // What is far is painted wet in wet, people on dry paper.
    const wet = blur(creep(channel(far, c, 3), size, { ox, oy, reach: 6 }), size, 0.7 * scale);
    const dry = channel(people, c, 4);
    for (let i = 0; i < wet.length; i++) wet[i] = wet[i]! + (dry[i]! - wet[i]!) * cover[i]!;
    return creep(wet, size, { ox: oy, oy: ox, reach: 1.5 });
  });
  const rim = rims(loose, size);
  const out = new Uint8Array(size * size * 3);
  const step = 256 / size;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const u = x * step;
      const v = y * step;
      const grain = noise(NOISE.fine, u + ox, v + oy);
      const pool = noise(NOISE.wide, u + oy, v + ox) * 0.6 + noise(NOISE.wave, u + ox, v + oy) * 0.4;
      const edge = Math.min(u, v, 256 - u, 256 - v) + noise(NOISE.wave, u + ox, v) * 8;
      const page = Math.min(1, Math.max(0, (edge - 5) / 5));
      const border = page < 1 && page > 0 ? 0.12 : 0;
      const density = (cover[i]! > 0.5 ? 0.98 + 0.3 * pool : 0.8 + 0.34 * pool) + 0.1 * grain + 0.6 * rim[i]! + border;
      for (let c = 0; c < 3; c++) {
        const paper = (PAPER[c]! + grain * 4) / 255;
        // Absorbance scales with how much pigment there is (Beer and Lambert's law).
        const wash = Math.max(0.03, loose[c]![i]!) ** (density * page);
        out[i * 3 + c] = byte(255 * paper * wash);
      }
    }
  return { size, data: out };
}
