import type { Evaluation, EvaluationInterval } from "./evaluation.js";
import { formatValue, METRIC_INFO, type Metric } from "./metric.js";
import { RECOGNISED, type RecognisedMetric } from "./recognition.js";

/** One metric as a row: what it is, and a cell for every arm. */
export interface MetricRow {
  readonly metric: Metric;
  readonly network: string | undefined;
  /** `FID ↓` */
  readonly label: string;
  /** In the order of the arms; empty where an arm was not measured. */
  readonly cells: readonly MetricCell[];
  /**
   * What to hold the values against: real against real, `12.3 ± 0.4`; of what is recognised, how often the network is right
   * itself, `99.1 / 97.8`; empty where there is neither.
   */
  readonly reference: string;
}

export interface MetricCell {
  /** `117.40` */
  readonly value: string;
  /** `115.9–118.8` */
  readonly interval: string;
  /** Against the first arm, `-17.70 (-19.1 to -16.2)`; empty for the first. */
  readonly difference: string;
  /** The same as a share, `-15.1 % (-16.3 to -13.8)`; empty where it means nothing. */
  readonly relative: string;
  /** Whether the difference's interval keeps away from zero, and on which side; null where nothing can be said. */
  readonly verdict: "better" | "worse" | "unclear" | null;
}

const ARROWS = { lower: " ↓", higher: " ↑", none: "" } as const;

/** The evaluation's values as rows, one for each metric and network. */
export function metricRows(evaluation: Evaluation): MetricRow[] {
  const keys = new Map(evaluation.values.map(({ metric, network }) => [`${metric} ${network}`, { metric, network }]));
  return [...keys.values()].map(({ metric, network }) => {
    const same = (entry: { metric: Metric; network?: string | undefined }) =>
      entry.metric === metric && entry.network === network;
    const floor = evaluation.floors.find(same);
    const cells = evaluation.arms.map(({ name }): MetricCell => {
      const value = evaluation.values.find((v) => same(v) && v.arm === name);
      const difference = evaluation.differences.find((d) => same(d) && d.to === name);
      return {
        value: value === undefined ? "" : formatValue(metric, value.value),
        interval:
          value?.interval === undefined
            ? ""
            : `${formatValue(metric, value.interval.low)}–${formatValue(metric, value.interval.high)}`,
        difference: difference === undefined ? "" : signedDifference(metric, difference),
        relative: difference?.relative === undefined ? "" : percentDifference(difference.relative),
        verdict: difference === undefined ? null : verdictOf(metric, difference.interval),
      };
    });
    const floorText = floor && `${formatValue(metric, floor.mean)} ± ${formatValue(metric, floor.std)}`;
    return {
      metric,
      network,
      label: METRIC_INFO[metric].label + ARROWS[METRIC_INFO[metric].better],
      cells,
      reference: floorText ?? ownAccuracy(evaluation, { metric, network }),
    };
  });
}

function signedDifference(
  metric: Metric,
  { value, interval }: { value: number; interval?: EvaluationInterval | undefined },
): string {
  const signed = (v: number) => `${v > 0 ? "+" : ""}${formatValue(metric, v)}`;
  return interval === undefined
    ? signed(value)
    : `${signed(value)} (${signed(interval.low)} to ${signed(interval.high)})`;
}

function percentDifference({ value, interval }: NonNullable<Evaluation["differences"][number]["relative"]>): string {
  const signed = (share: number) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`;
  return `${signed(value)} %${interval === undefined ? "" : ` (${signed(interval.low)} to ${signed(interval.high)})`}`;
}

/** How often a network that recognises things is right itself, on one kind of pictures after the other. */
function ownAccuracy(
  { recognition }: Evaluation,
  { metric, network }: { metric: Metric; network: string | undefined },
): string {
  if (!Object.hasOwn(RECOGNISED, metric)) return "";
  const of = RECOGNISED[metric as RecognisedMetric];
  const found = recognition?.find((r) => r.network === network)?.accuracy ?? [];
  return found.map((a) => formatValue(metric, a[of].right / a[of].of)).join(" / ");
}

/** What the column of references holds, in sentences. */
export function referenceNotes({ floors, recognition }: Evaluation): string[] {
  const own = (recognition ?? []).map(
    ({ accuracy }) =>
      `For what is recognised, the reference is how often the classifier is right itself: on ${accuracy.map((a) => a.on).join(" / on ")}.`,
  );
  return [
    ...(floors.length > 0 ? ["For distances, the reference is real pictures against real pictures."] : []),
    ...new Set(own),
  ];
}

/** What the copy check found, in a sentence; null without one. */
export function copyVerdict({ copies: found }: Evaluation): string | null {
  if (found?.copies === undefined) return null;
  const of = found.arm === undefined ? "generated picture" : `picture of ${found.arm}`;
  if (found.copies === null || typeof found.threshold !== "number")
    return `Whether a ${of} is a copy cannot be told: no picture was held out to compare with.`;
  const rule = `similarity ${found.threshold.toFixed(4)} or more to a training picture; the closest held-out picture has ${found.held_out_most?.toFixed(4)}`;
  if (found.copies === 0) return `No ${of} is a copy (${rule}).`;
  return `${found.copies} of the pictures${found.arm === undefined ? "" : ` of ${found.arm}`} count as copies (${rule}).`;
}

function verdictOf(metric: Metric, interval: EvaluationInterval | undefined): MetricCell["verdict"] {
  const { better } = METRIC_INFO[metric];
  if (interval === undefined || better === "none") return null;
  if (interval.low <= 0 && interval.high >= 0) return "unclear";
  return interval.high < 0 === (better === "lower") ? "better" : "worse";
}

/** The table for a terminal or a text file: values, then differences to the first arm, then the caveats. */
export function metricTable(evaluation: Evaluation): string {
  const rows = metricRows(evaluation);
  const names = evaluation.arms.map((arm) => arm.name);
  const values = [
    ["", ...names, "reference"],
    ...rows.map((row) => [rowName(row, rows), ...row.cells.map((c) => c.value || "-"), row.reference || "-"]),
  ];
  const others = names.slice(1);
  const differences = rows.filter((row) => row.cells.some((c) => c.difference !== ""));
  const lines = [...aligned(values)];
  if (differences.length > 0) {
    lines.push("", `difference to ${names[0]} (${levelOf(evaluation)})`);
    lines.push(
      ...aligned([
        ["", ...others],
        ...differences.map((row) => [rowName(row, rows), ...row.cells.slice(1).map((c) => c.difference || "-")]),
        ...differences.flatMap((row) =>
          row.cells.some((c) => c.relative !== "")
            ? [[`${rowName(row, rows)}, in %`, ...row.cells.slice(1).map((c) => c.relative || "-")]]
            : [],
        ),
      ]),
    );
  }
  lines.push("", pictureCounts(evaluation), ...referenceNotes(evaluation));
  const verdict = copyVerdict(evaluation);
  if (verdict !== null) lines.push(verdict);
  for (const caveat of evaluation.caveats) lines.push(`! ${caveat}`);
  return `${lines.join("\n")}\n`;
}

/** The metric, and the network where two rows would look alike. */
function rowName({ label, metric, network }: MetricRow, rows: readonly MetricRow[]): string {
  const twins = rows.filter((row) => row.metric === metric).length > 1;
  return twins && network !== undefined ? `${label} ${network}` : label;
}

function levelOf({ differences }: Evaluation): string {
  const interval = differences.find((d) => d.interval !== undefined)?.interval;
  if (interval === undefined) return "without intervals";
  return `with ${Math.round(interval.level * 100)} % intervals from ${interval.resamples} paired resamples`;
}

/** `1790 real pictures; 180 in each arm.` */
export function pictureCounts({ real, arms }: Evaluation): string {
  const counts = new Set(arms.map((arm) => arm.pictures));
  const each =
    counts.size === 1
      ? `${arms[0]!.pictures} in each arm`
      : arms.map((arm) => `${arm.pictures} in ${arm.name}`).join(", ");
  return `${real.pictures === 0 ? `Statistics of real pictures (${real.folder})` : `${real.pictures} real pictures`}; ${each}.`;
}

/** Columns padded to one width; the first to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
