// The engine's own CPU kernels beside libtorch's, forward and backward, in the shapes of a training step of SDXL.
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LineProcess } from "./measure/line-process.mjs";
import { inTurns, table } from "./measure/rounds.mjs";

const SIDE = fileURLToPath(new URL("measure/kernel-side.mjs", import.meta.url));

/** `times`: how often SDXL's UNet has it in a step at 512²; `operations`: multiplications and additions, forward and backward. */
function cases(type) {
  const linear = (rows, input, output, times) => ({
    name: `linear ${rows} × ${input} → ${output}`,
    request: { kind: "linear", rows, input, output, type },
    operations: 4 * rows * input * output,
    times,
  });
  const attend = (heads, queries, keys, times) => ({
    name: `attention of ${heads} heads, ${queries} × ${keys}`,
    request: { kind: "attention", heads, queries, keys },
    operations: 12 * heads * 64 * queries * keys,
    times,
  });
  const convolution = (side, input, output, times) => ({
    name: `convolution ${side}², ${input} → ${output}`,
    request: { kind: "convolution", side, input, output, type },
    operations: 4 * 9 * side ** 2 * input * output,
    times,
  });
  const gate = (rows, width, times) => ({
    name: `gated unit ${rows} × ${width}`,
    request: { kind: "gate", rows, width },
    times,
  });
  return [
    linear(256, 1280, 1280, 372),
    linear(256, 1280, 10240, 60),
    linear(256, 5120, 1280, 60),
    linear(1024, 640, 640, 70),
    linear(1024, 640, 5120, 10),
    linear(1024, 2560, 640, 10),
    linear(77, 2048, 1280, 120),
    attend(20, 256, 256, 60),
    attend(20, 256, 77, 60),
    attend(10, 1024, 1024, 10),
    convolution(64, 320, 320, 7),
    convolution(64, 640, 320, 2),
    convolution(64, 960, 320, 1),
    convolution(64, 640, 640, 1),
    convolution(32, 320, 640, 1),
    convolution(32, 640, 640, 6),
    convolution(32, 960, 640, 1),
    convolution(32, 1280, 640, 1),
    convolution(32, 1920, 640, 1),
    convolution(32, 1280, 1280, 1),
    convolution(16, 640, 1280, 1),
    convolution(16, 1280, 1280, 10),
    convolution(16, 1920, 1280, 1),
    convolution(16, 2560, 1280, 2),
    gate(256, 5120, 60),
    gate(1024, 2560, 10),
  ];
}

const OPTIONS = {
  threads: { type: "string", default: "1" },
  rounds: { type: "string", default: "9" },
  /** of the frozen weights */
  type: { type: "string", default: "float16" },
};

export async function run(args) {
  const { values } = parseArgs({ args, options: OPTIONS });
  const env = { OMP_NUM_THREADS: values.threads };
  const ours = await LineProcess.start(process.execPath, [SIDE], { env });
  const theirs = await LineProcess.start(process.execPath, [SIDE], { env: { ...env, STILLFRAME_SIMD: "none" } });
  try {
    const { libtorch, threads, kernels } = ours.about;
    console.log(`${kernels} kernels beside libtorch ${libtorch}'s, ${threads} threads, weights in ${values.type}`);
    const rows = [["", "ms", "GFLOP/s", "libtorch", "GFLOP/s", "× as fast"]];
    let [mine, other] = [0, 0];
    for (const { name, request, operations, times } of cases(values.type)) {
      for (const side of [ours, theirs]) await side.ask({ command: "make", ...request });
      const once = (side) => async () => (await side.ask({ command: "run" })).seconds;
      const m = await inTurns(once(ours), once(theirs), { rounds: Number(values.rounds) });
      const rate = (seconds) => (operations === undefined ? "" : (operations / seconds / 1e9).toFixed(0));
      const ms = (seconds) => (1000 * seconds).toFixed(2);
      rows.push([name, ms(m.ours), rate(m.ours), ms(m.theirs), rate(m.theirs), (1 / m.ratio).toFixed(2)]);
      mine += m.ours * times;
      other += m.theirs * times;
    }
    console.log(table(rows));
    console.log(
      `as often as a step of SDXL's UNet at 512² has them: ${mine.toFixed(2)} s, libtorch ${other.toFixed(2)} s, ${(other / mine).toFixed(2)} × as fast`,
    );
  } finally {
    await ours.close();
    await theirs.close();
  }
}
