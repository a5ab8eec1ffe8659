import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { engineInfo } from "./index.js";
import { native } from "./native.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const FILES = ["methods.generated.ts", "functions.generated.ts"];
const source = (file: string) => readFileSync(join(PACKAGE, "src", file), "utf8");
/** The libtorch whose schemas are in the committed files. */
const GENERATED_ON = "1.13.";

/** Names of the arguments in a schema's text, and which of them are given by name. */
function argumentsOf(schema: string): { name: string; keywordOnly: boolean }[] {
  const inner = /\((.*)\) -> /.exec(schema)?.[1] ?? "";
  const parts = inner.replace(/\([^)]*\)/g, "").split(/, (?![^[]*\])/); // `Tensor(a!)` has brackets of its own
  const star = parts.indexOf("*");
  return parts
    .filter((p) => p !== "*" && p !== "")
    .map((p) => ({ name: p.split(" ")[1]?.split("=")[0] ?? "", keywordOnly: star >= 0 && parts.indexOf(p) > star }));
}

describe("the generated operators", () => {
  it("are what ops.txt gives", {
    skip: !engineInfo().libtorch.startsWith(GENERATED_ON) && `they are generated on libtorch ${GENERATED_ON}x`,
  }, () => {
    const folder = mkdtempSync(join(tmpdir(), "generated-"));
    try {
      const run = spawnSync(process.execPath, [join(PACKAGE, "scripts/generate-ops.mjs"), folder], {
        encoding: "utf8",
      });
      assert.equal(run.status, 0, run.stderr);
      for (const file of FILES) assert.equal(readFileSync(join(folder, file), "utf8"), source(file));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const schemas = FILES.flatMap((file) =>
    [...source(file).matchAll(/`(aten::.+? -> .+?)`/g)].map((m) => m[1] as string),
  );

  it("are all there, and pass their arguments in the order of this libtorch's schemas", () => {
    assert.ok(schemas.length > 190, String(schemas.length));
    for (const text of schemas) {
      const [, name, overload] = /^(aten::\w+)\.?(\w*)\(/.exec(text) as unknown as [string, string, string];
      const here = native.schema(name, overload);
      assert.ok(here, `libtorch ${engineInfo().libtorch} has no ${name} ${overload}`);
      const passed = argumentsOf(text);
      assert.deepEqual(
        here.args.slice(0, passed.length).map(({ name, keywordOnly }) => ({ name, keywordOnly })),
        passed,
        text,
      );
      // newer ones may take more, but not ask for it
      assert.ok(
        here.args.slice(passed.length).every((a) => a.hasDefault),
        here.text,
      );
    }
  });

  it("have one line each in ops.txt", () => {
    const lines = readFileSync(join(PACKAGE, "ops.txt"), "utf8")
      .split("\n")
      .filter((l) => /^(method|function) /.test(l));
    const listed = lines.flatMap((l) => (l.split(": ")[1] as string).split(" | "));
    const bound = FILES.flatMap((file) =>
      [...source(file).matchAll(/= bind\("(\w+)"(?:, "(\w+)")?\);/g)].map((m) => (m[2] ? `${m[1]}.${m[2]}` : m[1])),
    );
    assert.deepEqual(new Set(bound), new Set(listed));
    assert.equal(new Set(lines).size, lines.length);
  });
});
