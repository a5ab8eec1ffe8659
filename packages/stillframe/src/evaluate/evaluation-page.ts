import type { Evaluation } from "./evaluation.js";
import { escapeMarkup } from "./markup.js";
import { METRIC_INFO, type Metric } from "./metric.js";
import {
  copyVerdict,
  type MetricCell,
  type MetricRow,
  metricRows,
  pictureCounts,
  referenceNotes,
} from "./metric-table.js";
import { questionTables } from "./question-table.js";

/** What a page shows beside the numbers. */
export interface PageParts {
  /** SVG documents, in order. */
  readonly plots: readonly string[];
  /** A `data:` URL for every picture that the gallery and the copy check name; one that is absent is left out. */
  readonly thumbnails: ReadonlyMap<string, string>;
}

/**
 * `evaluation.html`: one file without links to anything outside it, so that it can be sent, archived and opened offline.
 * Nothing in it runs.
 */
export function evaluationPage(evaluation: Evaluation, parts: PageParts): string {
  const e = escapeMarkup;
  const rows = metricRows(evaluation);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${e(evaluation.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main style="--arms: ${evaluation.arms.length}">
<h1>${e(evaluation.title)}</h1>
<p class="facts">${e(pictureCounts(evaluation))} Measured ${e(evaluation.created.slice(0, 10))}.</p>
${caveats(evaluation)}
${section("Numbers", `${valueTable(evaluation, rows)}${notes(evaluation)}`)}
${rows.some((row) => row.cells.some((c) => c.difference !== "")) ? section(`Differences to ${evaluation.arms[0]!.name}`, differenceTable(evaluation, rows)) : ""}
${(evaluation.recognition ?? []).map((found) => section("What is recognised, question by question", questionTables(found, table))).join("\n")}
${parts.plots.length === 0 ? "" : section("Plots", `<div class="plots">${parts.plots.map((svg) => `<figure>${svg}</figure>`).join("\n")}</div>`)}
${gallery(evaluation, parts.thumbnails)}
${copies(evaluation, parts.thumbnails)}
${section("How it was made", facts(evaluation))}
</main>
</body>
</html>
`;
}

const section = (title: string, body: string): string =>
  `<section>\n<h2>${escapeMarkup(title)}</h2>\n${body}\n</section>`;

function caveats({ caveats: sentences }: Evaluation): string {
  if (sentences.length === 0) return "";
  return `<aside class="caveats"><h2>Read this first</h2><ul>${sentences.map((s) => `<li>${escapeMarkup(s)}</li>`).join("")}</ul></aside>`;
}

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? `<th scope="row">${cell}</th>` : `<${tag}>${cell}</${tag}>`)).join("");
  const title = `<thead><tr>${head.map((h) => `<th scope="col">${h}</th>`).join("")}</tr></thead>`;
  return `<div class="wide"><table>${title}<tbody>${body.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}</tbody></table></div>`;
}

/** The metric with what it means, and the network's name where two rows would look alike. */
function rowTitle({ label, metric, network }: MetricRow, rows: readonly MetricRow[]): string {
  const twins = rows.filter((row) => row.metric === metric).length > 1;
  const name = twins && network !== undefined ? ` <span class="minor">${escapeMarkup(network)}</span>` : "";
  return `<abbr title="${escapeMarkup(METRIC_INFO[metric].meaning)}">${escapeMarkup(label)}</abbr>${name}`;
}

function valueTable({ arms }: Evaluation, rows: readonly MetricRow[]): string {
  const cell = ({ value, interval }: MetricCell) =>
    value === "" ? "–" : `${value}${interval === "" ? "" : `<span class="minor">${interval}</span>`}`;
  const head = ["", ...arms.map((arm) => escapeMarkup(arm.name)), "reference"];
  return table(
    head,
    rows.map((row) => [rowTitle(row, rows), ...row.cells.map(cell), row.reference || "–"]),
  );
}

const notes = (evaluation: Evaluation): string =>
  referenceNotes(evaluation)
    .map((note) => `<p class="minor">${escapeMarkup(note)}</p>`)
    .join("");

const VERDICTS = { better: "better", worse: "worse", unclear: "within chance" } as const;

function differenceTable({ arms }: Evaluation, rows: readonly MetricRow[]): string {
  const cell = ({ difference, relative, verdict }: MetricCell) => {
    if (difference === "") return "–";
    const [value, interval] = difference.split(" (") as [string, string?];
    const range = interval === undefined ? "" : `<span class="minor">${interval.slice(0, -1)}</span>`;
    const share = relative === "" ? "" : `<span class="minor">${relative}</span>`;
    return `${value}${range}${share}${verdict === null ? "" : `<span class="verdict ${verdict}">${VERDICTS[verdict]}</span>`}`;
  };
  const shown = rows.filter((row) => row.cells.some((c) => c.difference !== ""));
  return table(
    ["", ...arms.slice(1).map((arm) => escapeMarkup(arm.name))],
    shown.map((row) => [rowTitle(row, rows), ...row.cells.slice(1).map(cell)]),
  );
}

function gallery(evaluation: Evaluation, thumbnails: ReadonlyMap<string, string>): string {
  const shown = evaluation.gallery.filter((row) => row.pictures.some((p) => thumbnails.has(p.file)));
  if (shown.length === 0) return "";
  const figures = shown.map(({ prompt, seed, pictures }) => {
    const columns = pictures.map(({ arm, file }) => picture(thumbnails.get(file), arm));
    return `<div class="entry"><p class="prompt">${escapeMarkup(prompt)}${seed === undefined ? "" : ` <span class="minor">seed ${seed}</span>`}</p><div class="pictures">${columns.join("")}</div></div>`;
  });
  return section(
    "Pictures, unselected",
    `<p>The first pictures of every arm, in order. Those under one heading share ${shown.every((row) => row.seed === undefined) ? "their name" : "prompt and seed"}.</p><div class="gallery" style="--arms: ${evaluation.arms.length}">${figures.join("\n")}</div>`,
  );
}

function picture(source: string | undefined, caption: string): string {
  const image =
    source === undefined
      ? '<div class="absent">not kept</div>'
      : `<img src="${escapeMarkup(source)}" alt="${escapeMarkup(caption)}" loading="lazy">`;
  return `<figure>${image}<figcaption>${escapeMarkup(caption)}</figcaption></figure>`;
}

function copies(evaluation: Evaluation, thumbnails: ReadonlyMap<string, string>): string {
  const { copies: found } = evaluation;
  if (found === undefined) return "";
  const held =
    found.held_out_most === null
      ? ""
      : ` No held-out picture is more like one than ${found.held_out_most.toFixed(4)}; ${found.beyond_held_out} generated pictures are, and as many held-out ones would have one or two by chance.`;
  const text = `<p><b>${escapeMarkup(copyVerdict(evaluation) ?? "")}</b></p><p>Each generated picture beside the training picture that it is most like (cosine of ${escapeMarkup(found.network)} features); on average ${found.mean.toFixed(3)}.${held} A high similarity is a reason to look, not a proof.</p>`;
  const pairs = found.top.map(
    (pair) =>
      `<div class="pair">${picture(thumbnails.get(pair.picture), "generated")}${picture(thumbnails.get(pair.training), "training")}<p class="minor">${pair.similarity.toFixed(4)}</p></div>`,
  );
  return section("Most like a training picture", `${text}<div class="pairs">${pairs.join("\n")}</div>`);
}

function facts(evaluation: Evaluation): string {
  const g = evaluation.generation;
  const { folder, pictures } = evaluation.real;
  const lines: [string, string][] = [["real pictures", `${folder} (${pictures === 0 ? "statistics" : pictures})`]];
  if (g !== undefined) {
    lines.push(["base", g.base], ...(g.lora === undefined ? [] : [["adapter", g.lora] as [string, string]]));
    lines.push([
      "prompts and seeds",
      `${g.prompts} prompts × ${g.seeds_per_prompt}, from seed ${g.seed}, the same in every arm`,
    ]);
    lines.push([
      "sampling",
      `${g.sampler}, ${g.steps} steps, guidance ${g.guidance_scale}, ${g.size.width} × ${g.size.height}, ${g.precision}`,
    ]);
  }
  for (const n of evaluation.networks)
    lines.push([
      "network",
      `${n.name}${n.dimension === undefined ? "" : `, ${n.dimension} features`}${n.weights === undefined ? "" : `, ${n.weights}`}${n.sha256 === undefined ? "" : `, SHA-256 ${n.sha256.slice(0, 16)}…`}`,
    ]);
  const used = [...new Set(evaluation.values.map((v) => v.metric))];
  const meanings = used.map(
    (m: Metric) => `<li><b>${escapeMarkup(METRIC_INFO[m].label)}</b> ${escapeMarkup(METRIC_INFO[m].meaning)}</li>`,
  );
  const list = lines.map(([term, text]) => `<dt>${escapeMarkup(term)}</dt><dd>${escapeMarkup(text)}</dd>`).join("");
  return `<dl>${list}</dl><ul class="meanings">${meanings.join("")}</ul>`;
}

const STYLE = `
:root { color-scheme: light; }
body { margin: 0; background: #f6f6f4; color: #222; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: max(1180px, min(96vw, calc(var(--arms) * 120px + 400px))); margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0 0 12px; }
section { background: #fff; border: 1px solid #e3e3df; border-radius: 8px; padding: 20px; margin-top: 20px; }
.facts, .minor { color: #666; }
.minor { display: block; font-size: 12px; font-weight: normal; }
.prompt .minor { display: inline; }
.caveats { background: #fff7e0; border: 1px solid #e8d9a8; border-radius: 8px; padding: 16px 20px; margin-top: 20px; }
.caveats ul { margin: 0; padding-left: 20px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; border-bottom: 1px solid #ececea; vertical-align: top; }
th:first-child { text-align: left; font-weight: 600; white-space: nowrap; }
thead th { font-size: 13px; color: #555; }
abbr { text-decoration: none; cursor: help; }
.verdict { display: inline-block; font-size: 12px; border-radius: 4px; padding: 0 6px; margin-top: 2px; }
.better { background: #dcf3e4; color: #14532d; }
.worse { background: #fbe0db; color: #7f1d1d; }
.unclear { background: #ededed; color: #444; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 16px; }
.plots figure, .pictures figure, .pair figure { margin: 0; }
.plots svg { width: 100%; height: auto; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, calc(var(--arms) * 200px)), 1fr)); gap: 20px; }
.prompt { margin: 0 0 6px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 8px; }
img { display: block; width: 100%; height: auto; border-radius: 4px; background: #eee; }
.absent { border: 1px dashed #ccc; border-radius: 4px; color: #888; padding: 24px 8px; text-align: center; font-size: 13px; }
figcaption { font-size: 13px; color: #555; margin-top: 2px; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 16px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 6px; }
.pair p { grid-column: span 2; margin: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 0 0 16px; }
dt { color: #666; }
dd { margin: 0; overflow-wrap: anywhere; }
.meanings { margin: 0; padding-left: 20px; font-size: 14px; }
`;
