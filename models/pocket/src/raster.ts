import sharp from "sharp";
import { Random } from "./random.js";
import type { Light } from "./shape.js";
import { type Page, pages } from "./svg.js";

/** A picture: `data` holds `size * size` pixels of three bytes (RGB), row by row from the top. */
export interface Raster {
  size: number;
  data: Uint8Array;
}

/** A picture with holes: four bytes a pixel, colour not multiplied by alpha. */
export interface Layer {
  size: number;
  data: Uint8Array;
}

/** Draws pages, each a layer of `size` × `size` pixels, transparent where nothing is drawn. */
export async function rasterise(list: readonly Page[], options: { light: Light; size: number }): Promise<Layer[]> {
  const { size } = options;
  const drawn = sharp(Buffer.from(pages(list, options)))
    .ensureAlpha()
    .raw();
  const { data, info } = await drawn.toBuffer({ resolveWithObject: true });
  if (info.width !== size || info.height !== size * list.length || info.channels !== 4)
    throw new Error(
      `expected ${size} × ${size * list.length} RGBA pixels from the SVG but received ${info.width} × ${info.height} × ${info.channels}`,
    );
  const bytes = size * size * 4;
  return list.map((_, i) => ({ size, data: data.subarray(i * bytes, (i + 1) * bytes) }));
}

/** A picture of one channel with values of any range, for filters. */
export type Field = Float32Array;

/** One channel (0 to 3) of a layer, 0 to 1. */
export function channel(of: { data: Uint8Array }, index: number, step: 3 | 4): Field {
  const field = new Float32Array(of.data.length / step);
  for (let i = 0; i < field.length; i++) field[i] = of.data[i * step + index]! / 255;
  return field;
}

/** One box filter of any radius along rows (`across`) or columns. */
function boxPass(from: Field, to: Field, size: number, options: { radius: number; across: boolean }): void {
  const { radius, across } = options;
  const step = across ? 1 : size;
  const start = across ? size : 1;
  const weight = 1 / (2 * radius + 1);
  const whole = Math.floor(radius);
  const rest = radius - whole;
  const padded = new Float32Array(size + 2 * whole + 2);
  for (let row = 0; row < size; row++) {
    const base = row * start;
    // The line with its ends repeated, so that the sum below needs no bounds.
    for (let i = 0; i < padded.length; i++) {
      const at = i - whole - 1;
      padded[i] = from[base + (at < 0 ? 0 : at >= size ? size - 1 : at) * step]!;
    }
    let sum = 0;
    for (let i = 1; i <= 2 * whole + 1; i++) sum += padded[i]!;
    for (let i = 0; i < size; i++) {
      const before = padded[i]!;
      const after = padded[i + 2 * whole + 2]!;
      to[base + i * step] = (sum + rest * (before + after)) * weight;
      sum += after - padded[i + 1]!;
    }
  }
}

/** Nearly a Gaussian blur (three box filters); `deviation` in pixels, edges repeated. Gives a new field. */
export function blur(field: Field, size: number, deviation: number): Field {
  const radius = Math.sqrt(deviation * deviation + 0.25) - 0.5;
  const [one, two] = [Float32Array.from(field), new Float32Array(field.length)];
  if (radius <= 0.01) return one;
  for (let pass = 0; pass < 3; pass++) {
    boxPass(one, two, size, { radius, across: true });
    boxPass(two, one, size, { radius, across: false });
  }
  return one;
}

/** The value of a `size` × `size` field at a point between pixels, edges repeated. Flat arguments: it runs per pixel. */
export function sample(field: Field, size: number, u: number, v: number): number {
  const x = Math.min(size - 1.001, Math.max(0, u));
  const y = Math.min(size - 1.001, Math.max(0, v));
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const i = y0 * size + x0;
  const top = field[i]! + (field[i + 1]! - field[i]!) * fx;
  const bottom = field[i + size]! + (field[i + size + 1]! - field[i + size]!) * fx;
  return top + (bottom - top) * fy;
}

const TILE = 256;

function tile(seed: string, octaves: readonly (readonly [cell: number, weight: number])[]): Field {
  const random = new Random(seed);
  const out = new Float32Array(TILE * TILE);
  for (const [cell, weight] of octaves) {
    const cells = TILE / cell;
    const lattice = Float32Array.from({ length: cells * cells }, () => random.between(-1, 1));
    for (let y = 0; y < TILE; y++) {
      const v = y / cell;
      const y0 = Math.floor(v);
      const ty = v - y0;
      const sy = ty * ty * (3 - 2 * ty);
      for (let x = 0; x < TILE; x++) {
        const u = x / cell;
        const x0 = Math.floor(u);
        const tx = u - x0;
        const sx = tx * tx * (3 - 2 * tx);
        const at = (i: number, j: number): number => lattice[(j % cells) * cells + (i % cells)]!;
        const top = at(x0, y0) + (at(x0 + 1, y0) - at(x0, y0)) * sx;
        const bottom = at(x0, y0 + 1) + (at(x0 + 1, y0 + 1) - at(x0, y0 + 1)) * sx;
        out[y * TILE + x] = out[y * TILE + x]! + (top + (bottom - top) * sy) * weight;
      }
    }
  }
  return out;
}

/** Seamless noise of 256 × 256 drawing units, about -1 to 1: `fine` like a paper's grain, `wide` like a wash. */
export const NOISE = {
  fine: tile("fine", [
    [2, 0.6],
    [4, 0.4],
  ]),
  wave: tile("wave", [
    [8, 0.4],
    [16, 0.6],
  ]),
  wide: tile("wide", [
    [16, 0.3],
    [64, 0.7],
  ]),
} as const;

/** Noise at a point in drawing units, moved by an offset that is a picture's own. */
export function noise(of: Field, x: number, y: number): number {
  return of[((y | 0) & (TILE - 1)) * TILE + ((x | 0) & (TILE - 1))]!;
}

/** Lays layers over each other, first one lowest; the lowest must cover all. */
export function flatten(layers: readonly Layer[]): Raster {
  const { size } = layers[0]!;
  const out = new Uint8Array(size * size * 3);
  for (const { data } of layers) {
    for (let i = 0, o = 0; i < data.length; i += 4, o += 3) {
      const alpha = data[i + 3]!;
      if (alpha === 0) continue;
      for (let c = 0; c < 3; c++) out[o + c] = out[o + c]! + ((data[i + c]! - out[o + c]!) * alpha + 127) / 255;
    }
  }
  return { size, data: out };
}

/** The bytes of a PNG file of the picture. */
export function png(raster: Raster): Promise<Buffer> {
  const { data, size } = raster;
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** 0 to 255 as a byte. */
export function byte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}
