// The main job, from nothing: draw a style, train a LoRA on it, make pictures, measure, write the model card.
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CLASSIFIER, classifierHash, hasClassifier } from "./classifier.mjs";
import { TRAININGS, trainOptions } from "./experiments/arms.mjs";
import { clock, folderHash, node, Refusal, ROOT, Stages, stillframe, world, writeWhole } from "./stages.mjs";

const HELP = `Usage: ./quickstart [options]

Sets this checkout up, then draws a style that the bundled base model has never seen, trains a LoRA on it, makes pictures
with and without it, measures how well the style was learnt, and writes the model card. It takes 5 to 10 minutes on two
cores. Stopped by Ctrl-C or killed, the same command goes on where it was.

  --output_dir=DIR  where everything goes (runs/quickstart)
  --seed=N          another seed, another style set and other pictures; the same seed, the same ones (7)
  --base=DIR        another base model: a folder in the diffusers layout (models/pocket/model)
  --quick           the same with little of everything, in half a minute: shows that all parts work, not what they can do
  --fresh           forget what an earlier call left in the folder
  --help            this text
`;

/** The words that the stills' captions begin with. */
const PREFIX = "Still from the Anime";
/** People whom the base knows by name and who are in no still, and people whom nobody has seen. */
const PROMPTS = [
  "Mara at the beach, smiling",
  "Kazo in the city at night, looking angry",
  "Juno in the library, looking surprised",
  "Brond in the snow, waving",
  "a boy with spiky green hair and round glasses, in a red jacket, smiling, in the forest",
  "a woman with a purple bob, in a white sweater with a straw hat, looking sad, in the park",
  "a girl with blond braids, in a blue dress, waving, holding a red balloon, in the mountains",
  "a man with a bald head and a beard, in green overalls, with a calm face, with a cat, in the kitchen",
];
const TRAINING = TRAININGS.quickstart;
const SETTINGS = {
  whole: { stills: 500, heldOut: 400, training: TRAINING, shown: PROMPTS, measured: 100, denoising: 20 },
  quick: {
    ...{ stills: 16, heldOut: 8, training: { ...TRAINING, batch: 2, steps: 6, warmup: 2 } },
    ...{ shown: PROMPTS.slice(3, 5), measured: 6, denoising: 3 },
  },
};
const SIZE = 96;

function readOptions() {
  // `setup`: what ./quickstart adds, so that words on the command line are checked before minutes of set-up
  const flags = {
    setup: { type: "boolean" },
    quick: { type: "boolean" },
    fresh: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  };
  const texts = { base: { type: "string" }, output_dir: { type: "string" }, seed: { type: "string", default: "7" } };
  const spelled = { "output-dir": { type: "string" } };
  try {
    const { values } = parseArgs({ options: { ...flags, ...texts, ...spelled } });
    return { ...values, output_dir: values.output_dir ?? values["output-dir"] };
  } catch (e) {
    const [problem] = e.message.split(". ");
    throw new Refusal(`${problem}. There are --output_dir, --seed, --base, --quick, --fresh and --help.`);
  }
}

function baseFolder(given) {
  const folder = given === undefined ? join(ROOT, "models/pocket/model") : resolve(given);
  if (!existsSync(join(folder, "model_index.json")) || !statSync(folder).isDirectory())
    throw new Refusal(
      `expected the folder of a model (with model_index.json) for --base but received ${given ?? folder}`,
    );
  return folder;
}

/** As seen from the project, where the commands run, so that no file names this machine's folders without need. */
const fromRoot = (path) => (relative(ROOT, path).startsWith("..") ? path : relative(ROOT, path));
const shown = (path) => (relative(process.cwd(), path).startsWith("..") ? path : relative(process.cwd(), path) || ".");

/** The pictures' part of the card, which a person could have written: what is generated stays apart from it. */
function cardWithPictures(card) {
  const title = "## Pictures";
  if (card.includes(title)) return card;
  const part = `${title}

![Pictures of the base model and of the LoRA, with and without the prefix](images/contact-sheet.png)

A row has one prompt and one seed: the base model, the LoRA at three strengths, and the LoRA without the prefix. Prompts
and seeds were chosen before the pictures were made. The base knows the people with names; they are in no training picture.
`;
  const end = "<!-- stillframe:end style -->";
  return card.includes(end) ? card.replace(end, `${end}\n\n${part}`) : `${card}\n${part}`;
}

async function make(stages, { base, seed, quick }) {
  const s = quick ? SETTINGS.quick : SETTINGS.whole;
  const at = (...parts) => fromRoot(stages.at(...parts));
  const model = `--pretrained_model_name_or_path=${fromRoot(base)}`;
  const style = [`--prefix=${PREFIX}`, `--steps=${s.denoising}`, "--guidance_scale=4", `--seed=${seed}`];
  const drawn = (set, count) => ["draw", `--set=${set}`, `--count=${count}`, `--seed=${seed}`, `--size=${SIZE}`];

  await stages.run("stills", {
    title: `Drawing ${s.stills} stills of a style that the base model has never seen`,
    inputs: { seed, count: s.stills },
    work: () => world(...drawn("style", s.stills), `--output_dir=${at("stills")}`),
  });
  await stages.run("lora", {
    title: "Training a LoRA on them",
    output: "anime-style",
    inputs: { base: folderHash(base), seed, ...s },
    after: ["stills"],
    work: () =>
      stillframe(
        ...["train", model, `--train_data_dir=${at("stills")}`, `--output_dir=${at("anime-style")}`],
        ...[`--resolution=${SIZE}`, ...trainOptions(s.training), `--seed=${seed}`],
        ...["--checkpointing_steps=50", "--checkpoints_total_limit=2"],
        ...[`--cache_dir=${at("cache")}`, "--resume_from_checkpoint=latest"],
      ),
  });
  await stages.run("pictures", {
    title: "Making pictures without it and with it, from the same noise",
    after: ["lora"],
    work: () =>
      stillframe(
        ...["generate", model, `--lora=${at("anime-style")}`, "--compare", "--lora_scales=0.5,1,1.3", ...style],
        ...s.shown.map((prompt) => `--prompt=${prompt}`),
        `--output_dir=${at("pictures")}`,
      ),
  });
  if (hasClassifier()) await measure(stages, { s, seed, at, model, style, drawn });
  await stages.run("card", {
    title: "Writing the model card",
    after: ["pictures", "evaluation"],
    output: "anime-style/README.md",
    work: async () => {
      mkdirSync(stages.at("anime-style/images"), { recursive: true });
      copyFileSync(stages.at("pictures/contact-sheet.png"), stages.at("anime-style/images/contact-sheet.png"));
      await stillframe("card", at("anime-style"));
      const card = stages.at("anime-style/README.md");
      writeWhole(card, cardWithPictures(readFileSync(card, "utf8")));
    },
  });
}

/** Base against LoRA on drawings and combinations that no training set has. */
async function measure(stages, { s, seed, at, model, style, drawn }) {
  await stages.run("held-out", {
    title: `Drawing ${s.heldOut} stills that were held out, to measure with`,
    inputs: { seed, count: s.heldOut },
    work: () => world(...drawn("style-held-out", s.heldOut), `--output_dir=${at("held-out")}`),
  });
  await stages.run("prompts", {
    title: `Writing ${s.measured} prompts that no training set has`,
    inputs: { seed, count: s.measured },
    work: () => prompts(stages, { seed, count: s.measured, at }),
  });
  await stages.run("evaluation", {
    title: "Measuring base and LoRA",
    inputs: { classifier: classifierHash() },
    after: ["lora", "stills", "held-out", "prompts"],
    output: "anime-style/evaluation",
    work: () =>
      stillframe(
        ...["evaluate", model, `--lora=${at("anime-style")}`, `--real=${at("held-out")}`, `--training=${at("stills")}`],
        ...[`--prompts=${at("prompts/prompts.jsonl")}`, "--base_prompt_field=base", ...style],
        ...[`--classifier=${CLASSIFIER}`, "--title=Quickstart", `--output_dir=${at("anime-style/evaluation")}`],
      ),
  });
}

/** Each line has the prompt, the same in words that the base knows, and what the picture should show. */
async function prompts(stages, { seed, count, at }) {
  await world("prompts", `--count=${count}`, `--seed=${seed}`, `--output=${at("prompts/all.jsonl")}`);
  const lines = readFileSync(stages.at("prompts/all.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const rows = lines.map(({ plain, base, asked }) => JSON.stringify({ text: plain, base, asked }));
  writeWhole(stages.at("prompts/prompts.jsonl"), `${rows.join("\n")}\n`);
}

function tellWhere(stages, seconds) {
  const measured = existsSync(stages.at("anime-style/evaluation/evaluation.html"));
  const lines = [
    ["the style", "stills"],
    ["the adapter", "anime-style/pytorch_lora_weights.safetensors"],
    ["the pictures", "pictures/contact-sheet.png"],
    ...(measured ? [["the evaluation", "anime-style/evaluation/evaluation.html"]] : []),
    ["the model card", "anime-style/README.md"],
    ["what was used", "anime-style/manifest.json"],
  ];
  console.log(
    seconds === null ? "Everything is there already; --fresh makes it anew." : `\n── Done in ${clock(seconds)}`,
  );
  for (const [what, path] of lines) console.log(`  ${what.padEnd(16)} ${shown(stages.at(path))}`);
  if (!measured) console.log(`  There is no evaluation: it needs ${CLASSIFIER}.`);
}

async function main() {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  if (!/^\d{1,9}$/.test(options.seed))
    throw new Refusal(`expected a whole number for --seed but received ${options.seed}`);
  const base = baseFolder(options.base);
  const folder = options.output_dir === undefined ? join(ROOT, "runs/quickstart") : options.output_dir;
  const stages = new Stages(folder, { maker: "quickstart", fresh: options.fresh });
  if (options.setup) await node("scripts/setup.mjs", []);
  if (stages.begun) console.log(`Going on in ${shown(stages.folder)}; --fresh begins anew.`);
  const started = performance.now();
  await make(stages, { base, seed: Number(options.seed), quick: options.quick ?? false });
  tellWhere(stages, stages.worked ? (performance.now() - started) / 1000 : null);
}

try {
  await main();
} catch (e) {
  if (!(e instanceof Refusal)) throw e;
  const again = [
    "./quickstart",
    ...process.argv.slice(2).filter((word) => !["--fresh", "--setup"].includes(word)),
  ].join(" ");
  console.error(e.status > 128 ? `\nStopped. ${again} goes on from here.` : e.message);
  process.exitCode = e.status;
}
