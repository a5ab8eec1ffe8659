import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Tensor, tensor } from "@stillframe/torch";
import { invalid } from "@stillframe/torch/errors";
import sharp from "sharp";
import type { Row } from "../dataset.js";

/** The lines of a folder's `metadata.jsonl`. */
export const readRows = (folder: string): Row[] =>
  readFileSync(join(folder, "metadata.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

/** Pictures of one size, decoded and held in memory: `[n, 3, size, size]` bytes, planes apart. */
export class PixelStore {
  readonly size: number;
  readonly rows: readonly Row[];
  private readonly bytes: Uint8Array;

  private constructor(size: number, rows: readonly Row[], bytes: Uint8Array) {
    this.size = size;
    this.rows = rows;
    this.bytes = bytes;
  }

  /** Reads the first `limit` pictures of a folder that `draw` has written, reduced to `size` pixels a side. */
  static async read(
    folder: string,
    { size, limit = Number.POSITIVE_INFINITY }: { size: number; limit?: number },
  ): Promise<PixelStore> {
    const rows = readRows(folder).slice(0, limit);
    const plane = size * size;
    const bytes = new Uint8Array(rows.length * 3 * plane);
    for (const [i, row] of rows.entries()) {
      const data = await sharp(join(folder, row.file_name))
        .removeAlpha()
        .resize(size, size, { kernel: "lanczos3" })
        .raw()
        .toBuffer();
      if (data.length !== 3 * plane)
        throw invalid("picture", `${size} × ${size} pixels of RGB`, `${row.file_name} of ${data.length} bytes`);
      const at = i * 3 * plane;
      for (let p = 0, o = 0; p < plane; p++)
        for (let c = 0; c < 3; c++) bytes[at + c * plane + p] = data[o++] as number;
    }
    return new PixelStore(size, rows, bytes);
  }

  get count(): number {
    return this.rows.length;
  }

  /** Pictures by their indices: `[b, 3, size, size]` in [-1, 1]. */
  batch(indices: readonly number[]): Tensor {
    const { size } = this;
    const each = 3 * size * size;
    const out = new Float32Array(indices.length * each);
    for (const [b, i] of indices.entries()) {
      const from = this.bytes.subarray(i * each, (i + 1) * each);
      for (let p = 0; p < each; p++) out[b * each + p] = (from[p] as number) / 127.5 - 1;
    }
    return tensor(out, { shape: [indices.length, 3, size, size] });
  }
}
