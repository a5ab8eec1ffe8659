// Compares ways to train a style on the bundled base model: trains, draws, measures, and writes docs/experiments.md.
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { cpus } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CLASSIFIER, classifierHash } from "./classifier.mjs";
import { ARMS, TRAININGS, trainOptions } from "./experiments/arms.mjs";
import { doAll } from "./experiments/pool.mjs";
import { clock, folderHash, node, Refusal, ROOT, Stages, writeWhole } from "./stages.mjs";

const HELP = `Usage: npm run experiments -- [options]

Trains the same style in several ways, draws the same prompts with each, measures, and says how long everything took.
Stopped or killed, the same command goes on where it was; what has other inputs than before is done again.

  --output_dir=DIR       where everything goes (runs/experiments)
  --base=DIR             the base model (models/pocket/model)
  --prompts=N            prompts of the main arms (500)
  --secondary_prompts=N  prompts of all arms together, which are the first of those (200, or all)
  --steps_scale=X        this share of the training steps, for a small trial (1)
  --seed=N               of data, trainings and pictures (7)
  --jobs=N               things done at once, one thread each (the number of cores)
  --docs                 also write the tables into docs/experiments.md, and docs/experiments.json and docs/pictures
  --fresh                forget what an earlier call left in the folder
`;
const SIZE = 96;
const STILLS = 500;
/** Held-out stills for each prompt: a Fréchet distance to few pictures is too large. */
const HELD_OUT = 4;
const PARTS = 2;
const DRAWING = { steps: 20, guidance_scale: 4 };
const ONE_THREAD = { OMP_NUM_THREADS: "1", STILLFRAME_THREADS: "1" };

function readOptions() {
  const text = (value) => ({ type: "string", default: value });
  const flag = { type: "boolean", default: false };
  try {
    const { values } = parseArgs({
      options: {
        output_dir: text(join(ROOT, "runs/experiments")),
        base: text(join(ROOT, "models/pocket/model")),
        prompts: text("500"),
        secondary_prompts: { type: "string" },
        steps_scale: text("1"),
        seed: text("7"),
        jobs: text(String(cpus().length)),
        docs: flag,
        fresh: flag,
        help: flag,
      },
    });
    const number = (name, least) => {
      const value = Number(values[name]);
      const whole = name === "steps_scale" || Number.isInteger(value);
      if (values[name].trim() === "" || !whole || !(value >= least))
        throw new Refusal(`expected a number from ${least} for --${name} but received ${values[name]}`);
      return value;
    };
    const prompts = number("prompts", 6);
    values.secondary_prompts ??= String(Math.min(200, prompts));
    const numbers = { prompts, secondary: number("secondary_prompts", 6), jobs: number("jobs", 1) };
    if (numbers.secondary > prompts || prompts > 1000)
      throw new Refusal("expected at most 1000 for --prompts, and at most as many for --secondary_prompts");
    return { ...values, ...numbers, seed: number("seed", 0), scale: number("steps_scale", 0.001) };
  } catch (e) {
    if (!e.code?.startsWith("ERR_PARSE_ARGS")) throw e;
    throw new Refusal(`${e.message.split(". ")[0]}. npm run experiments -- --help lists the options.`);
  }
}

/** The name of an arm's folder, from the build: loaded once it is known to be there, so that its absence is said and not thrown. */
let folderName;

/** One comparison: its stages, and where they leave their files. */
class Experiments {
  constructor(options) {
    this.options = options;
    this.stages = new Stages(resolve(options.output_dir), { maker: "experiments", fresh: options.fresh });
    this.base = resolve(options.base);
    if (!existsSync(join(this.base, "model_index.json")))
      throw new Refusal(
        `expected the folder of a model (with model_index.json) for --base but received ${options.base}`,
      );
    this.baseHash = folderHash(this.base);
  }

  at(...parts) {
    const path = this.stages.at(...parts);
    return relative(ROOT, path).startsWith("..") ? path : relative(ROOT, path);
  }

  /** A stage as a task of the pool, with a line at its end. */
  task(name, { needs = [], ...stage }, { env = ONE_THREAD } = {}) {
    const log = this.stages.at("logs", `${folderName(name)}.log`);
    const run = (script, ...args) => node(script, args, { log, env });
    const work = async () => {
      const worked = await this.stages.run(name, { after: needs, ...stage, work: () => stage.work(run) });
      if (worked) console.log(`${clock(this.stages.seconds(name)).padStart(6)}  ${name}`);
    };
    return { name, needs, work };
  }

  data() {
    const { seed, prompts } = this.options;
    const world = "models/pocket/dist/cli.js";
    const drawn = (name, set, count) =>
      this.task(name, {
        inputs: { set, count, seed, size: SIZE },
        work: (run) =>
          run(
            world,
            "draw",
            `--set=${set}`,
            `--count=${count}`,
            `--seed=${seed}`,
            `--size=${SIZE}`,
            `--output_dir=${this.at(name)}`,
          ),
      });
    return [
      drawn("stills", "style", STILLS),
      drawn("held-out", "style-held-out", Math.max(HELD_OUT * prompts, 200)),
      this.task("prompts", {
        // the seed of the evaluation's prompts is its own, so that they stay the same
        inputs: { prompts, seed: 0 },
        work: (run) =>
          run(world, "prompts", `--count=${prompts}`, "--seed=0", `--output=${this.at("prompts/all.jsonl")}`),
      }),
    ];
  }

  trainings() {
    const { seed, scale } = this.options;
    return Object.entries(TRAININGS).map(([name, training]) => {
      const options = trainOptions(training, { scale });
      return this.task(`train ${name}`, {
        needs: ["stills"],
        inputs: { base: this.baseHash, options, seed },
        output: join("trained", folderName(name)),
        work: (run) =>
          run(
            ...["packages/stillframe/bin/stillframe.mjs", "train", `--pretrained_model_name_or_path=${this.base}`],
            ...[`--train_data_dir=${this.at("stills")}`, `--output_dir=${this.at("trained", folderName(name))}`],
            ...[`--resolution=${SIZE}`, ...options, `--seed=${seed}`, `--cache_dir=${this.at("cache")}`],
            ...["--checkpointing_steps=100", "--checkpoints_total_limit=1", "--resume_from_checkpoint=latest"],
          ),
      });
    });
  }

  /** An arm's pictures in parts, so that two cores work on it. */
  drawings() {
    const { prompts, secondary } = this.options;
    return ARMS.flatMap((arm) => {
      const count = arm.main ? prompts : secondary;
      const edge = (part) => Math.round((part * count) / PARTS);
      return Array.from({ length: PARTS }, (_, part) =>
        this.drawing(arm, { part, from: edge(part), to: edge(part + 1) }),
      );
    });
  }

  drawing({ name, training, words, scale = 1 }, { part, from, to }) {
    const whole = training !== undefined && TRAININGS[training].rank === null;
    const trained = training === undefined ? null : this.at("trained", folderName(training));
    const job = {
      model: whole ? trained : this.base,
      lora: whole ? null : trained,
      scale,
      prompts: this.stages.at("prompts/all.jsonl"),
      words,
      from,
      to,
      seed: this.options.seed,
      folder: this.stages.at("pictures", folderName(name), `part-${part}`),
      options: DRAWING,
    };
    return this.task(`draw ${name} ${from}–${to}`, {
      needs: ["prompts", ...(training === undefined ? [] : [`train ${training}`])],
      inputs: { base: this.baseHash, job },
      output: join("pictures", folderName(name), `part-${part}`),
      work: (run) => run("scripts/experiments/draw.mjs", JSON.stringify(job)),
    });
  }

  /** All main arms on all prompts, and all arms on the first of them: distances are compared at equal numbers alone. */
  evaluations() {
    const { prompts, secondary, seed } = this.options;
    const main = ARMS.filter((arm) => arm.main);
    return [
      [`evaluation-${prompts}`, main, prompts],
      ...(secondary === prompts && main.length === ARMS.length
        ? []
        : [[`evaluation-all-${secondary}`, ARMS, secondary]]),
    ].map(([name, arms, count]) =>
      this.task(
        name,
        {
          needs: ["stills", "held-out", "prompts", ...this.drawings().map((task) => task.name)],
          inputs: { count, arms: arms.map((arm) => arm.name), classifier: classifierHash() },
          work: (run) => {
            // the last arm is the one that is asked after copies
            const last = arms.filter((arm) => arm.name === "quickstart");
            const ordered = [...arms.filter((arm) => !last.includes(arm)), ...last];
            const folders = ordered.map((arm) => `--generated=${armName(arm.name)}=${this.firstOf(arm, count, name)}`);
            const prompted = `--prompts=${this.firstPrompts(count, name)}`;
            return run(
              ...["packages/stillframe/bin/stillframe.mjs", "evaluate", ...folders, `--real=${this.at("held-out")}`],
              ...(arms === main ? [`--training=${this.at("stills")}`] : []),
              ...[prompted, `--classifier=${CLASSIFIER}`, `--seed=${seed}`],
              ...["--title=Experiments", `--output_dir=${this.at(name)}`],
            );
          },
        },
        { env: {} },
      ),
    );
  }

  /** A folder with the first `count` pictures of an arm, which may lie in several. */
  firstOf(arm, count, name) {
    const folder = join(name, "arms", folderName(arm.name));
    rmSync(this.stages.at(folder), { recursive: true, force: true });
    mkdirSync(this.stages.at(folder), { recursive: true });
    for (let i = 0; i < count; i++)
      linkSync(this.picture(arm, i), this.stages.at(folder, `${String(i).padStart(5, "0")}.png`));
    return this.at(folder);
  }

  /** A file of the first prompts, with what their pictures should show. */
  firstPrompts(count, name) {
    const lines = readFileSync(this.stages.at("prompts/all.jsonl"), "utf8").trim().split("\n").slice(0, count);
    const rows = lines.map((line) => {
      const { plain, asked } = JSON.parse(line);
      return JSON.stringify({ text: plain, asked });
    });
    writeWhole(this.stages.at(name, "prompts.jsonl"), `${rows.join("\n")}\n`);
    return this.at(name, "prompts.jsonl");
  }

  /** Where an arm's picture of a prompt lies. */
  picture(arm, index) {
    const file = `${String(index).padStart(5, "0")}.png`;
    for (let part = 0; part < PARTS; part++) {
      const path = this.stages.at("pictures", folderName(arm.name), `part-${part}`, file);
      if (existsSync(path)) return path;
    }
    throw new Error(`there is no picture ${index} of ${arm.name}`);
  }
}

/** As `evaluate` calls the arm that it holds against the base first of all. */
const armName = (name) => (name === "quickstart" ? "lora" : name);
async function main() {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  classifierHash();
  ({ folderName } = await import("../packages/stillframe/dist/evaluate/run/arms.js"));
  const experiments = new Experiments(options);
  const tasks = [
    ...experiments.data(),
    ...experiments.trainings(),
    ...experiments.drawings(),
    ...experiments.evaluations(),
  ];
  const started = performance.now();
  console.log(
    `${tasks.length} stages in ${relative(process.cwd(), experiments.stages.folder)}, ${options.jobs} at a time`,
  );
  await doAll(tasks, options.jobs);
  const { report } = await import("./experiments/report.mjs");
  await report(experiments);
  console.log(`Done in ${clock((performance.now() - started) / 1000)}`);
}

try {
  await main();
} catch (e) {
  if (!(e instanceof Refusal)) throw e;
  console.error(e.status > 128 ? "\nStopped. The same command goes on from here." : e.message);
  process.exitCode = e.status;
}
