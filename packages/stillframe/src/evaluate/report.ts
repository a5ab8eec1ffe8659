import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { mapConcurrently } from "../data/index.js";
import { dotChart, lineChart } from "./chart.js";
import { type Evaluation, type EvaluationCurve, writeEvaluation, writeWhole } from "./evaluation.js";
import { evaluationPage } from "./evaluation-page.js";
import { METRIC_INFO, type Metric, shownValue } from "./metric.js";
import { metricTable } from "./metric-table.js";

export interface ReportOptions {
  /** Against which the evaluation's file names are read; default the output folder. */
  readonly pictures?: string;
  /** Longer side of the pictures in the page; default 384. */
  readonly thumbnailSide?: number;
}

export interface WrittenReport {
  readonly json: string;
  readonly table: string;
  readonly page: string;
  readonly plots: readonly string[];
}

/**
 * Writes everything that a person reads of an evaluation into a folder: `evaluation.json`, `evaluation.txt`, the plots as
 * SVG, and `evaluation.html`, which holds its pictures itself.
 *
 * @throws FileFormatError for what is no evaluation
 */
export async function writeReport(
  folder: string,
  evaluation: Evaluation,
  options: ReportOptions = {},
): Promise<WrittenReport> {
  const { pictures = folder, thumbnailSide = 384 } = options;
  mkdirSync(join(folder, "plots"), { recursive: true });
  const written = {
    json: join(folder, "evaluation.json"),
    table: join(folder, "evaluation.txt"),
    page: join(folder, "evaluation.html"),
  };
  writeEvaluation(written.json, evaluation);
  writeWhole(written.table, metricTable(evaluation));
  const plots = evaluationPlots(evaluation);
  const paths = plots.map(({ name, svg }) => {
    const path = join(folder, "plots", `${name}.svg`);
    writeWhole(path, svg);
    return path;
  });
  const thumbnails = await thumbnailsOf(evaluation, { pictures, side: thumbnailSide });
  writeWhole(written.page, evaluationPage(evaluation, { plots: plots.map((p) => p.svg), thumbnails }));
  return { ...written, plots: paths };
}

/** A plot for each distance with an interval, and one for each curve; the names are those of the files. */
export function evaluationPlots(evaluation: Evaluation): { name: string; svg: string }[] {
  const drawn = new Map<string, string>();
  const add = (wish: string, svg: string) => {
    const stem =
      wish
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-|-$/g, "") || "plot";
    let name = stem;
    for (let n = 2; drawn.has(name); n++) name = `${stem}-${n}`;
    drawn.set(name, svg);
  };
  for (const curve of evaluation.curves) add(curve.title, lineChart(chartOf(curve)));
  const groups = new Map(
    evaluation.values.filter((v) => v.interval !== undefined).map((v) => [`${v.metric} ${v.network}`, v]),
  );
  for (const { metric, network } of groups.values()) {
    const same = (v: { metric: Metric; network?: string | undefined }) => v.metric === metric && v.network === network;
    const rows = evaluation.values.filter(same).map(({ arm, value, interval }) => ({
      name: arm,
      value: shownValue(metric, value),
      ...(interval === undefined
        ? {}
        : { low: shownValue(metric, interval.low), high: shownValue(metric, interval.high) }),
    }));
    const floor = evaluation.floors.find(same);
    const reference = floor === undefined ? undefined : { name: "real / real", value: shownValue(metric, floor.mean) };
    const title = `${METRIC_INFO[metric].label}${network === undefined ? "" : `, ${network}`}`;
    add(`${metric}-${network ?? ""}`, dotChart({ title, rows, reference }));
  }
  return [...drawn].map(([name, svg]) => ({ name, svg }));
}

function chartOf({ title, x, metric, series }: EvaluationCurve) {
  const shown = (v: number | undefined) => (v === undefined ? undefined : shownValue(metric, v));
  const lines = series.map(({ name, points }) => ({
    name,
    points: points.map((p) => ({ x: p.x, value: shownValue(metric, p.value), low: shown(p.low), high: shown(p.high) })),
  }));
  return { title, x, y: METRIC_INFO[metric].label, series: lines };
}

/** Small WebP pictures as `data:` URLs, for all that the page shows. A picture that is not there is left out. */
async function thumbnailsOf(
  evaluation: Evaluation,
  { pictures, side }: { pictures: string; side: number },
): Promise<Map<string, string>> {
  const files = new Set<string>();
  for (const row of evaluation.gallery) for (const { file } of row.pictures) files.add(file);
  for (const pair of evaluation.copies?.top ?? []) files.add(pair.picture).add(pair.training);
  const small = mapConcurrently(files, (file) => thumbnail(file, resolve(pictures, file), side), {
    concurrency: availableParallelism(),
  });
  const made = new Map<string, string>();
  for await (const { file, url } of small) if (url !== null) made.set(file, url);
  return made;
}

/** Numbers outlive the pictures that they were measured on: the page says where one is no longer there. */
async function thumbnail(file: string, path: string, side: number): Promise<{ file: string; url: string | null }> {
  if (!existsSync(path)) return { file, url: null };
  const bytes = await sharp(path)
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .webp({ quality: 82 })
    .toBuffer();
  return { file, url: `data:image/webp;base64,${bytes.toString("base64")}` };
}
