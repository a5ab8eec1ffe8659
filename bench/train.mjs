// A training step of SDXL's LoRA beside the same step as a plain PyTorch loop: steps a second and peaks of memory.
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LineProcess } from "./measure/line-process.mjs";
import { ReferencePython } from "./measure/reference-python.mjs";
import { inTurns, sides, table } from "./measure/rounds.mjs";
import { CASES, FULL_CASES } from "./measure/training-cases.mjs";

const OPTIONS = {
  /** one case by its name */
  case: { type: "string" },
  /** full-size SDXL in place of the small networks; takes 24 GB of memory and 10 GB of disk */
  full: { type: "boolean", default: false },
  /** random weights for it; made when there are none */
  weights: {
    type: "string",
    default: join(
      process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
      "stillframe",
      "bench",
      "sdxl-unet.safetensors",
    ),
  },
  /** the other side encodes pictures and captions in every step, as the reference script does unless told otherwise */
  uncached: { type: "boolean", default: false },
  rank: { type: "string", default: "16" },
  /** 0 loads both sides and ends */
  rounds: { type: "string" },
  threads: { type: "string", default: "1" },
};

const LR = 1e-4;
/** The first has B = 0; the later ones see both matrices and the optimizer. */
const CHECKED_STEPS = 3;
/** Relative; beyond rounding: then a ratio of times would compare different things. */
const LIMIT = { loss: 1e-4, norm: 2e-3 }; // seventy transformer layers of random weights make the gradient ill-conditioned

/** Ends the run unless both sides' losses and gradients are the same. */
async function compare(ours, theirs) {
  const request = { command: "check", checkedSteps: CHECKED_STEPS };
  const [a, b] = [(await ours.ask(request)).steps, (await theirs.ask(request)).steps];
  const worstOf = (key) => Math.max(...a.map((step, i) => Math.abs(step[key] - b[i][key]) / Math.abs(b[i][key])));
  const worst = { loss: worstOf("loss"), norm: worstOf("norm") };
  console.log(
    `  first step: loss ${a[0].loss.toFixed(6)} and ${b[0].loss.toFixed(6)}, ` +
      `norm of the gradient ${a[0].norm.toPrecision(6)} and ${b[0].norm.toPrecision(6)}; ` +
      `largest relative differences in ${CHECKED_STEPS} steps ${worst.loss.toExponential(1)} and ${worst.norm.toExponential(1)}`,
  );
  if (!(worst.loss < LIMIT.loss && worst.norm < LIMIT.norm)) throw new Error("the two sides do not agree");
}

const gigabytes = (bytes) => (bytes / 1e9).toFixed(2);

async function measure(one, { values, ours, theirs, folder }) {
  const configs = one.configs();
  const load = {
    command: "load",
    configs,
    weights: values.full ? values.weights : join(folder, "unet.safetensors"),
    rank: Number(values.rank),
    lr: LR,
    batch: one.batch,
    side: one.side,
    folder,
    checkedSteps: CHECKED_STEPS,
    uncached: values.uncached,
  };
  const { trained } = await ours.ask(load);
  const { parameters } = await theirs.ask(load);
  console.log(
    `${one.name}: UNet of ${(parameters / 1e6).toFixed(1)} million weights, ${(trained / 1e6).toFixed(2)} million trained, ` +
      `latents [${one.batch}, 4, ${one.side}, ${one.side}]`,
  );
  const rounds = Number(values.rounds ?? one.rounds);
  if (rounds === 0) return null;
  await compare(ours, theirs);
  const seconds = (side) => async () => (await side.ask({ command: "run" })).seconds;
  const time = await inTurns(seconds(ours), seconds(theirs), { rounds, warmUps: values.full ? 0 : 2 });
  const [a, b] = [await ours.ask({ command: "peak" }), await theirs.ask({ command: "peak" })];
  return [
    one.name,
    String(rounds),
    (1 / time.ours).toPrecision(3),
    (1 / time.theirs).toPrecision(3),
    (1 / time.ratio).toFixed(2),
    gigabytes(a.bytes),
    gigabytes(b.bytes),
    (a.bytes / b.bytes).toFixed(2),
  ];
}

/** Both sides in new processes: a peak of memory is one case's. */
async function runCase(one, values) {
  const threads = Number(values.threads);
  const folder = mkdtempSync(join(tmpdir(), "stillframe-bench-"));
  const theirs = await ReferencePython.start("train.py", { threads });
  const script = fileURLToPath(new URL("measure/our-training.mjs", import.meta.url));
  const ours = await LineProcess.start(process.execPath, [script], { env: { OMP_NUM_THREADS: String(threads) } });
  try {
    console.log(sides(ours.about, theirs.about));
    return await measure(one, { values, ours, theirs, folder });
  } finally {
    await ours.close();
    await theirs.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function run(args) {
  const { values } = parseArgs({ args, options: OPTIONS });
  const cases = (values.full ? FULL_CASES : CASES).filter((c) => values.case === undefined || c.name === values.case);
  if (cases.length === 0) throw new Error(`there is no case "${values.case}": ${CASES.map((c) => c.name).join("; ")}`);
  const rows = [];
  for (const one of cases) {
    const row = await runCase(one, values);
    if (row !== null) rows.push(row);
  }
  if (rows.length === 0) return;
  console.log(
    `\nmedians of steps in turns; Python's side ${values.uncached ? "encodes in every step" : "is cached, too"}`,
  );
  const head = ["", "rounds", "steps/s", "Python", "× as fast", "peak GB", "Python", "× as much"];
  console.log(table([head, ...rows]));
}
