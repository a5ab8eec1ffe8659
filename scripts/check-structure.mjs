// Keeps the plan of the house: who may import whom, no cycles, file sizes, and paths that the docs name.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Each package may import these packages of the project. */
const MAY_IMPORT = {
  "packages/torch": [],
  "packages/schema": [],
  "packages/diffusion": ["@stillframe/torch"],
  "packages/stillframe": ["@stillframe/torch", "@stillframe/diffusion", "@stillframe/schema"],
  "models/pocket": ["@stillframe/torch", "@stillframe/diffusion", "@stillframe/schema", "stillframe"],
};
/** `schema` has no other dependency than zod, so that a page in a browser can use it. */
const ALONE = { "packages/schema": ["zod"] };
const MAX_LINES = 400;
/** Longer files, with the reason. */
const LONG = {};
const problems = [];

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;"'`]*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)\s*import\s+["']([^"']+)["']/g;
/** Types leave no import behind, so they make no cycle at run time. */
const importsOf = (text) =>
  [...text.replaceAll(/(?:^|\n)\s*(?:import|export) type [^;]*;/g, "").matchAll(IMPORT)].map(
    (m) => m[1] ?? m[2] ?? m[3],
  );
const isTest = (f) => f.endsWith(".test.ts") || f.includes("/testing/");

let count = 0;
for (const [pkg, allowed] of Object.entries(MAY_IMPORT)) {
  const src = join(ROOT, pkg, "src");
  const files = readdirSync(src, { recursive: true })
    .filter((f) => f.endsWith(".ts"))
    .map((f) => join(src, f));
  const graph = new Map();
  for (const file of files) {
    count += 1;
    const text = readFileSync(file, "utf8");
    const name = relative(ROOT, file);
    const lines = text.split("\n").length;
    if (!isTest(name) && !name.endsWith(".generated.ts") && lines > (LONG[name]?.lines ?? MAX_LINES))
      problems.push(`${name} has ${lines} lines (at most ${MAX_LINES})`);
    const targets = [];
    for (const target of importsOf(text)) {
      if (target.startsWith(".")) {
        const path = resolve(dirname(file), target.replace(/\.js$/, ".ts"));
        if (!existsSync(path)) problems.push(`${name} imports ${target}, which does not exist`);
        if (relative(src, path).startsWith("..")) problems.push(`${name} imports ${target} from outside its package`);
        targets.push(path);
      } else if (target.endsWith(".node"))
        problems.push(`${name} imports a native file; only torch/src/native.ts may load one`);
      else {
        const own = target.startsWith("@stillframe/") ? target.split("/").slice(0, 2).join("/") : target.split("/")[0];
        const ours = own.startsWith("@stillframe/") || own === "stillframe";
        if (ours && !allowed.includes(own)) problems.push(`${name} imports ${own}, which ${pkg} may not`);
        if (!ours && ALONE[pkg] && !isTest(name) && !target.startsWith("node:") && !ALONE[pkg].includes(own))
          problems.push(`${name} imports ${own}; ${pkg} has ${ALONE[pkg].join(", ")} alone`);
      }
    }
    graph.set(file, targets);
    if (/createRequire/.test(text) && /\.node["'`]/.test(text) && name !== "packages/torch/src/native.ts")
      problems.push(`${name} loads a native file`);
  }
  for (const cycle of cyclesIn(graph, src)) problems.push(`import cycle in ${pkg}: ${cycle}`);
}

/** Cycles among imports that are there at run time. */
function cyclesIn(graph, src) {
  const state = new Map();
  const found = [];
  const visit = (file, path) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      found.push([...path.slice(path.indexOf(file)), file].map((f) => relative(src, f)).join(" → "));
      return;
    }
    state.set(file, "open");
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

/** Paths that the documents name in backquotes or links must exist. */
const PATH = /`((?:packages|docs|bench|examples|models|scripts|\.ci)\/[\w./@-]+)`|\]\(((?!https?:|#)[\w./@-]+)\)/g;
let documents = 0;
for (const doc of [
  "README.md",
  "CONTRIBUTING.md",
  "FEATURES.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((f) => f.endsWith(".md"))
    .map((f) => `docs/${f}`),
]) {
  documents += 1;
  if (!existsSync(join(ROOT, doc))) {
    problems.push(`${doc} is missing`);
    continue;
  }
  for (const m of readFileSync(join(ROOT, doc), "utf8").matchAll(PATH)) {
    const path = m[1] ? join(ROOT, m[1]) : resolve(ROOT, dirname(doc), m[2]);
    if (!existsSync(path)) problems.push(`${doc} names ${m[1] ?? m[2]}, which does not exist`);
  }
}

// a check that finds nothing to look at has lost its way
if (count < 50 || documents < 4) problems.push(`only ${count} sources and ${documents} documents were found`);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exitCode = 1;
} else console.log(`structure: ${count} sources, ${documents} documents`);
