import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { engineInfo, hasOperator, OperatorError } from "./index.js";
import { bind } from "./native.js";

const scratch = mkdtempSync(join(tmpdir(), "native-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

describe("an operator by its name", () => {
  it("is found or not", () => {
    assert.deepEqual(
      [hasOperator("add", "Tensor"), hasOperator("add", "nothing"), hasOperator("nothing")],
      [true, false, false],
    );
  });

  it("that this libtorch lacks fails when it is called, not when it is bound", () => {
    const missing = bind("nothing", "at_all");
    assert.throws(missing, (e) => {
      assert.ok(e instanceof OperatorError);
      assert.deepEqual(
        [e.operator, e.message],
        ["aten::nothing.at_all", `aten::nothing.at_all: libtorch ${engineInfo().libtorch} has no such operator`],
      );
      return true;
    });
  });
});

/** What a process prints that loads the engine with another addon or other variables. */
function load(env: Record<string, string | undefined>): string {
  const index = new URL("./index.js", import.meta.url).href;
  const code = `import(${JSON.stringify(index)}).then((t) => console.log("threads " + t.engineInfo().threads), (e) => console.log(e.name + ": " + e.message));`;
  return spawnSync(process.execPath, ["-e", code], { encoding: "utf8", env: { ...process.env, ...env } }).stdout.trim();
}

describe("an engine that is not there", () => {
  it("is an error that says what to run", () => {
    const addon = join(scratch, "none.node");
    assert.equal(
      load({ STILLFRAME_ADDON: addon }),
      `EngineUnavailableError: the engine is not built (${addon} does not exist): run \`npm run setup\``,
    );
  });

  it("or is broken", () => {
    const addon = join(scratch, "broken.node");
    writeFileSync(addon, "not a shared library");
    const text = load({ STILLFRAME_ADDON: addon });
    assert.ok(text.startsWith(`EngineUnavailableError: the engine at ${addon} cannot be loaded: `), text);
    assert.ok(
      text.endsWith("\nThe libtorch that it was built on may have moved or changed: run `npm run setup` again."),
      text,
    );
  });
});

describe("threads", () => {
  it("are those of STILLFRAME_THREADS or OMP_NUM_THREADS, in this order", () => {
    assert.equal(load({ STILLFRAME_THREADS: "1", OMP_NUM_THREADS: "2" }), "threads 1");
    assert.equal(load({ STILLFRAME_THREADS: undefined, OMP_NUM_THREADS: "2" }), "threads 2");
  });
});
