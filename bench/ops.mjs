// What one call of an operator costs beside Python: tensors of one element, so that the work itself is next to nothing.
import { parseArgs } from "node:util";
import { backward, engineInfo, linear, ones, scope, setThreads, silu } from "@stillframe/torch";
import { ReferencePython } from "./measure/reference-python.mjs";
import { inTurns, secondsOf, sides, table } from "./measure/rounds.mjs";

/** So many calls share a scope, about as many as a block of a UNet makes. */
const SCOPE = 100;
const scoped = (n, body) => {
  for (let done = 0; done < n; done += SCOPE)
    scope(() => {
      for (let i = 0; i < SCOPE; i++) body();
    });
};

/** `theirs` names the case in reference/ops.py; `run` makes `n` calls on `a` and `b`. */
const CASES = [
  { name: "add", theirs: "add", run: (n, a, b) => scoped(n, () => a.add(b)) },
  { name: "add, recorded for autograd", theirs: "add", grad: true, run: (n, a, b) => scoped(n, () => a.add(b)) },
  {
    name: "add, a scope for each call",
    theirs: "add",
    run: (n, a, b) => {
      for (let i = 0; i < n; i++)
        scope(() => {
          a.add(b);
        });
    },
  },
  {
    name: "add, no scope, disposed at once",
    theirs: "add",
    run: (n, a, b) => {
      for (let i = 0; i < n; i++) a.add(b).dispose();
    },
  },
  { name: "view", theirs: "view", run: (n, a) => scoped(n, () => a.view(1, 1)) },
  { name: "silu", theirs: "silu", run: (n, a) => scoped(n, () => silu(a)) },
  {
    name: "linear",
    theirs: "linear",
    run: (n, a, b) => {
      const [x, w] = [a.view(1, 1), b.view(1, 1)];
      scoped(n, () => linear(x, w));
    },
  },
  {
    name: "add and backward",
    theirs: "backward",
    grad: true,
    run: (n, a, b) =>
      scoped(n, () => {
        backward(a.add(b));
        a.grad = null;
      }),
  },
];

export async function run(args) {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: "string", default: "61" }, calls: { type: "string", default: "5000" } },
  });
  const [rounds, calls] = [Number(values.rounds), Number(values.calls)];
  setThreads(1);
  const python = await ReferencePython.start("ops.py", { threads: 1 });
  try {
    console.log(sides(engineInfo(), python.about));
    console.log(`nanoseconds a call, medians of ${rounds} rounds of ${calls} calls in turns\n`);
    const rows = [["operator on one element", "ours", "Python", "ours / Python"]];
    for (const c of CASES) {
      const grad = c.grad ?? false;
      const ours = () =>
        scope(() => {
          const [a, b] = [ones([1]).requiresGrad_(grad), ones([1])];
          return secondsOf(() => c.run(calls, a, b));
        });
      const theirs = async () => (await python.ask({ command: "run", case: c.theirs, n: calls, grad })).seconds;
      const m = await inTurns(ours, theirs, { rounds });
      const ns = (seconds) => ((seconds / calls) * 1e9).toFixed(0);
      rows.push([c.name, ns(m.ours), ns(m.theirs), m.ratio.toFixed(2)]);
    }
    console.log(table(rows));
  } finally {
    await python.close();
  }
}
