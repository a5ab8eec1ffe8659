import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { liveTensors } from "./index.js";

const ENGINE = new URL("./index.js", import.meta.url).href;

/** A worker that runs this code with the engine as `t` and a function `send`. */
const worker = (code: string) =>
  new Worker(
    `const { parentPort } = require("node:worker_threads");
     const send = (x) => parentPort.postMessage(x);
     import(${JSON.stringify(ENGINE)}).then(async (t) => { ${code} });`,
    { eval: true },
  );
async function resultOf(w: Worker): Promise<unknown> {
  const [[value]] = await Promise.all([once(w, "message"), once(w, "exit")]);
  return value;
}

/** A training loop whose result tells whether another thread reached into it. */
const TRAINING = `
  const g = new t.Generator(SEED);
  const w = t.keep(t.randn([32, 32], { generator: g })).requiresGrad_();
  const optimizer = new t.AdamW([w], { lr: 1e-2 });
  const before = (w.grad = t.zerosLike(w), w.grad = null, t.scope(() => { t.backward(w.square().sum()); optimizer.step(); }), t.liveTensors());
  for (let i = 0; i < 200; i++) t.scope(() => {
    optimizer.zeroGrad();
    t.backward(t.randn([16, 32], { generator: g }).mm(w).tanh().square().mean());
    optimizer.step();
  });
  w.grad = null;
  send({ sum: w.sum().item(), leak: t.liveTensors() - before - 1, noGrad: t.noGrad(() => w.square().requiresGrad), grad: w.square().requiresGrad });
`;

describe("worker threads", () => {
  it("run the engine at the same time and do not see each other", { timeout: 120_000 }, async () => {
    const before = liveTensors();
    const run = (seed: number) =>
      resultOf(worker(TRAINING.replace("SEED", String(seed)))) as Promise<{
        sum: number;
        leak: number;
        noGrad: boolean;
        grad: boolean;
      }>;
    const alone = await run(1);
    const together = await Promise.all([run(1), run(2)]);
    assert.deepEqual(together[0], alone);
    assert.notEqual(together[1]?.sum, alone.sum);
    assert.deepEqual([alone.noGrad, alone.grad], [false, true]);
    assert.ok(alone.leak <= 1, `${alone.leak} tensors more than before`);
    assert.equal(liveTensors(), before);
  });

  it("end cleanly with tensors, generators and mapped memory alive", { timeout: 60_000 }, async () => {
    for (let i = 0; i < 3; i++) {
      const sum = await resultOf(
        worker(
          "globalThis.held = [t.ones([1000]), new t.Generator(1), t.randn([100]).requiresGrad_().square()]; send(held[0].sum().item());",
        ),
      );
      assert.equal(sum, 1000);
    }
  });

  it("may hold tensors larger than a thread's heap", { timeout: 60_000 }, async () => {
    assert.equal(await resultOf(worker("send(t.scope(() => t.ones([40_000_000]).add(1).sum().item()));")), 80_000_000);
  });

  it("are terminated in the middle of an operator", { timeout: 120_000 }, async () => {
    for (let i = 0; i < 3; i++) {
      const w = worker('const a = t.ones([700, 700]); send("on"); for (;;) t.scope(() => a.mm(a).mm(a));');
      await once(w, "message");
      assert.equal(await w.terminate(), 1);
    }
  });

  it("throw errors of the same classes and messages", async () => {
    const code =
      "try { t.ones([2]).mm(t.ones([2])) } catch (e) { send([e.name, e.operator, e instanceof t.OperatorError]) }";
    assert.deepEqual(await resultOf(worker(code)), ["OperatorError", "aten::mm", true]);
  });
});

/** A process of its own that runs this code with the engine as `t`. */
function child(
  code: string,
  flags: string[] = [],
): { status: number | null; signal: string | null; stdout: string; stderr: string } {
  const script = `import * as t from ${JSON.stringify(ENGINE)}; import { writeSync } from "node:fs"; ${code}`;
  return spawnSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 120_000,
  });
}

describe("a child process", () => {
  it("runs the engine and ends by itself", () => {
    const { status, signal, stdout, stderr } = child("console.log(t.ones([2, 2]).sum().item())");
    assert.deepEqual([status, signal, stdout, stderr], [0, null, "4\n", ""]);
  });

  it("ends by process.exit, with a worker in the middle of an operator", () => {
    const code = `
      import { Worker } from "node:worker_threads";
      const w = new Worker('import { parentPort } from "node:worker_threads"; import * as t from ${JSON.stringify(ENGINE)}; const a = t.ones([700, 700]); parentPort.postMessage(1); for (;;) t.scope(() => a.mm(a));', { eval: true });
      globalThis.held = [t.ones([10]), new t.Generator(1)];
      w.on("message", () => setTimeout(() => process.exit(7), 50));`;
    const { status, signal, stderr } = child(code);
    assert.deepEqual([status, signal, stderr], [7, null, ""]);
  });

  it("ends by an exception that nobody catches, with the operator in its message", () => {
    const { status, stderr } = child("t.ones([2]).mm(t.ones([3]))");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /OperatorError: aten::mm: .*\n {2}operands: self float32\[2\] on cpu, mat2 float32\[3\] on cpu/,
    );
  });

  it("that crashes in native code names the operator", {
    skip: process.platform !== "linux" && "the crash is made by Linux's rules",
  }, () => {
    const code = `
      import { mkdtempSync, rmSync, truncateSync } from "node:fs";
      const folder = mkdtempSync("crash-");
      const path = folder + "/x.safetensors";
      t.writeSafetensors(path, [["x", t.ones([1_000_000])]]);
      const { tensors } = t.readSafetensors(path);
      truncateSync(path, 0); // what is mapped beyond the end of a file cannot be read
      rmSync(folder, { recursive: true });
      tensors.get("x").sum();`;
    const { status, signal, stderr } = child(code);
    assert.deepEqual([status, signal], [null, "SIGBUS"]);
    assert.match(stderr, /^stillframe: native code crashed in aten::sum$/m);
  });

  it("that is killed by a signal outside native code says nothing of operators", () => {
    const { signal, stderr } = child(
      't.ones([2]).add(1); process.kill(process.pid, "SIGSEGV"); setTimeout(() => {}, 5000);',
    );
    assert.equal(signal, "SIGSEGV");
    assert.doesNotMatch(stderr, /stillframe/);
  });

  it("frees dropped tensors by the collector: the net below scopes", () => {
    const code = `
      const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
      const before = t.liveTensors();
      for (let i = 0; i < 200; i++) t.ones([10]).add(1);
      const dropped = t.liveTensors() - before;
      const kept = t.scope(() => t.ones([1])); // outside every scope now
      for (let i = 0; i < 50 && t.liveTensors() > before + 1; i++) { gc(); await tick(); }
      console.log(dropped, t.liveTensors() - before, kept.item());`;
    assert.equal(child(code, ["--expose-gc"]).stdout, "400 1 1\n");
  });

  it("collects without being told when much native memory is held by dropped tensors", () => {
    const code = `
      let most = 0;
      for (let i = 0; i < 400; i++) {
        t.ones([2_500_000]); // 10 MB each, 4 GB in all
        if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
        most = Math.max(most, t.liveTensors());
      }
      console.log(most < 200);`;
    assert.equal(child(code).stdout, "true\n");
  });
});
