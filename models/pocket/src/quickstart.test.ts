import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

const script = fileURLToPath(new URL("../../../scripts/quickstart.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "quickstart "));
after(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8", cwd: folder });
const quick = (name: string) => ["--quick", `--output_dir=${name}`];
const bytes = (...path: string[]) => readFileSync(join(folder, ...path));

test("what stands wrongly on the command line is told before anything is made", () => {
  const cases: [string[], RegExp][] = [
    [["--sed=3"], /^Unknown option '--sed'. There are --output_dir, --seed, --base, --quick, --fresh and --help\.$/m],
    [["now"], /^Unexpected argument 'now'/],
    [["--seed=three"], /^expected a whole number for --seed but received three$/m],
    [
      ["--base=nowhere"],
      /^expected the folder of a model \(with model_index\.json\) for --base but received nowhere$/m,
    ],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = run("--output_dir=wrong", ...args);
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, message);
  }
  assert.ok(!existsSync(join(folder, "wrong")));
  assert.match(run("--help").stdout, /--output_dir=DIR/);
});

test("a folder or a file of somebody else is left alone", () => {
  writeFileSync(join(folder, "thesis"), "my own");
  assert.match(run("--output_dir=thesis").stderr, /thesis is a file: choose another --output_dir/);
  const { status, stderr } = run("--output_dir=.", "--fresh");
  assert.equal(status, 2);
  assert.match(stderr, /holds something that quickstart did not make: choose another --output_dir/);
  assert.equal(bytes("thesis").toString(), "my own");
});

test("it leaves an adapter, a sheet of all strengths and a card that shows it; a second call has nothing to do", async () => {
  const { status, stdout, stderr } = run(...quick("whole"));
  assert.equal(status, 0, stderr);
  assert.match(stdout, /── Done in \d+:\d\d/);
  for (const [, path] of stdout.split("── Done")[1]!.matchAll(/^ {2}the [\w ]+ {2,}(\S.*)$/gm))
    assert.ok(existsSync(join(folder, path!)), path);
  const { width, height } = await sharp(bytes("whole/pictures/contact-sheet.png")).metadata();
  // five columns and two rows of 96 × 96 pixels, shown at twice their size
  assert.ok(width > 5 * 192 && width < 6 * 192 && height > 2 * 192, `${width} × ${height}`);
  const card = bytes("whole/anime-style/README.md").toString();
  assert.equal(card.split("](images/contact-sheet.png)").length, 2);
  assert.deepEqual(bytes("whole/anime-style/images/contact-sheet.png"), bytes("whole/pictures/contact-sheet.png"));
  const before = statSync(join(folder, "whole/anime-style/README.md")).mtimeMs;
  assert.match(run(...quick("whole")).stdout, /Everything is there already; --fresh makes it anew/);
  assert.equal(statSync(join(folder, "whole/anime-style/README.md")).mtimeMs, before);
});

/** Runs until a line has `text`, then asks the program to stop; what it told, and its exit status. */
async function stoppedAt(text: string, ...args: string[]): Promise<{ status: unknown; told: string }> {
  const child = spawn(process.execPath, [script, ...args], { cwd: folder });
  let told = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => {
      const before = told.includes(text);
      told += data;
      if (!before && told.includes(text)) child.kill("SIGTERM");
    });
  const status = await new Promise((done) => child.on("close", done));
  return { status, told };
}

test("stopped while it trains, it goes on, and leaves the same bytes as a run that never stopped", async () => {
  const first = await stoppedAt("step 1/", ...quick("stopped"));
  assert.equal(first.status, 143, first.told);
  assert.match(first.told, /Stopped\. \.\/quickstart --quick --output_dir=stopped goes on from here\./);
  // far enough: what comes next takes time, and is whole in the other test
  const second = await stoppedAt("contact-sheet.png  all of them", ...quick("stopped"));
  assert.match(second.told, /Going on in stopped; --fresh begins anew/);
  assert.doesNotMatch(second.told, /Drawing 16 stills/);
  for (const path of ["anime-style/pytorch_lora_weights.safetensors", "pictures/contact-sheet.png"])
    assert.deepEqual(bytes("stopped", path), bytes("whole", path), path);
});
