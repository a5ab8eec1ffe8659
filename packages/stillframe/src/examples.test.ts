import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../examples/", import.meta.url));
const examples = readdirSync(folder).filter((f) => f.endsWith(".mjs"));

test("there are examples", () => assert.ok(examples.length >= 7));

for (const file of examples)
  test(`examples/${file} runs`, () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, file)], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.notEqual(stdout, "");
  });
