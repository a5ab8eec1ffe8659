import type { PrepareReport } from "@stillframe/schema";

const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
const percent = (share: number): string => `${share > 0 && share < 0.01 ? "<1" : Math.round(share * 100)} %`;
const number = (n: number, digits = 1): string => String(Number(n.toFixed(digits)));
/** Entries of a list on the terminal; the file has them all. */
const MOST = 5;

/** A row: what it is about, and what there is to say. */
type Row = readonly [name: string, value: string];

const listed = <T>(items: readonly T[], line: (item: T) => string): Row[] => [
  ...items.slice(0, MOST).map((item): Row => ["", `  ${line(item)}`]),
  ...(items.length > MOST ? [["", `  … and ${items.length - MOST} more`] as const] : []),
];

function sizeRows({ sizes, resolution, enlarged }: PrepareReport): Row[] {
  const { width, height, megapixels, frequent } = sizes;
  const range = (r: { least: number; median: number; most: number }) =>
    `${number(r.least)} to ${number(r.most)}, middle ${number(r.median)}`;
  const usual = frequent.slice(0, 3).map((f) => `${f.width} × ${f.height} (${f.count})`);
  return [
    ["Width", range(width)],
    ["Height", range(height)],
    [
      "Megapixels",
      `${number(megapixels.least, 2)} to ${number(megapixels.most, 2)}, middle ${number(megapixels.median, 2)}`,
    ],
    ["Most frequent", usual.join(", ")],
    [
      "Enlarged",
      enlarged.pictures === 0
        ? `none: all cover ${resolution} pixels`
        : `${plural(enlarged.pictures, "picture")}, at most × ${number(enlarged.most, 2)} (${enlarged.files[0]?.file})`,
    ],
  ];
}

function bucketRows({ buckets, pictures }: PrepareReport): Row[] {
  const line = (b: PrepareReport["buckets"][0]) =>
    `${b.width} × ${b.height}: ${plural(b.pictures, "picture")}, ${percent(b.cut_away)} of the area cut away`;
  if (buckets.length === 1) return [["Cut to", line(buckets[0] as PrepareReport["buckets"][0])]];
  const sorted = [...buckets].sort((a, b) => b.pictures - a.pictures);
  const cut = buckets.reduce((n, b) => n + b.cut_away * b.pictures, 0) / Math.max(1, pictures);
  return [["Buckets", `${buckets.length}, ${percent(cut)} of the area cut away`], ...listed(sorted, line)];
}

function captionRows({ captions }: PrepareReport): Row[] {
  const { unit, length, limit, cut, openings, repeated } = captions;
  const rows: Row[] = [
    ["Captions", `${captions.captions}, ${captions.different} different, ${captions.empty} empty`],
    ["Length", `${length.least} to ${length.most} ${unit}, middle ${number(length.median)}`],
  ];
  if (limit !== null) {
    const longest = captions.longest[0];
    const which = longest === undefined ? "" : ` (the longest, ${longest.length}: ${longest.file})`;
    rows.push(["Cut", cut === 0 ? `none: all fit in ${limit} tokens` : `${cut} beyond ${limit} tokens${which}`]);
  }
  if (openings.length > 0)
    rows.push(
      ["Openings", "many captions begin alike"],
      ...listed(openings, (o) => `${percent(o.share)} begin with “${o.text} …”`),
    );
  if (repeated.length > 0)
    rows.push(
      ["Repeated", "the same text for several pictures"],
      ...listed(repeated, (r) => `${r.count} × “${r.caption}”`),
    );
  return rows;
}

function suspicionRows({ duplicates, blurred, skipped, skipped_files }: PrepareReport): Row[] {
  const copies = duplicates.reduce((n, g) => n + g.files.length, 0);
  return [
    [
      "Near-duplicates",
      copies === 0 ? "none" : `${plural(copies, "picture")} in ${plural(duplicates.length, "group")}`,
    ],
    ...listed(
      duplicates,
      (g) => `${g.exact ? "the same file: " : ""}${g.files.slice(0, 6).join(", ")}${g.files.length > 6 ? ", …" : ""}`,
    ),
    ["Blurred", blurred.length === 0 ? "none" : plural(blurred.length, "picture")],
    ...listed(blurred, (b) => `${b.file} (${percent(b.sharpness)} of the usual sharpness)`),
    [
      "Left out",
      skipped_files.length === 0
        ? "nothing"
        : `${plural(skipped_files.length, "picture")} or record${skipped_files.length === 1 ? "" : "s"}`,
    ],
    ...listed(
      skipped,
      (s) => `${s.count} × ${s.reason}: ${s.examples.join(", ")}${s.count > s.examples.length ? ", …" : ""}`,
    ),
  ];
}

function encodedRows({ encoded }: PrepareReport): Row[] {
  if (encoded === null) return [["Encoded", "nothing: no model was given"]];
  const made = (n: number) => (n === 0 ? "all were there already" : `${n} made now`);
  return [
    ["Encoded", `${plural(encoded.pictures, "cut")} of pictures (${made(encoded.pictures_made)})`],
    ...(encoded.captions > 0
      ? [["", `${plural(encoded.captions, "caption")} (${made(encoded.captions_made)})`] as const]
      : []),
    ["", `in ${encoded.cache}`],
  ];
}

/** The report as lines for a terminal: what it is about at the left, in bold where `bold` makes it so. */
export function reportTable(
  report: PrepareReport,
  { columns, bold = (s) => s }: { columns: number; bold?: (text: string) => string },
): string {
  const groups = [
    [["Pictures", String(report.pictures)] as const, ...sizeRows(report)],
    bucketRows(report),
    captionRows(report),
    suspicionRows(report),
    encodedRows(report),
  ];
  const names = groups.flat().map(([name]) => name.length);
  const indent = Math.max(...names) + 2;
  const line = ([name, value]: Row) => {
    const room = Math.max(20, columns - indent);
    const shown = value.length > room ? `${value.slice(0, room - 1)}…` : value;
    return `${bold(name)}${" ".repeat(indent - name.length)}${shown.replaceAll(/\s*\n\s*/g, " ")}`;
  };
  return groups.map((rows) => rows.map(line).join("\n")).join("\n\n");
}
