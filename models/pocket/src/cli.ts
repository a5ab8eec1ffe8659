#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { invalid } from "@stillframe/torch/errors";
import { LOOKS, type Look } from "./attributes.js";
import { writeDataset } from "./dataset.js";
import { NAMED_PEOPLE } from "./people.js";
import { evaluationPrompts, SETS, type SetName } from "./sets.js";
import { contactSheet, portrait } from "./sheet.js";

const HELP = `Usage: node models/pocket/dist/cli.js <command> [options]

Commands
  draw     draw a set into a folder: PNG files and metadata.jsonl
             --set=base        one of ${SETS.join(", ")}
             --count=300       how many pictures
             --seed=0          another seed, other pictures
             --size=128        side in pixels
             --output_dir=…    the folder (made if it does not exist)
  sheet    draw a contact sheet: named people across, looks down
             --people=Mara,…   or a number: the first so many (8)
             --looks=render,…  ${LOOKS.join(", ")}
             --size=128        side of one picture in pixels
             --colours=256     colours in the PNG's palette (2 to 256)
             --output=…        the PNG file
  prompts  write evaluation prompts as JSON lines, for stillframe evaluate --prompts=…: text (no word on the look),
           asked (what the picture should show), base (as the base knows it), styled, plain (as text) and scene
             --count=500  --seed=0  --output=… (a .jsonl)
`;

function whole(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(name, "a whole number", text);
  return Number(text);
}

function member<T extends string>(name: string, text: string, of: readonly T[]): T {
  const found = of.find((value) => value === text);
  if (found === undefined) throw invalid(name, `one of ${of.join(", ")}`, text);
  return found;
}

function required(name: string, value: string | undefined): string {
  if (!value) throw invalid(name, "a path", value);
  return value;
}

async function drawSet(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      set: { type: "string", default: "base" },
      count: { type: "string", default: "300" },
      seed: { type: "string", default: "0" },
      size: { type: "string", default: "128" },
      output_dir: { type: "string" },
    },
  });
  const set: SetName = member("set", values.set, SETS);
  const outputDir = required("output_dir", values.output_dir);
  const count = whole("count", values.count);
  const started = performance.now();
  const tell = (done: number): void => {
    if (process.stderr.isTTY && (done % 20 === 0 || done === count)) process.stderr.write(`\r${done}/${count}`);
  };
  await writeDataset(set, {
    count,
    seed: whole("seed", values.seed),
    size: whole("size", values.size),
    outputDir,
    onPicture: tell,
  });
  const seconds = (performance.now() - started) / 1000;
  if (process.stderr.isTTY) process.stderr.write("\r");
  console.log(
    `${count} pictures of the set ${set} in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)} a second): ${outputDir}`,
  );
}

async function drawSheet(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      people: { type: "string", default: "8" },
      looks: { type: "string", default: LOOKS.join(",") },
      size: { type: "string", default: "128" },
      colours: { type: "string", default: "256" },
      output: { type: "string" },
    },
  });
  const all = Object.keys(NAMED_PEOPLE);
  const names = /^\d+$/.test(values.people) ? all.slice(0, Number(values.people)) : values.people.split(",");
  const looks = values.looks.split(",").map((look): Look => member("looks", look, LOOKS));
  const path = required("output", values.output);
  const scenes = names.map((name) => portrait(name, all.indexOf(name)));
  await contactSheet(scenes, {
    looks,
    path,
    size: whole("size", values.size),
    colours: whole("colours", values.colours),
  });
  console.log(`${names.length} people in ${looks.length} looks: ${path}`);
}

async function writePrompts(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      count: { type: "string", default: "500" },
      seed: { type: "string", default: "0" },
      output: { type: "string" },
    },
  });
  const path = required("output", values.output);
  const prompts = evaluationPrompts(whole("count", values.count), whole("seed", values.seed));
  const rows = prompts.map((prompt) => ({ text: prompt.plain, ...prompt }));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.part`, `${rows.map((row) => JSON.stringify(row)).join("\n")}\n`);
  await rename(`${path}.part`, path);
  console.log(`${prompts.length} prompts: ${path}`);
}

function version(): string {
  const manifest = join(dirname(fileURLToPath(import.meta.url)), "..", "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  if (command === "draw") return drawSet(rest);
  if (command === "sheet") return drawSheet(rest);
  if (command === "prompts") return writePrompts(rest);
  if (command === "--version") return console.log(version());
  if (command === undefined || command === "--help" || command === "help") return console.log(HELP);
  throw invalid("command", "draw, sheet or prompts", command);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
