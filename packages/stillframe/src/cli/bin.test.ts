import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/stillframe.mjs", import.meta.url));

function run(program: string, { nodeOptions = [] as string[], argv = ["version"], env = {} } = {}) {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeOptions, program, ...argv], options);
  return { status, stdout, stderr };
}

test("the program starts", () => {
  const { status, stdout, stderr } = run(bin);
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /^stillframe \d/);
});

test("without its compiled files it says how to get them", () => {
  const folder = mkdtempSync(join(tmpdir(), "stillframe-bin-"));
  mkdirSync(join(folder, "bin"));
  const copy = join(folder, "bin", "stillframe.mjs");
  copyFileSync(bin, copy);
  const { status, stderr } = run(copy);
  assert.equal(status, 1);
  assert.equal(stderr, "stillframe: the program is not built yet: run npm run setup in its folder\n");
  rmSync(folder, { recursive: true });
});

test("an old Node is told", () => {
  const pretend = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } });';
  const { status, stderr } = run(bin, {
    nodeOptions: ["--import", `data:text/javascript,${encodeURIComponent(pretend)}`],
  });
  assert.equal(status, 1);
  assert.equal(stderr, "stillframe: expected Node 20.19 or newer but this is Node 18.20.4\n");
});

test("COLUMNS sets the width, and a closed pipe is no error", () => {
  const { stdout } = run(bin, { argv: ["train", "--help"], env: { COLUMNS: "50" } });
  assert.match(stdout, /\n {2}--rank=N\n {6}Inner/);
  const piped = spawnSync("sh", ["-c", `"${process.execPath}" "${bin}" train --help | head -1`], { encoding: "utf8" });
  assert.deepEqual([piped.stdout, piped.stderr], ["Train a LoRA, or the whole model, on captioned pictures.\n", ""]);
});
