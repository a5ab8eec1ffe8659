import type { PrepareReport } from "@stillframe/schema";
import sharp, { type OverlayOptions } from "sharp";
import { readPictureFile } from "../data/index.js";
import type { TrainingPicture } from "../train/training-set.js";
import { histogramOf } from "./distribution.js";
import { type Box, columns, FAINT, fittedText, histogram, rows, rowsHeight, text } from "./report-chart.js";

const WIDTH = 1500;
const MARGIN = 40;
const GAP = 36;
const INNER = WIDTH - 2 * MARGIN;
const CHART_HEIGHT = 330;
const CELLS = 8;
const CELL_GAP = 12;
const CELL = Math.floor((INNER - (CELLS - 1) * CELL_GAP) / CELLS);
const CELL_TEXT = 52;
const SECTION_GAP = 14;
/** Rows of pictures that each kind of suspicion may take. */
const MOST_ROWS = 3;

/** A picture of the sheet with what is said of it. */
interface Cell {
  file: string;
  detail: string;
  /** groups stand apart by the colour of a line above them */
  colour: string;
}

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
const percent = (share: number): string => `${share > 0 && share < 0.01 ? "<1" : Math.round(share * 100)} %`;
const rounded = (n: number, digits = 0): string => String(Number(n.toFixed(digits)));

function summary({ pictures, skipped_files, duplicates, blurred, enlarged, captions }: PrepareReport): string {
  const copies = duplicates.reduce((n, g) => n + g.files.length, 0);
  const parts = [
    `${plural(pictures, "picture")}`,
    `${skipped_files.length} left out`,
    `${copies} near-duplicate${copies === 1 ? "" : "s"}${copies > 0 ? ` in ${plural(duplicates.length, "group")}` : ""}`,
    `${blurred.length} blurred`,
    `${enlarged.pictures} enlarged`,
    `${plural(captions.captions, "caption")}, ${captions.cut} cut, ${captions.empty} empty`,
  ];
  return parts.join("   ·   ");
}

function charts(report: PrepareReport, pictures: readonly TrainingPicture[], y: number): string {
  const width = (INNER - 2 * GAP) / 3;
  const box = (i: number): Box => ({ x: MARGIN + i * (width + GAP), y, width, height: CHART_HEIGHT });
  const { resolution, sizes, buckets, captions, enlarged } = report;
  const shorter = pictures.map((p) => Math.min(p.width, p.height));
  const small =
    enlarged.pictures > 0
      ? `; ${enlarged.pictures} are enlarged, at most × ${rounded(enlarged.most, 2)}`
      : "; none is enlarged";
  const size = histogram(box(0), {
    title: "Shorter side, in pixels",
    note: `${sizes.width.least}–${sizes.width.most} wide, ${sizes.height.least}–${sizes.height.most} high${small}`,
    bins: histogramOf([...shorter, resolution], 24).map((b) => withoutExtra(b, resolution)),
    limit: { at: resolution, side: "below", name: `resolution ${resolution}` },
  });
  const mean = buckets.reduce((n, b) => n + b.cut_away * b.pictures, 0) / Math.max(1, report.pictures);
  const cut = `${percent(mean)} of the area is cut away`;
  const shape =
    buckets.length > 1
      ? columns(box(1), {
          title: "Cut to",
          note: `${buckets.length} buckets; ${cut}`,
          bars: buckets.map((b) => ({ name: `${b.width}×${b.height}`, count: b.pictures })),
        })
      : histogram(box(1), {
          title: "Shape: width over height",
          note: `all are cut to ${buckets[0]?.width ?? resolution} × ${buckets[0]?.height ?? resolution}; ${cut}`,
          bins: histogramOf(
            pictures.map((p) => p.width / p.height),
            24,
          ),
        });
  const limit =
    captions.limit === null
      ? undefined
      : { at: captions.limit, side: "above" as const, name: `limit ${captions.limit}` };
  const { least, median, most } = captions.length;
  const long = captions.limit === null ? "" : `; ${captions.cut} cut at ${captions.limit}`;
  const caption = histogram(box(2), {
    title: `Captions, in ${captions.unit}`,
    note: `${least}–${most}, middle ${rounded(median, 1)}${long}`,
    bins: captions.histogram,
    limit,
  });
  return size + shape + caption;
}

/** The resolution was put among the sizes so that its mark is on the axis; it is no picture. */
const withoutExtra = <B extends { from: number; to: number; count: number }>(bin: B, extra: number): B => {
  // of two bins that meet at it, the second holds it
  const holds = extra >= bin.from && extra < bin.to;
  return holds ? { ...bin, count: bin.count - 1 } : bin;
};

function lists(report: PrepareReport, y: number): { svg: string; height: number } {
  const width = (INNER - GAP) / 2;
  const { captions, skipped, skipped_files } = report;
  const openings = captions.openings.map((o) => ({ text: `“${o.text} …”`, value: percent(o.share), share: o.share }));
  const left = skipped.slice(0, 6).map((s) => ({
    text: `${s.reason}: ${s.examples.join(", ")}${s.count > s.examples.length ? ", …" : ""}`,
    value: String(s.count),
    share: 0,
  }));
  const nothing = (t: string) => [{ text: t, value: "", share: 0 }];
  const svg =
    rows(
      { x: MARGIN, y, width, height: 0 },
      {
        title: "Captions that begin alike",
        note: "as a share of all captions",
        lines: openings.length > 0 ? openings : nothing("no beginning is shared by a tenth of the captions"),
      },
    ) +
    rows(
      { x: MARGIN + width + GAP, y, width, height: 0 },
      {
        title: "Left out",
        note: `${skipped_files.length} of ${skipped_files.length + report.pictures} cannot be trained on`,
        lines: left.length > 0 ? left : nothing("nothing"),
      },
    );
  return { svg, height: rowsHeight(Math.max(1, openings.length, left.length)) };
}

const COLOURS = ["#4f81b5", "#c8501a", "#3f7d4f", "#8a5aa8", "#b08a1e"];

function sections(report: PrepareReport): { title: string; note: string; cells: Cell[] }[] {
  const copies = report.duplicates.flatMap((g, i) =>
    g.files.map((file) => ({
      file,
      detail: g.exact ? "the same file" : `group ${i + 1}`,
      colour: COLOURS[i % COLOURS.length] as string,
    })),
  );
  const blurred = report.blurred.map((b) => ({
    file: b.file,
    detail: `sharpness ${percent(b.sharpness)} of usual`,
    colour: FAINT,
  }));
  const small = report.enlarged.files
    .filter((e) => e.factor >= 1.25)
    .map((e) => ({ file: e.file, detail: `enlarged × ${rounded(e.factor, 2)}`, colour: FAINT }));
  return [
    { title: "Nearly the same picture", note: "a line of one colour is above each group", cells: copies },
    { title: "Blurred", note: "far less sharp than the others", cells: blurred },
    { title: "Small", note: "enlarged to the size of training", cells: small },
  ].filter((s) => s.cells.length > 0);
}

/** A small version of a picture, upright, on white. */
async function thumbnail({ source }: TrainingPicture): Promise<Buffer> {
  const bytes = typeof source === "string" ? await readPictureFile(source) : await source();
  return sharp(bytes)
    .rotate()
    .flatten({ background: "#ffffff" })
    .resize(CELL, CELL, { fit: "contain", background: "#fafafa" })
    .png()
    .toBuffer();
}

async function sheet(
  report: PrepareReport,
  pictures: readonly TrainingPicture[],
  top: number,
): Promise<{ svg: string; layers: OverlayOptions[]; height: number }> {
  const byName = new Map(pictures.map((p) => [p.name, p]));
  let [svg, y] = ["", top];
  const layers: OverlayOptions[] = [];
  for (const { title, note, cells } of sections(report)) {
    const shown = cells.slice(0, MOST_ROWS * CELLS);
    const more = cells.length > shown.length ? `; the first ${shown.length} of ${cells.length}` : "";
    svg += text({ x: MARGIN, y: y + 16, text: title, size: 17, bold: true });
    svg += text({ x: MARGIN, y: y + 38, text: `${note}${more}`, size: 13, fill: FAINT });
    y += 56;
    for (const [i, cell] of shown.entries()) {
      const [column, row] = [i % CELLS, Math.floor(i / CELLS)];
      const left = MARGIN + column * (CELL + CELL_GAP);
      const at = y + row * (CELL + CELL_TEXT);
      const picture = byName.get(cell.file);
      if (picture !== undefined) layers.push({ input: await thumbnail(picture), left, top: at });
      svg += `<rect x="${left}" y="${at - 5}" width="${CELL}" height="3" fill="${cell.colour}"/>`;
      svg += text({
        x: left,
        y: at + CELL + 15,
        text: fittedText(cell.file, CELL, { size: 12, middle: true }),
        size: 12,
      });
      svg += text({
        x: left,
        y: at + CELL + 31,
        text: fittedText(cell.detail, CELL, { size: 12 }),
        size: 12,
        fill: FAINT,
      });
    }
    y += Math.ceil(shown.length / CELLS) * (CELL + CELL_TEXT) + SECTION_GAP;
  }
  return { svg, layers, height: y - top };
}

/** The report as a PNG: distributions, shared beginnings, what was left out, and the pictures that a person should see. */
export async function drawReport(report: PrepareReport, pictures: readonly TrainingPicture[]): Promise<Buffer> {
  const head =
    text({
      x: MARGIN,
      y: 54,
      text: fittedText(report.data.name_or_path, INNER, { size: 26, bold: true, middle: true }),
      size: 26,
      bold: true,
    }) + text({ x: MARGIN, y: 84, text: fittedText(summary(report), INNER, { size: 15 }), size: 15, fill: FAINT });
  let y = 118;
  const top = charts(report, pictures, y);
  y += CHART_HEIGHT + GAP;
  const middle = lists(report, y);
  y += middle.height + GAP;
  const bottom = await sheet(report, pictures, y);
  const height = Math.ceil(y + bottom.height + (bottom.layers.length > 0 ? 0 : -GAP) + MARGIN * 0.6);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}"><rect width="100%" height="100%" fill="#ffffff"/>${head}${top}${middle.svg}${bottom.svg}</svg>`;
  return sharp(Buffer.from(svg), { unlimited: true }).composite(bottom.layers).png({ compressionLevel: 9 }).toBuffer();
}
