import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

const mainUrl = new URL("./main.js", import.meta.url).href;

/** A real process that trains with a stand-in; each step blocks the thread as native code does. */
function start(train: string): { child: ChildProcess; said: (text: string) => Promise<void>; output: () => string } {
  const program = `
    import { main } from ${JSON.stringify(mainUrl)};
    import { processTerminal } from ${JSON.stringify(new URL("./terminal.js", import.meta.url).href)};
    const block = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const step = (step) => ({ type: "checkpoint", step, path: "c/" + step });
    ${train}
    const argv = ["train", "--pretrained_model_name_or_path=b", "--train_data_dir=d"];
    process.exitCode = await main(argv, { terminal: processTerminal(), library: { train: async () => train } });
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const said = async (text: string) => {
    while (!output.includes(text)) await once(child.stdout!, "data");
  };
  return { child, said, output: () => output };
}

const obedient = `
  async function* train(options, { signal }) {
    for (let i = 1; ; i++) {
      block(50);
      yield step(i);
      if (signal.aborted) return yield { type: "run_interrupted", step: i, checkpoint: "c/" + i, seconds: 1 };
    }
  }`;

test("Ctrl-C once: the step ends, the run says how to go on, exit code 130", { timeout: 20_000 }, async () => {
  const { child, said, output } = start(obedient);
  await said("step 2");
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  assert.equal(code, 130);
  assert.match(output(), /Stopping: .* Ctrl-C again stops at once\.\n/);
  assert.match(output(), /Stopped after step \d+[\s\S]*--resume_from_checkpoint=latest\n$/);
});

test("SIGTERM ends the same way, with its own exit code", { timeout: 20_000 }, async () => {
  const { child, said, output } = start(obedient);
  await said("step 2");
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  assert.equal(code, 143);
  assert.match(output(), /Stopped after step/);
});

test("Ctrl-C twice stops at once, even while no JavaScript runs", { timeout: 20_000 }, async () => {
  const { child, said } = start(`
    async function* train() {
      for (let i = 1; i < 4; i++) { block(50); yield step(i); }
      yield { type: "warning", message: "now deaf" };
      block(200);
      yield step(4);
      yield step(5);
      block(60_000);
    }`);
  await said("now deaf");
  child.kill("SIGINT");
  await said("Stopping");
  await said("step 5");
  const pressed = Date.now();
  child.kill("SIGINT");
  const [code, signal] = await once(child, "exit");
  assert.equal(code ?? signal, "SIGINT", "the shell shows 130");
  assert.ok(Date.now() - pressed < 10_000);
});
