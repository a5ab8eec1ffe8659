import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { type Row, writeDataset } from "./dataset.js";
import { item } from "./sets.js";

const run = promisify(execFile);
const CLI = fileURLToPath(new URL("./cli.js", import.meta.url));

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "pocket-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

async function contents(path: string): Promise<Map<string, string>> {
  const names = (await readdir(path)).sort();
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, (await readFile(join(path, name))).toString("base64")] as const),
    ),
  );
}

test("a set is a folder of pictures and captions, the same each time", async (context) => {
  const path = await folder(context);
  const [one, other] = [join(path, "one"), join(path, "other")];
  await writeDataset("base", { count: 12, seed: 3, outputDir: one, size: 64 });
  await writeDataset("base", { count: 12, seed: 3, outputDir: other, size: 64 });
  const files = await contents(one);
  assert.deepEqual(files, await contents(other));
  assert.equal(files.size, 13);
  const rows = (await readFile(join(one, "metadata.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
  assert.equal(rows.length, 12);
  for (const [index, row] of rows.entries()) {
    const { text, labels } = item("base", { seed: 3, index });
    assert.deepEqual({ text: row.text, labels: row.labels }, { text, labels });
    const { width, height, channels, format } = await sharp(join(one, row.file_name)).metadata();
    assert.deepEqual([width, height, channels, format], [64, 64, 3, "png"]);
  }
});

test("no two pictures of a set are the same, and a longer set begins with the shorter one", async (context) => {
  const path = await folder(context);
  await writeDataset("style", { count: 20, seed: 3, outputDir: join(path, "long"), size: 64 });
  await writeDataset("style", { count: 5, seed: 3, outputDir: join(path, "short"), size: 64 });
  const long = await contents(join(path, "long"));
  const short = await contents(join(path, "short"));
  assert.equal(new Set(long.values()).size, 21);
  for (const [name, bytes] of short) if (name.endsWith(".png")) assert.equal(long.get(name), bytes);
});

test("a count that makes no sense is refused before anything is written", async (context) => {
  const path = await folder(context);
  await assert.rejects(writeDataset("base", { count: 0, seed: 1, outputDir: join(path, "none") }), {
    message: "expected a whole number from 1 to 1000000 for count but received 0",
  });
  assert.deepEqual(await readdir(path), []);
});

test("the command line draws sets, sheets and prompts, and says what is wrong", async (context) => {
  const path = await folder(context);
  const drawn = await run(process.execPath, [
    CLI,
    "draw",
    "--set=style",
    "--count=4",
    "--seed=1",
    "--size=64",
    `--output_dir=${join(path, "stills")}`,
  ]);
  assert.match(drawn.stdout, /^4 pictures of the set style in /);
  assert.equal((await readdir(join(path, "stills"))).length, 5);
  await run(process.execPath, [
    CLI,
    "sheet",
    "--people=Mara,Otto",
    "--looks=render,anime",
    "--size=64",
    `--output=${join(path, "sheet.png")}`,
  ]);
  const { width, height } = await sharp(join(path, "sheet.png")).metadata();
  assert.deepEqual([width, height], [2 + 2 * 66, 2 + 2 * 66]);
  await run(process.execPath, [CLI, "prompts", "--count=6", `--output=${join(path, "prompts.jsonl")}`]);
  assert.equal((await readFile(join(path, "prompts.jsonl"), "utf8")).trimEnd().split("\n").length, 6);
  const wrong = (args: string[], message: RegExp): Promise<void> =>
    assert.rejects(run(process.execPath, [CLI, ...args]), { stderr: message });
  await wrong(
    ["draw", "--set=film", "--output_dir=x"],
    /^expected one of base, style, .* for set but received "film"\n$/,
  );
  await wrong(["draw", "--set=style"], /^expected a path for output_dir but received undefined\n$/);
  await wrong(["sheet", "--people=Nobody", `--output=${join(path, "x.png")}`], /for name but received "Nobody"/);
  await wrong(["paint"], /^expected draw, sheet or prompts for command but received "paint"\n$/);
});
