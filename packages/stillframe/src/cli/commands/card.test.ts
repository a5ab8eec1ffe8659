import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeRunFolder } from "../../card/testing/run-folder.js";
import { TestFolder } from "../../hub/testing/test-home.js";
import { fakeTerminal } from "../fake-terminal.test.support.js";
import { library } from "../library.js";
import { main } from "../main.js";

async function run(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await main(["card", ...argv], { terminal, library });
  return { code, out: terminal.written(), err: terminal.errors() };
}

test("the parts are told, and what was left out or kept", async () => {
  using folder = new TestFolder();
  await writeRunFolder(folder.path, { evaluation: null });
  const path = join(folder.path, "README.md");
  assert.deepEqual(await run(folder.path), {
    code: 0,
    out: `${path}: title, style, samples, usage, data, training, machine, limitations, provenance\nleft out evaluation: there is no evaluation.json\n`,
    err: "",
  });
  writeFileSync(path, `${readFileSync(path, "utf8").replace("Begin every", "Do begin every")}\nIn ${folder.path}\n`);
  const { code, out } = await run("--run", folder.path, "--hub_model_id=me/style");
  assert.equal(code, 0);
  assert.match(
    out,
    /\nkept as edited by hand: style \(--regenerate writes it anew\)\nwarning: line \d+ holds the path/,
  );
  assert.doesNotMatch((await run(folder.path, "--regenerate")).out, /kept as/);
});

test("the run stands without a name; none, two and a wrong one are told", async () => {
  assert.deepEqual(await run(), {
    code: 2,
    out: "",
    err: "stillframe: expected a value for run but received none\nSee stillframe card --help.\n",
  });
  assert.match((await run("a", "b")).err, /unexpected argument "b"/);
  const { code, err } = await run("/no/such/run");
  assert.equal(code, 1);
  assert.match(err, /expected the folder of a training run for run but received \/no\/such\/run: nothing is there/);
  assert.equal((await run("a", "--watts=0")).code, 2);
});
