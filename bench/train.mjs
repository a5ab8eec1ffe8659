// A training step of SDXL's LoRA beside the same step in Python: steps a second and peaks of memory.
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureEncoders } from "./measure/encoder-files.mjs";
import { inTurns, median, sides, table } from "./measure/rounds.mjs";
import { CASES, FULL_CASES, SCHEDULE } from "./measure/training-cases.mjs";
import { TrainingSide } from "./measure/training-side.mjs";

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
  /** a checkout of diffusers: the other side is its training script's loop */
  reference: { type: "string" },
  /** the other side encodes pictures and captions in every step, as the reference script does unless told otherwise */
  uncached: { type: "boolean", default: false },
  /** one side's process at a time, for what does not fit beside the other; full size uncached is always so */
  apart: { type: "boolean", default: false },
  /** how often each side's process is started then */
  turns: { type: "string", default: "2" },
  rank: { type: "string", default: "16" },
  /** steps of each side that are timed, in each turn where the sides are apart; 0 loads both sides and ends */
  rounds: { type: "string" },
  threads: { type: "string", default: "1" },
};

const LR = 1e-4;
/** The first has B = 0; the later ones see both matrices and the optimizer. */
const CHECKED_STEPS = 3;
/** Relative; beyond rounding: then a ratio of times would compare different things. */
const LIMIT = { loss: 1e-4, norm: 2e-3 }; // seventy transformer layers of random weights make the gradient ill-conditioned

/** Ends the run unless both sides' losses and gradients are the same. */
function compare(a, b) {
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
const saySizes = ({ batch, side }, { trained, parameters }) =>
  console.log(
    `  UNet of ${(parameters / 1e6).toFixed(1)} million weights, ${(trained / 1e6).toFixed(2)} million trained, ` +
      `latents [${batch}, 4, ${side}, ${side}]`,
  );
const sayPeaks = (label, { resident, anonymous }) =>
  console.log(`  ${label}: peak ${gigabytes(resident)} GB, ${gigabytes(anonymous)} of it not mapped`);
const larger = (a, b) => ({
  resident: Math.max(a.resident, b.resident),
  anonymous: Math.max(a.anonymous, b.anonymous),
});

/** Variables that change how fast both sides are. */
const MATTERS = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY"];

function sayWhatRuns(ours, theirs) {
  console.log(`  ${sides(ours, theirs)}`);
  const set = MATTERS.filter((name) => process.env[name] !== undefined).map((name) => `${name}=${process.env[name]}`);
  if (set.length > 0) console.log(`  with ${set.join(" ")}`);
  const { libraries, tracker } = theirs;
  if (libraries === undefined) return;
  const names = Object.entries(libraries).map(([name, version]) => `${name} ${version}`);
  console.log(`  ${names.join(", ")}; losses go to ${tracker ?? "no tracker (there is no tensorboard)"}`);
}

/** Both processes at once, a step of the one and a step of the other. */
async function together(one, { start, request, rounds, warmUps }) {
  const theirs = await start.theirs();
  const ours = await start.ours();
  try {
    sayWhatRuns(ours.about, theirs.about);
    const { trained } = await ours.load(request);
    saySizes(one, { trained, ...(await theirs.load(request)) });
    if (rounds > 0) compare(await ours.check(CHECKED_STEPS), await theirs.check(CHECKED_STEPS));
    const time =
      rounds === 0
        ? null
        : await inTurns(
            () => ours.step(),
            () => theirs.step(),
            { rounds, warmUps },
          );
    return { time, peaks: [ours.peaks(), theirs.peaks()], steps: rounds };
  } finally {
    await ours.close();
    await theirs.close();
  }
}

/** One process in its turn: the first turn compares, and every turn takes one step that does not count. */
async function turn(begin, { request, rounds, first }) {
  const side = await begin();
  try {
    const loaded = await side.load(request);
    const checked = first && rounds > 0 ? await side.check(CHECKED_STEPS) : null;
    if (rounds > 0) await side.step();
    const seconds = [];
    while (seconds.length < rounds) seconds.push(await side.step());
    return { about: side.about, loaded, checked, seconds, peaks: side.peaks() };
  } finally {
    await side.close();
  }
}

/** One process at a time, ours and theirs in turns. */
async function apart(one, { start, request, rounds, turns }) {
  console.log(`  the sides run one after another, each in a new process, ${turns} times`);
  const all = [];
  for (let i = 0; i < (rounds === 0 ? 1 : turns); i++) {
    const first = i === 0;
    const ours = await turn(start.ours, { request, rounds, first });
    const theirs = await turn(start.theirs, { request, rounds, first });
    if (first) {
      sayWhatRuns(ours.about, theirs.about);
      saySizes(one, { ...ours.loaded, ...theirs.loaded });
      if (rounds > 0) compare(ours.checked, theirs.checked);
    }
    all.push([ours, theirs]);
  }
  const peaks = [0, 1].map((s) => all.map((pair) => pair[s].peaks).reduce(larger));
  if (rounds === 0) return { time: null, peaks };
  const seconds = [0, 1].map((s) => all.flatMap((pair) => pair[s].seconds));
  const [a, b] = seconds.map(median);
  return { time: { ours: a, theirs: b, ratio: a / b }, peaks, steps: seconds[0].length };
}

/** Each case in new processes: a peak of memory is one case's. */
async function runCase(one, values) {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-bench-"));
  const options = { threads: Number(values.threads), checkout: values.reference };
  const start = { ours: () => TrainingSide.ours(options), theirs: () => TrainingSide.theirs(options) };
  const weights = values.full ? resolve(values.weights) : join(folder, "unet.safetensors");
  const configs = one.configs();
  console.log(`${one.name}`);
  try {
    mkdirSync(dirname(weights), { recursive: true });
    const request = {
      configs,
      weights,
      encoders: values.uncached ? ensureEncoders(configs, { weights, checkout: values.reference }) : null,
      schedule: SCHEDULE,
      rank: Number(values.rank),
      lr: LR,
      batch: one.batch,
      side: one.side,
      pixels: one.side * 2 ** (configs.vae.block_out_channels.length - 1),
      folder,
      checkedSteps: CHECKED_STEPS,
    };
    const rounds = Number(values.rounds ?? one.rounds);
    const how = { start, request, rounds, warmUps: values.full ? 0 : 2, turns: Number(values.turns) };
    const result = await (values.apart || (values.full && values.uncached) ? apart : together)(one, how);
    if (result.time === null) for (const [i, name] of ["ours", "Python"].entries()) sayPeaks(name, result.peaks[i]);
    return result.time === null ? null : rowOf(one, result, statSync(weights).size);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const rowOf = (one, { time, peaks: [a, b], steps }, mapped) => [
  one.name,
  String(steps),
  (1 / time.ours).toPrecision(3),
  (1 / time.theirs).toPrecision(3),
  (1 / time.ratio).toFixed(2),
  gigabytes(a.resident),
  gigabytes(b.resident),
  (a.resident / b.resident).toFixed(2),
  gigabytes(a.anonymous),
  gigabytes(b.anonymous),
  (a.anonymous / b.anonymous).toFixed(2),
  gigabytes(mapped),
];

export async function run(args) {
  const { values } = parseArgs({ args, options: OPTIONS });
  const known = values.full ? FULL_CASES : CASES;
  const cases = known.filter((c) => values.case === undefined || c.name === values.case);
  if (cases.length === 0) throw new Error(`there is no case "${values.case}": ${known.map((c) => c.name).join("; ")}`);
  const rows = [];
  for (const one of cases) {
    const row = await runCase(one, values);
    if (row !== null) rows.push(row);
  }
  if (rows.length === 0) return;
  const name = values.reference === undefined ? "Python" : "script";
  console.log(`\nmedians; the ${name}'s side ${values.uncached ? "encodes in every step" : "is cached, too"}`);
  const memory = (title) => [`${title} GB`, name, "× as much"];
  const head = ["", "steps", "steps/s", name, "× as fast", ...memory("resident"), ...memory("anonymous"), "UNet GB"];
  console.log(table([head, ...rows]));
  console.log(
    "resident: VmHWM, with the pages of mapped weights, which are clean (the kernel can drop them) and shared by both sides;\n" +
      "anonymous: RssAnon, every 20 ms, which is a process's own. Each is a peak, at its own moment. UNet: the mapped file.",
  );
}
