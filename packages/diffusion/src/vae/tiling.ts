import { cat, invalid, noGrad, scope, type Tensor, tensor, zeros } from "@stillframe/torch";
import { type VaeConfig, vaeFactor } from "./config.js";
import type { Posterior, Vae } from "./model.js";

/** How a VAE's memory is kept small. */
export interface VaeMemory {
  /** one picture at a time; the result is the same */
  slicing?: boolean | undefined;
  /** overlapping tiles of one size, blended; a picture of one tile is encoded and decoded whole */
  tiling?: boolean | undefined;
  /** side of a tile in pixels, a multiple of the VAE's factor; the VAE's own size, and at most 512, unless said */
  tileSize?: number | undefined;
  /** least part of a tile's side that its neighbour shares, from 0 to below 1; a quarter unless said */
  overlap?: number | undefined;
}

/** Beyond this a tile saves little: the first layers alone take a gigabyte or more at 1024². */
const LARGEST_TILE = 512;

/** Side and least overlap of the tiles, in latents. */
export function tileSides(
  config: Pick<VaeConfig, "sampleSize" | "channels">,
  { tileSize, overlap = 0.25 }: Pick<VaeMemory, "tileSize" | "overlap"> = {},
): { tile: number; overlap: number } {
  const factor = vaeFactor(config as VaeConfig);
  const side = tileSize ?? Math.max(factor, Math.floor(Math.min(config.sampleSize, LARGEST_TILE) / factor) * factor);
  if (!Number.isInteger(side / factor) || side < factor) throw invalid("tileSize", `a multiple of ${factor}`, side);
  if (!(overlap >= 0 && overlap < 1)) throw invalid("overlap", "a number from 0 to below 1", overlap);
  const tile = side / factor;
  return { tile, overlap: Math.min(tile - 1, Math.round(tile * overlap)) };
}

/** One tile along an axis, in latents, and how much each of its `weights` counts where tiles overlap. */
interface Span {
  start: number;
  size: number;
  weights: Float32Array;
}

/**
 * Tiles of equal size, evenly spaced from end to end, each sharing at least `overlap` with the next. Over what two
 * share, one's weight falls in a straight line as the other's rises; all weights of a place add up to 1.
 *
 * @param scale weights for each latent: 1, or the VAE's factor for weights of pixels
 */
export function spans(length: number, { tile, overlap }: { tile: number; overlap: number }, scale = 1): Span[] {
  if (length <= tile) return [{ start: 0, size: length, weights: new Float32Array(length * scale).fill(1) }];
  const n = Math.ceil((length - overlap) / (tile - overlap));
  const starts = Array.from({ length: n }, (_, i) => Math.round((i * (length - tile)) / (n - 1)));
  const total = new Float64Array(length * scale);
  const raw = starts.map((start, i) => {
    const before = (i === 0 ? 0 : (starts[i - 1] as number) + tile - start) * scale;
    const after = (i === n - 1 ? 0 : start + tile - (starts[i + 1] as number)) * scale;
    const size = tile * scale;
    const ramp = (k: number, shared: number) => (shared === 0 ? 1 : (k + 0.5) / shared);
    return Float64Array.from({ length: size }, (_, k) => {
      const weight = Math.min(1, ramp(k, before), ramp(size - 1 - k, after));
      total[start * scale + k] = (total[start * scale + k] as number) + weight;
      return weight;
    });
  });
  return starts.map((start, i) => ({
    start,
    size: tile,
    weights: Float32Array.from(raw[i] as Float64Array, (w, k) => w / (total[start * scale + k] as number)),
  }));
}

interface Grid {
  rows: readonly Span[];
  columns: readonly Span[];
}

/** Sum of all tiles' parts, each weighted; `part` gives a tile's results, `[b, c, h, w]`. */
function blended(grid: Grid, part: (row: Span, column: Span) => readonly Tensor[]): Tensor[] {
  const [height, width] = [grid.rows, grid.columns].map(covered) as [number, number];
  const sums: Tensor[] = [];
  for (const row of grid.rows)
    for (const column of grid.columns) {
      const made = scope(() => {
        const [y, x] = [tensor(row.weights).unsqueeze(1), tensor(column.weights)];
        const weights = y.mul(x);
        return part(row, column).map((t) => t.to("float32").mul(weights.to({ device: t.device })));
      });
      for (const [i, t] of made.entries()) {
        const { b, c, h, w } = t.dims("b c h w");
        sums[i] ??= zeros([b, c, height, width], { device: t.device });
        const [top, left] = [(row.start * h) / row.size, (column.start * w) / column.size];
        scope(() => (sums[i] as Tensor).narrow(2, top, h).narrow(3, left, w).add_(t));
        t.dispose();
      }
    }
  return sums;
}

/** Length that spans cover, in their weights' unit. */
function covered(list: readonly Span[]): number {
  const last = list.at(-1) as Span;
  return ((last.start + last.size) / last.size) * last.weights.length;
}

/**
 * Pictures `[b, 3, h, w]` in [-1, 1] → the posterior, in as little memory as asked for. Tiles see neither what lies
 * outside them nor the whole picture's statistics (the norms and the attention are global), so a tiled posterior is
 * near the whole one's and not equal to it. Records nothing for differentiation.
 *
 * @throws InvalidArgumentError when a side is no multiple of the VAE's factor, or the tile size is not
 */
export function encodePictures(vae: Vae, x: Tensor, memory: VaeMemory = {}): Posterior {
  return noGrad(() =>
    scope(() => {
      if (memory.slicing && x.size(0) > 1) return sliced(x, (row) => encodePictures(vae, row, memory));
      const factor = vaeFactor(vae.config);
      const { h, w } = x.dims("b c h w");
      if (memory.tiling && (h % factor !== 0 || w % factor !== 0))
        throw invalid("x", `sides that are multiples of ${factor} (tiles cover whole latents)`, [h, w]);
      const grid = gridOf(vae.config, { height: h / factor, width: w / factor }, memory);
      if (grid === null) return vae.encode(x);
      const [mean, logvar] = blended(grid, (row, column) => {
        const posterior = vae.encode(cropped(x, row, column, factor));
        return [posterior.mean, posterior.logvar];
      }).map((t) => t.to(x.dtype)) as [Tensor, Tensor];
      return { mean, logvar, std: logvar.mul(0.5).exp() };
    }),
  );
}

/** Scaled latents `[b, c, h, w]` → pictures `[b, 3, h·f, w·f]` about [-1, 1]; as `encodePictures`, the other way. */
export function decodeLatents(vae: Vae, latents: Tensor, memory: VaeMemory = {}): Tensor {
  return noGrad(() =>
    scope(() => {
      if (memory.slicing && latents.size(0) > 1)
        return sliced(latents, (row) => ({ picture: decodeLatents(vae, row, memory) })).picture;
      const { h, w } = latents.dims("b c h w");
      const grid = gridOf(vae.config, { height: h, width: w, scale: vaeFactor(vae.config) }, memory);
      if (grid === null) return vae.decode(latents);
      const [picture] = blended(grid, (row, column) => [vae.decode(cropped(latents, row, column, 1))]);
      return (picture as Tensor).to(latents.dtype);
    }),
  );
}

/** Runs `one` on each of a batch's members and joins what it gives. */
function sliced<R extends object>(x: Tensor, one: (member: Tensor) => R): R {
  const parts = x.split(1, 0).map((member) => scope(() => one(member)));
  const names = Object.keys(parts[0] as R);
  const joined = (name: string) =>
    cat(
      parts.map((p) => p[name as keyof R] as Tensor),
      0,
    );
  return Object.fromEntries(names.map((name) => [name, joined(name)])) as R;
}

/** The tiles of a picture of `height` × `width` latents; null when it is to be taken whole. */
function gridOf(
  config: VaeConfig,
  { height, width, scale = 1 }: { height: number; width: number; scale?: number },
  memory: VaeMemory,
): Grid | null {
  if (!memory.tiling) return null;
  const sides = tileSides(config, memory);
  if (height <= sides.tile && width <= sides.tile) return null;
  return { rows: spans(height, sides, scale), columns: spans(width, sides, scale) };
}

/** A tile's part of `x`, whose sides are `scale` times those in latents. */
const cropped = (x: Tensor, row: Span, column: Span, scale: number): Tensor =>
  x
    .narrow(2, row.start * scale, row.size * scale)
    .narrow(3, column.start * scale, column.size * scale)
    .contiguous();
