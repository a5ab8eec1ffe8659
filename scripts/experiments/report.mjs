// What an experiment found: one JSON, tables, and sheets of pictures.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { basename, join } from "node:path";
import sharp from "sharp";
import { metricRows } from "../../packages/stillframe/dist/evaluate/metric-table.js";
import { folderName } from "../../packages/stillframe/dist/evaluate/run/arms.js";
import { contactSheet } from "../../packages/stillframe/dist/generate/contact-sheet.js";
import { clock, ROOT, writeWhole } from "../stages.mjs";
import { ARMS, TRAININGS } from "./arms.mjs";

const PAGE = join(ROOT, "docs/experiments.md");
/** What the tables show; all else is in the JSON. */
const METRICS = ["classifier_fd", "style_recognised", "name_recognised", "attributes_recognised"];
/** As docs show pictures, and as pages can bear them. */
const CELL = 96;
const MOST_BYTES = 300_000;

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Writes experiments.json and the sheets; with `--docs` the page too. */
export async function report(experiments) {
  const { stages, options } = experiments;
  const facts = factsOf(experiments);
  writeWhole(stages.at("experiments.json"), `${JSON.stringify(facts, null, 1)}\n`);
  const main = ARMS.filter((arm) => arm.main);
  const strengths = [
    "base, style's words",
    "quickstart × 0.5",
    "quickstart",
    "quickstart × 1.3",
    "quickstart, no prefix",
  ];
  const sheets = [
    ["experiments.png", await sheetOf(experiments, main)],
    [
      "strengths.png",
      await sheetOf(
        experiments,
        ARMS.filter(({ name }) => strengths.includes(name)),
        strengths,
      ),
    ],
    ["nearest.png", await pairsOf(experiments, facts)],
  ].filter(([, data]) => data !== null);
  for (const [name, data] of sheets) writeWhole(stages.at("sheets", name), data);
  const tables = tablesOf(facts, sheets);
  writeWhole(stages.at("tables.md"), `${tables}\n`);
  console.log(`\n${tables}\n\n${stages.at("experiments.json")}, tables.md and sheets/`);
  if (!options.docs) return;
  writeWhole(PAGE, withTables(readFileSync(PAGE, "utf8"), tables));
  mkdirSync(join(ROOT, "docs/pictures"), { recursive: true });
  for (const [name] of sheets) copyFileSync(stages.at("sheets", name), join(ROOT, "docs/pictures", name));
  copyFileSync(stages.at("experiments.json"), join(ROOT, "docs/experiments.json"));
  console.log("docs/experiments.md, docs/experiments.json and docs/pictures are written.");
}

/** All figures: what was trained how and for how long, and what was measured. */
function factsOf({ stages, options, baseHash }) {
  const { prompts, secondary, seed, scale, jobs } = options;
  const trainings = Object.entries(TRAININGS).map(([name, asked]) => {
    const folder = stages.at("trained", folderName(name));
    const manifest = readJson(join(folder, "manifest.json"));
    const events = readFileSync(join(folder, "events.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const losses = events.filter(({ type }) => type === "step");
    const last = losses.slice(-Math.ceil(losses.length / 10));
    const seconds = stages.seconds(`train ${name}`);
    return {
      name,
      ...asked,
      warmup: asked.warmup === 0 ? 0 : manifest.options.lr_warmup_steps,
      steps: manifest.steps,
      pictures: manifest.steps * asked.batch,
      trained_numbers: events.find(({ type }) => type === "run_started").trained_parameters,
      seconds,
      loss_at_the_end: last.reduce((sum, { loss }) => sum + loss, 0) / last.length,
    };
  });
  const evaluation = (name) => (existsSync(stages.at(name)) ? readJson(stages.at(name, "evaluation.json")) : null);
  const whole = evaluation(`evaluation-${prompts}`);
  const all = evaluation(`evaluation-all-${secondary}`);
  return {
    made: new Date().toISOString().slice(0, 10),
    machine: { processor: cpus()[0]?.model.trim(), cores: cpus().length, jobs, node: process.version },
    base_sha256: baseHash,
    seed,
    steps_scale: scale,
    prompts,
    secondary_prompts: secondary,
    trainings,
    stage_seconds: Object.fromEntries(stages.names.map((name) => [name, Math.round(stages.seconds(name))])),
    evaluations: [whole, all].filter((one) => one !== null).map(withoutPaths),
  };
}

/** What was measured, without this machine's folders and without the list of pictures. */
function withoutPaths({ gallery, copies, arms, real, ...evaluation }) {
  const place = ({ name }) => ARMS.findIndex((arm) => arm.name === name);
  const named = ({ folder, ...set }) => ({ ...set, name: armLabel(set.name) });
  const relabel = (entries, keys) =>
    entries.map((e) => ({ ...e, ...Object.fromEntries(keys.map((k) => [k, armLabel(e[k])])) }));
  return {
    ...evaluation,
    real: named(real),
    arms: arms.map(named).sort((a, b) => place(a) - place(b)),
    values: relabel(evaluation.values, ["arm"]),
    differences: relabel(evaluation.differences, ["from", "to"]),
    recognition: evaluation.recognition?.map((r) => ({ ...r, arms: relabel(r.arms, ["arm"]) })),
    ...(copies && {
      copies: {
        ...copies,
        top: copies.top.map(({ picture, training, similarity }) => ({
          picture: basename(picture),
          training: basename(training),
          similarity,
        })),
      },
    }),
  };
}

/** `evaluate` was told that the quickstart's adapter is the LoRA. */
const armLabel = (name) => (name === "lora" ? "quickstart" : name);

/** The first prompts and every arm given, unselected. */
async function sheetOf(experiments, arms, order = arms.map(({ name }) => name), rows = 8) {
  const { stages, options } = experiments;
  const lines = readFileSync(stages.at("prompts/all.jsonl"), "utf8").trim().split("\n");
  const sorted = [...arms].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const sheet = lines.slice(0, Math.min(rows, options.secondary)).map((line, i) => ({
    heading: JSON.parse(line).plain,
    cells: sorted.map((arm) => ({ picture: experiments.picture(arm, i), label: short(arm.name) })),
  }));
  return small(await contactSheet(sheet, { cell: CELL }));
}

/** Names as they fit below a small picture. */
const short = (name) =>
  name
    .replace("base, style's words", "base + words")
    .replace(", higher rate", " ↑")
    .replace(/^quickstart,? (?=.)/, "");

/** The generated pictures that are most like a training picture, above those. */
async function pairsOf(experiments, { prompts }) {
  const { stages } = experiments;
  const folder = stages.at(`evaluation-${prompts}`);
  const { copies } = readJson(join(folder, "evaluation.json"));
  if (copies === undefined) return null;
  const top = copies.top.slice(0, 8);
  const row = (heading, key, label) => ({
    heading,
    cells: top.map((pair) => ({ picture: join(folder, pair[key]), label: label(pair) })),
  });
  const rows = [
    row("generated", "picture", () => ""),
    row("the training picture that it is most like", "training", ({ similarity }) => similarity.toFixed(3)),
  ];
  return small(await contactSheet(rows, { cell: CELL }));
}

/** A PNG with so few colours that it stays below the limit. */
async function small(png) {
  for (const colours of [256, 160, 96, 48]) {
    const data = await sharp(png).png({ palette: true, colours, effort: 10, compressionLevel: 9 }).toBuffer();
    if (data.length <= MOST_BYTES || colours === 48) return data;
  }
}

const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
const number = (n) => n.toLocaleString("en-US");
/** `0.002 → 2e-3`. */
const rate = (lr) => lr.toExponential();

function trainingTable({ trainings }) {
  const head = [
    "",
    "rank",
    "layers",
    "rate",
    "batch",
    "warm-up",
    "text encoders",
    "steps",
    "pictures",
    "trained numbers",
    "time",
    "loss at the end",
  ];
  const rows = trainings.map((t) => [
    t.name,
    t.rank ?? "",
    t.layers ?? (t.rank === null ? "all" : "attention"),
    rate(t.lr),
    t.batch,
    t.warmup === 0 ? "no" : t.warmup,
    t.texts ? (t.textLr === undefined ? "yes" : rate(t.textLr)) : "no",
    number(t.steps),
    number(t.pictures),
    number(t.trained_numbers),
    clock(t.seconds),
    t.loss_at_the_end.toFixed(3),
  ]);
  return table(head, rows);
}

function resultTable(evaluation) {
  const rows = metricRows(evaluation).filter(({ metric }) => METRICS.includes(metric));
  const sorted = rows.sort((a, b) => METRICS.indexOf(a.metric) - METRICS.indexOf(b.metric));
  const hasReference = sorted.some(({ reference }) => reference !== "");
  const cell = ({ value, interval, relative }) =>
    `${value}${interval === "" ? "" : ` (${interval})`}${relative === "" ? "" : `<br>${relative}`}`;
  const head = ["", ...sorted.map(({ label }) => label)];
  const arms = evaluation.arms.map(({ name }, i) => [name, ...sorted.map(({ cells }) => cell(cells[i]))]);
  const reference = ["*to hold it against*", ...sorted.map((r) => r.reference)];
  return table(head, hasReference ? [...arms, reference] : arms);
}

/** The part of the page that is written by this program. */
function tablesOf(facts, sheets) {
  const { evaluations } = facts;
  const pictures = [
    ["experiments.png", "The first eight prompts with every arm, nothing selected (↑: the higher rate)"],
    ["strengths.png", "The same prompts: the quickstart's adapter at three strengths, and without the prefix"],
    ["nearest.png", "Copy check: the pictures of quickstart that are most like a training picture, and that picture"],
  ].filter(([name]) => sheets.some(([drawn]) => drawn === name));
  return [
    conditionsText(facts),
    "### Trainings",
    trainingTable(facts),
    ...evaluations.flatMap((evaluation) => [
      `### ${number(evaluation.arms[0].pictures)} pictures an arm, against ${number(evaluation.real.pictures)} held-out stills`,
      resultTable(evaluation),
      copiesText(evaluation),
    ]),
    "### Pictures",
    ...pictures.map(([name, about]) => `![${about}](pictures/${name})\n\n*${about}.*`),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function conditionsText({ machine, made, stage_seconds: seconds, ...facts }) {
  const sum = (word) => Object.entries(seconds).reduce((all, [name, s]) => all + (name.startsWith(word) ? s : 0), 0);
  const spent = `${clock(sum("train "))} for training, ${clock(sum("draw "))} for drawing, ${clock(sum("evaluation"))} for measuring`;
  const trial =
    facts.steps_scale === 1 ? "" : ` **A trial with ${facts.steps_scale} of the training steps: no result.**`;
  return (
    `Made on ${made} on ${machine.processor} (${machine.cores} cores), ` +
    `${machine.jobs} things at a time with one thread each. Minutes of one core: ${spent}. Seed ${facts.seed}; base model ` +
    `\`${facts.base_sha256.slice(0, 12)}\`. All figures: [experiments.json](experiments.json).${trial}`
  );
}

function copiesText({ copies }) {
  if (!copies) return "";
  const { arm = "quickstart", mean, held_out_most: most, beyond_held_out: beyond, copies: found, top } = copies;
  const nearest = top[0] === undefined ? "" : ` The nearest pair has ${top[0].similarity.toFixed(3)}.`;
  const held =
    most === null
      ? ""
      : ` Of held-out stills the most alike has ${most.toFixed(3)}; ${beyond} pictures are beyond that.`;
  const counted = found === undefined || found === null ? "" : ` Counted as copies: ${found}.`;
  return `Likeness of ${armLabel(arm)}'s pictures to the nearest training picture: ${mean.toFixed(3)} in the mean.${nearest}${held}${counted}`;
}

const MARKS = ["<!-- experiments:begin -->", "<!-- experiments:end -->"];

/** The page with new tables between its marks; what stands around them was written by hand. */
function withTables(page, tables) {
  const [before, rest] = page.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined) throw new Error(`${PAGE} has lost its marks ${MARKS.join(" and ")}`);
  return `${before}${MARKS[0]}\n\n${tables}\n\n${MARKS[1]}${after}`;
}
