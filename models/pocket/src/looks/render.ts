import { compose, MARGINS } from "../compose.js";
import { lighter, mix, multiply } from "../palette.js";
import { Random } from "../random.js";
import { blur, byte, channel, type Layer, NOISE, noise, type Raster, rasterise } from "../raster.js";
import type { Scene } from "../scene.js";
import type { Light } from "../shape.js";
import type { Brush } from "../svg.js";

function brush(light: Light): Brush {
  const veil = mix("#ffffff", mix(light.shadow, "#ffffff", 0.36), Math.min(1, 0.85 * light.depth));
  const shade = (fill: string): string => multiply(fill, veil);
  return {
    colour: (fill) => fill,
    shade,
    light: (fill) => mix(lighter(fill, 0.16), light.glow, 0.22),
    shading: "soft",
    fades: true,
    contour: (fill) => ({ colour: shade(fill), width: 0.9 }),
    stroke: ({ colour, width }) => ({ colour, width }),
  };
}

/** Far things a little out of focus, as through a lens. */
function unfocused(of: Layer, deviation: number): Layer {
  const data = new Uint8Array(of.data);
  for (let c = 0; c < 3; c++) {
    const soft = blur(channel(of, c, 4), of.size, deviation);
    for (let i = 0; i < soft.length; i++) data[i * 4 + c] = byte(soft[i]! * 255);
  }
  return { size: of.size, data };
}

/** The figure's alpha, blurred and moved away from the light: what it throws on what is behind it. */
function dropShadow(figures: Layer, from: -1 | 1): Float32Array {
  const { size } = figures;
  const alpha = blur(channel(figures, 3, 4), size, size / 26);
  const dx = Math.round((from * size) / 36);
  const dy = Math.round(-size / 48);
  const out = new Float32Array(alpha.length);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      const sx = Math.min(size - 1, Math.max(0, x + dx));
      const sy = Math.min(size - 1, Math.max(0, y + dy));
      out[y * size + x] = alpha[sy * size + sx]!;
    }
  return out;
}

/** Soft shading, gradients and natural colours, a background out of focus, a little vignette and texture. */
export async function render(scene: Scene, size: number): Promise<Raster> {
  const drawing = compose(scene, { manner: "natural", margin: MARGINS.render });
  const { light } = drawing;
  const soft = brush(light);
  const parts = [drawing.background, drawing.figures];
  if (drawing.foreground.length > 0) parts.push(drawing.foreground);
  const drawn = await rasterise(
    parts.map((nodes) => [{ nodes, brush: soft }]),
    { light, size },
  );
  const back = drawn[0]!;
  const figures = drawn[1]!;
  const front = drawn[2] ?? null;
  const far = unfocused(back, size / 190);
  const shadow = dropShadow(figures, light.from);
  const out = new Uint8Array(size * size * 3);
  const random = new Random(`${scene.layout}/render`);
  const [ox, oy] = [random.integer(0, 255), random.integer(0, 255)];
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const u = (x * 256) / size;
      const v = (y * 256) / size;
      const alpha = figures.data[i * 4 + 3]! / 255;
      const dim = 1 - 0.42 * shadow[i]!;
      const reach = Math.hypot(u - 128, v - 120) / 182;
      const vignette = 1.03 - 0.2 * reach * reach * reach;
      const texture = 1 + 0.02 * noise(NOISE.fine, u + ox, v + oy);
      const veil = front ? front.data[i * 4 + 3]! / 255 : 0;
      for (let c = 0; c < 3; c++) {
        let value = far.data[i * 4 + c]! * dim;
        value += (figures.data[i * 4 + c]! - value) * alpha;
        if (front) value += (front.data[i * 4 + c]! - value) * veil;
        out[i * 3 + c] = byte(value * vignette * texture);
      }
    }
  return { size, data: out };
}
