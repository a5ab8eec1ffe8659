import type { Evaluation } from "../../evaluate/evaluation.js";
import { formatValue, METRIC_INFO, type Metric } from "../../evaluate/metric.js";
import { lastPart } from "../base-model.js";
import { LeftOut } from "../left-out.js";
import { code, counted, folded, measured, number, plain, table } from "../markdown.js";
import { paragraphs, type Section } from "./section.js";

/** Arms that answer the question "base or adapter"; the others are details. */
const MAIN_ARMS = new Set(["base", "base_with_style", "lora"]);
const ARROWS = { lower: " ↓", higher: " ↑", none: "" } as const;

/** What was measured, with the numbers of pictures, the intervals and the caveats. */
export const evaluation: Section = {
  id: "evaluation",
  write({ evaluation: found }) {
    if (found instanceof LeftOut) return found;
    const main = found.arms.filter(({ kind }) => MAIN_ARMS.has(kind));
    const arms = main.length > 0 ? main : found.arms;
    const others = found.arms.filter((arm) => !arms.includes(arm));
    return paragraphs(
      "## Evaluation",
      countsText(found),
      valueTable(found, arms),
      legendText(found, arms),
      conditionsText(found),
      copiesText(found),
      found.caveats.map((caveat) => `- ${plain(caveat)}`).join("\n"),
      others.length === 0 ? undefined : folded("Other arms", valueTable(found, others)),
    );
  },
};

type Arm = Evaluation["arms"][number];
type Value = Evaluation["values"][number];

/** `1,000 generated pictures an arm against 500 real ones (test)`. */
function countsText({ arms, real }: Evaluation): string {
  const counts = new Set(arms.map(({ pictures }) => pictures));
  const generated =
    counts.size === 1
      ? `${counted(arms[0]?.pictures ?? 0, "generated picture")} an arm`
      : arms.map(({ name, pictures }) => `${plain(name)} ${number(pictures)}`).join(", ");
  const against = real.pictures === 0 ? "statistics of real pictures" : counted(real.pictures, "real picture");
  return `**N:** ${generated}, against ${against} (${code(lastPart(real.name))}).`;
}

function valueTable(evaluation: Evaluation, arms: readonly Arm[]): string {
  const rows = rowsOf(evaluation);
  const [first] = evaluation.arms;
  const compared = evaluation.differences.filter(({ to }) =>
    arms.some(({ kind, name }) => kind === "lora" && name === to),
  );
  const hasFloor = evaluation.floors.length > 0;
  const head = [
    "",
    ...arms.map(({ name }) => plain(name)),
    ...(compared.length > 0 ? [`change from ${plain(first?.name ?? "")}`] : []),
    ...(hasFloor ? ["real against real"] : []),
  ];
  const cells = rows.map(({ metric, network }) => {
    const same = (one: { metric: Metric; network?: string | undefined }) =>
      one.metric === metric && one.network === network;
    const difference = compared.find(same);
    const floor = evaluation.floors.find(same);
    return [
      rowName(evaluation, { metric, network }),
      ...arms.map(({ name }) => valueCell(evaluation.values.find((one) => same(one) && one.arm === name))),
      ...(compared.length > 0 ? [difference === undefined ? "" : changeCell(difference)] : []),
      ...(hasFloor
        ? [floor === undefined ? "" : `${formatValue(metric, floor.mean)} (N = ${number(floor.size)})`]
        : []),
    ];
  });
  return table(head, cells);
}

/** Each metric and network once, in the order of the values. */
function rowsOf({ values }: Evaluation): Pick<Value, "metric" | "network">[] {
  return values.filter(
    (one, i) => values.findIndex(({ metric, network }) => metric === one.metric && network === one.network) === i,
  );
}

/** The network is named where one metric was taken with several. */
function rowName({ values }: Evaluation, { metric, network }: Pick<Value, "metric" | "network">): string {
  const { label, better } = METRIC_INFO[metric];
  const networks = new Set(values.filter((one) => one.metric === metric).map((one) => one.network));
  return `${label}${network !== undefined && networks.size > 1 ? ` (${plain(network)})` : ""}${ARROWS[better]}`;
}

function valueCell(value: Value | undefined): string {
  if (value === undefined) return "";
  const spread = value.std === undefined ? "" : ` ± ${formatValue(value.metric, value.std)}`;
  return `${formatValue(value.metric, value.value)}${spread}${intervalText(value)}`;
}

function changeCell(difference: Evaluation["differences"][number]): string {
  const sign = difference.value > 0 ? "+" : "";
  return `**${sign}${formatValue(difference.metric, difference.value)}**${intervalText(difference)}`;
}

function intervalText({ metric, interval }: Pick<Value, "metric" | "interval">): string {
  return interval === undefined
    ? ""
    : `\n[${formatValue(metric, interval.low)}, ${formatValue(metric, interval.high)}]`;
}

function legendText(evaluation: Evaluation, arms: readonly Arm[]): string {
  const level = evaluation.values.find(({ interval }) => interval !== undefined)?.interval?.level;
  const sentences = [
    "↓ lower is better, ↑ higher is better.",
    level === undefined ? "" : `In brackets: ${measured(level * 100)} % bootstrap intervals, paired for the change.`,
    evaluation.floors.length > 0 ? "*Real against real* is what a perfect model would get." : "",
    arms.some(({ kind }) => kind === "base_with_style")
      ? "One arm is the base model with words of the style in its prompts."
      : "",
    ...rowsOf(evaluation).map(
      ({ metric }) => `${METRIC_INFO[metric].label}: ${lowerFirst(METRIC_INFO[metric].meaning)}`,
    ),
  ];
  return [...new Set(sentences)].filter((sentence) => sentence !== "").join(" ");
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) && !text.startsWith("Fréchet") ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}

function conditionsText({ generation }: Evaluation): string | undefined {
  if (generation === undefined) return undefined;
  const { prompts, seeds_per_prompt: seeds, sampler, steps, guidance_scale: guidance, size, precision } = generation;
  return `All arms have the same ${counted(prompts, "prompt")} × ${counted(seeds, "seed")}, the same noise, ${code(sampler)} with ${counted(steps, "step")}, guidance ${guidance}, ${size.width} × ${size.height} pixels, ${plain(precision)}.`;
}

function copiesText({ copies }: Evaluation): string | undefined {
  if (copies === undefined) return undefined;
  const { beyond_held_out: beyond, held_out_most: most, mean, top, threshold, copies: found } = copies;
  const nearest = top[0] === undefined ? "" : ` The nearest pair has similarity ${measured(top[0].similarity)}.`;
  const against =
    beyond === null || most === null
      ? ""
      : ` ${counted(beyond, "generated picture")} ${beyond === 1 ? "is" : "are"} nearer to a training picture than any held-out picture is (${measured(most)}).`;
  const verdict =
    found == null || threshold == null
      ? ""
      : `${found === 0 ? "no generated picture counts as one" : `${counted(found, "generated picture")} ${found === 1 ? "counts" : "count"} as one`} (similarity from ${measured(threshold)} on). `;
  return `**Copies of training pictures:** ${verdict}The mean similarity to the nearest training picture is ${measured(mean)} (${plain(copies.network)}).${nearest}${against}`;
}
