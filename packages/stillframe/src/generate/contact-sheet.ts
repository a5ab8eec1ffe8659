import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import sharp, { type OverlayOptions } from "sharp";

/** One cell of a sheet: a picture with a line below it. */
export interface Cell {
  picture: string | Buffer;
  label: string;
}
/** A row of cells under a heading. */
export interface SheetRow {
  heading: string;
  cells: readonly Cell[];
}

// a machine without fonts would draw boxes: the font comes with the program
const FONT = join(
  dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")),
  "ttf",
  "DejaVuSans.ttf",
);
const MARGIN = 16;
const GAP = 10;
const INK = "#222222";

const escaped = (s: string): string => s.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** One line of text, cut with an ellipsis where it does not fit. */
async function line(
  text: string,
  { width, size, weight = "normal" }: { width: number; size: number; weight?: "normal" | "bold" },
): Promise<Buffer | null> {
  if (text === "") return null;
  for (let n = text.length; n > 0; n = Math.min(n - 1, Math.floor(n * 0.92))) {
    const shown = n < text.length ? `${text.slice(0, n).trimEnd()}…` : text;
    const markup = `<span foreground="${INK}" weight="${weight}">${escaped(shown)}</span>`;
    const { data, info } = await sharp({
      text: { text: markup, font: `DejaVu Sans ${size}`, fontfile: FONT, rgba: true, dpi: 72 },
    })
      .png()
      .toBuffer({ resolveWithObject: true });
    if (info.width <= width) return data;
  }
  return null;
}

/**
 * Pictures in rows with headings and labels, as a PNG. All cells have one size.
 *
 * @param cell side of a cell in pixels
 */
export async function contactSheet(
  rows: readonly SheetRow[],
  { cell, title = "" }: { cell: number; title?: string },
): Promise<Buffer> {
  const columns = Math.max(1, ...rows.map((r) => r.cells.length));
  const width = MARGIN * 2 + columns * cell + (columns - 1) * GAP;
  const text = Math.max(14, Math.round(cell / 16));
  const [titleHeight, headingHeight, labelHeight] = [title === "" ? 0 : text * 2.4, text * 2.2, text * 1.9].map(
    Math.round,
  ) as [number, number, number];
  const rowHeights = rows.map((r) => (r.heading === "" ? 0 : headingHeight) + cell + labelHeight);
  const height = MARGIN * 2 + titleHeight + rowHeights.reduce((a, b) => a + b, 0) + GAP * Math.max(0, rows.length - 1);
  const layers: OverlayOptions[] = [];
  const put = (input: Buffer | null, left: number, top: number) => {
    if (input !== null) layers.push({ input, left: Math.round(left), top: Math.round(top) });
  };
  put(await line(title, { width: width - MARGIN * 2, size: Math.round(text * 1.3), weight: "bold" }), MARGIN, MARGIN);
  let y = MARGIN + titleHeight;
  for (const [i, row] of rows.entries()) {
    if (row.heading !== "")
      put(await line(row.heading, { width: width - MARGIN * 2, size: text }), MARGIN, y + text * 0.4);
    const top = y + (row.heading === "" ? 0 : headingHeight);
    for (const [c, { picture, label }] of row.cells.entries()) {
      const left = MARGIN + c * (cell + GAP);
      put(
        await sharp(picture).resize(cell, cell, { fit: "contain", background: "#ffffff" }).png().toBuffer(),
        left,
        top,
      );
      put(await line(label, { width: cell, size: Math.round(text * 0.85) }), left, top + cell + text * 0.35);
    }
    y += (rowHeights[i] as number) + GAP;
  }
  return sharp({ create: { width: Math.round(width), height: Math.round(height), channels: 3, background: "#fafafa" } })
    .composite(layers)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
