// Sets up, then runs every test that was built. `npm test -- tensor` runs the files whose path has that word in it.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const setup = spawnSync(process.execPath, [join(ROOT, "scripts/setup.mjs"), "--quiet"], { stdio: "inherit" });
if (setup.status !== 0) process.exit(setup.status ?? 1);

const words = process.argv.slice(2);
const roots = [...readdirSync(join(ROOT, "packages")).map((p) => `packages/${p}`), "models/pocket"];
/** A compiled test counts only while its source is there. */
const files = roots
  .flatMap((p) =>
    readdirSync(join(ROOT, p, "src"), { recursive: true })
      .filter((f) => f.endsWith(".test.ts"))
      .map((f) => join(ROOT, p, "dist", f.replace(/\.ts$/, ".js"))),
  )
  .filter((f) => words.every((w) => relative(ROOT, f).includes(w)))
  .sort();
const missing = files.filter((f) => !existsSync(f));
if (missing.length > 0 || files.length === 0) {
  console.error(files.length === 0 ? `no test file matches ${words.join(" ")}` : `not built: ${missing.join(", ")}`);
  process.exit(1);
}

// one thread each: several files run at a time, and threads that wait for each other's cores cost more than they give
process.env.STILLFRAME_THREADS ??= "1";
process.env.OMP_NUM_THREADS ??= "1";
process.env.NODE_OPTIONS = [process.env.NODE_OPTIONS, "--enable-source-maps"].filter(Boolean).join(" ");

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const stream = run({ files, concurrency: availableParallelism(), timeout: 900_000 });
// a suite reports as a test too; its tests are what counts
const counted = (data) =>
  data.details?.type !== "suite" && !(data.nesting === 0 && files.includes(join(ROOT, data.name)));
stream.on("test:pass", (data) => {
  if (!counted(data)) return;
  if (data.skip !== undefined || data.todo !== undefined) counts.skipped += 1;
  else counts.passed += 1;
});
stream.on("test:fail", (data) => {
  if (!counted(data) && data.details?.error?.failureType === "subtestsFailed") return;
  counts.failed += 1;
  failures.push(`${data.file ? relative(ROOT, data.file) : ""} ${data.name}`);
});
await pipeline(stream.compose(new spec()), process.stdout, { end: false });
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((f) => `  ${f}`).join("\n")}`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
