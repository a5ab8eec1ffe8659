// Runs one of the benchmarks in bench/: `npm run bench -- ops`. Without a name it lists them.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BENCH = join(ROOT, "bench");
const names = readdirSync(BENCH)
  .filter((f) => f.endsWith(".mjs"))
  .map((f) => f.slice(0, -4))
  .sort();
const [name, ...args] = process.argv.slice(2);

if (!names.includes(name)) {
  if (name !== undefined) console.error(`there is no benchmark "${name}"`);
  console.log("npm run bench -- <name> [options]");
  for (const n of names) {
    const about = readFileSync(join(BENCH, `${n}.mjs`), "utf8")
      .split("\n")[0]
      .replace(/^\/\/ /, "");
    console.log(`  ${n.padEnd(8)} ${about}`);
  }
  process.exit(name === undefined ? 0 : 1);
}

const setup = spawnSync(process.execPath, [join(ROOT, "scripts/setup.mjs"), "--quiet"], { stdio: "inherit" });
if (setup.status !== 0) process.exit(setup.status ?? 1);

try {
  const { run } = await import(join(BENCH, `${name}.mjs`));
  await run(args);
} catch (e) {
  // messages for the person who started it; anything else keeps its stack
  const expected = e.constructor?.name === "NoReferenceError" || e.code?.startsWith("ERR_PARSE_ARGS");
  console.error(expected ? e.message : e);
  process.exitCode = 1;
}
