import { compose, MARGINS } from "../compose.js";
import { lighter, luma, mix, multiply, saturate } from "../palette.js";
import { Random } from "../random.js";
import { blur, byte, channel, type Field, flatten, NOISE, noise, type Raster, rasterise, sample } from "../raster.js";
import type { Scene } from "../scene.js";
import type { Brush } from "../svg.js";

const PAPER = [250, 246, 236] as const;
const GRAPHITE = [58, 55, 62] as const;

/** What the coloured pencils lay down, before it is broken up into strokes. */
const PIGMENT: Brush = {
  colour: (fill) => saturate(fill, 1.1),
  shade: (fill) => multiply(fill, luma(fill) > 200 ? "#b9b7c4" : "#9c93a8"),
  light: (fill) => lighter(fill, 0.6),
  shading: "hard",
  fades: true,
  contour: () => null,
  stroke: ({ colour, width }) => ({ colour, width }),
};

/** For the room that people take up, their contours included. */
const OUTLINED: Brush = { ...PIGMENT, contour: () => ({ colour: "#000000", width: 3 }) };

/** Only the lines: everything in white, so that near things hide the lines of far ones. */
const LINES: Brush = {
  colour: () => "#ffffff",
  shade: () => "#b8b8b8",
  light: () => "#ffffff",
  shading: "hard",
  fades: false,
  contour: () => ({ colour: "#000000", width: 2.4 }),
  stroke: ({ colour, width, thing }) => ({
    colour: mix(colour, "#000000", thing ? 0.5 : 0.2),
    width: Math.min(width, 2.6),
  }),
};

/** How much of the paper a stroke of the pencil covers here: parallel strokes, a little uneven. */
function hatch(u: number, v: number, options: { angle: number; period: number; wobble: number }): number {
  const across = u * Math.sin(options.angle) + v * Math.cos(options.angle);
  return 0.5 + 0.5 * Math.sin((across * 2 * Math.PI) / options.period + options.wobble * 2.6);
}

/** The same line drawn twice by an unsteady hand, as darkness from 0 to 1. */
function sketched(lines: Field, size: number, at: { x: number; y: number; ox: number; oy: number }): number {
  const { x, y, ox, oy } = at;
  const step = 256 / size;
  const u = x * step + ox;
  const v = y * step + oy;
  const sway = 1.5 / step;
  const first = sample(lines, size, x + noise(NOISE.wave, u, v) * sway, y + noise(NOISE.wave, v + 90, u) * sway);
  const second = sample(
    lines,
    size,
    x + noise(NOISE.wave, u + 70, v + 40) * sway * 1.7,
    y + noise(NOISE.wave, v, u + 150) * sway * 1.7,
  );
  return Math.min(1, (1 - first) * 0.82 + (1 - second) * 0.42);
}

/** Graphite lines and coloured pencil, hatched on cream paper. */
export async function pencil(scene: Scene, size: number): Promise<Raster> {
  const drawing = compose(scene, { manner: "natural", margin: MARGINS.pencil });
  const { light } = drawing;
  const all = [...drawing.background, ...drawing.figures, ...drawing.foreground];
  const drawn = await rasterise(
    [[{ nodes: all, brush: PIGMENT }], [{ nodes: all, brush: LINES }], [{ nodes: drawing.figures, brush: OUTLINED }]],
    { light, size },
  );
  const pigment = flatten([drawn[0]!]);
  const lines = channel(flatten([drawn[1]!]), 0, 3);
  const figures = channel(drawn[2]!, 3, 4);
  const halo = blur(figures, size, size / 64);
  const random = new Random(`${scene.layout}/pencil`);
  const [ox, oy] = [random.integer(0, 255), random.integer(0, 255)];
  const angle = random.between(0.6, 1);
  const out = new Uint8Array(size * size * 3);
  const step = 256 / size;
  for (let y = 0, i = 0; y < size; y++)
    for (let x = 0; x < size; x++, i++) {
      const u = x * step;
      const v = y * step;
      const grain = noise(NOISE.fine, u + ox, v + oy);
      const wave = noise(NOISE.wave, u + oy, v + ox);
      const near = figures[i]!;
      const { data } = pigment;
      const tone = 1 - (0.299 * data[i * 3]! + 0.587 * data[i * 3 + 1]! + 0.114 * data[i * 3 + 2]!) / 255;
      const one = hatch(u, v, { angle, period: 7.6, wobble: wave });
      const two = hatch(u, v, { angle: angle + 1.35, period: 8.4, wobble: -wave });
      // Light tones are open strokes in one direction; dark ones are laid over crosswise.
      let cover = 0.32 + 0.42 * tone + (0.46 - 0.2 * tone) * one + Math.max(0, tone - 0.4) * 0.4 * two + 0.2 * grain;
      const edge = Math.min(u, v, 256 - u, 256 - v) + noise(NOISE.wave, u * 2, v * 2 + ox) * 7;
      const page = Math.min(1, Math.max(0, (edge - 3) / 9));
      // The drawer works on the people and only suggests what is behind them, less still right around them.
      cover *= near + (1 - near) * 0.74 * page * (1 - 0.45 * halo[i]!);
      cover = Math.min(0.97, Math.max(0, cover));
      const ink = sketched(lines, size, { x, y, ox, oy }) * (near > 0.3 ? 0.95 : 0.6 * page) * (0.86 + 0.22 * grain);
      for (let c = 0; c < 3; c++) {
        const paper = PAPER[c]! + grain * 3;
        const laid = paper + (Math.min(pigment.data[i * 3 + c]!, paper) - paper) * cover;
        out[i * 3 + c] = byte(laid + (GRAPHITE[c]! - laid) * Math.min(1, Math.max(0, ink)));
      }
    }
  return { size, data: out };
}
