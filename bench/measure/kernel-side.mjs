// One side of `bench kernels`: the engine with its own kernels, or with libtorch's (STILLFRAME_SIMD=none); one request a line.
import { createInterface } from "node:readline";
import {
  attention,
  backward,
  convLayer,
  engineInfo,
  Generator,
  gatedLinear,
  keep,
  linearLayer,
  noGrad,
  randn,
  scope,
  setThreads,
} from "@stillframe/torch";
import { secondsOf } from "./rounds.mjs";

const generator = new Generator(1);
const drawn = (...shape) => keep(randn(shape, { generator }));

/** What one case repeats, forward and backward. */
const MAKE = {
  linear({ rows, input, output, type }) {
    const weight = noGrad(() => keep(drawn(output, input).mul(0.02).to(type)));
    const x = drawn(rows, input).requiresGrad_();
    return { of: () => linearLayer(x, weight, null), gradOutput: drawn(rows, output) };
  },
  attention({ heads, queries, keys }) {
    const split = (n) => drawn(1, n, heads * 64).requiresGrad_();
    const all = [split(queries), split(keys), split(keys)];
    const of = () => {
      const [q, k, v] = all.map((t) => t.view(1, -1, heads, 64).transpose(1, 2));
      return attention(q, k, v)
        .transpose(1, 2)
        .reshape(1, queries, heads * 64);
    };
    return { of, gradOutput: drawn(1, queries, heads * 64) };
  },
  convolution({ side, input, output, type }) {
    const weight = noGrad(() => keep(drawn(output, input, 3, 3).mul(0.02).to(type)));
    const x = drawn(1, input, side, side).requiresGrad_();
    const of = () => convLayer(x, weight, null, { stride: 1, padding: 1 });
    return { of, gradOutput: drawn(1, output, side, side) };
  },
  gate({ rows, width }) {
    const x = drawn(rows, 2 * width).requiresGrad_();
    return { of: () => gatedLinear(x), gradOutput: drawn(rows, width) };
  },
};

let current;
const PASSES = 5;
const pass = () => scope(() => backward(current.of(), { gradOutput: current.gradOutput }));
const COMMANDS = {
  make({ kind, ...shape }) {
    current = MAKE[kind](shape);
    return {};
  },
  run() {
    pass(); // while it runs, the other side's threads stop waiting in loops
    return { seconds: secondsOf(() => Array.from({ length: PASSES }, pass)) / PASSES };
  },
};

setThreads(Number(process.env.OMP_NUM_THREADS ?? "1"));
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer(engineInfo());
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  answer(COMMANDS[command](request));
}
