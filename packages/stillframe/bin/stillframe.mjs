#!/usr/bin/env node
// Starts the compiled command line. Plain JavaScript of an old kind, so that an old Node can say that it is old.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const NEEDED = [20, 19];

function problem() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]))
    return `expected Node ${NEEDED.join(".")} or newer but this is Node ${process.versions.node}`;
  if (!existsSync(fileURLToPath(new URL("../dist/cli/main.js", import.meta.url))))
    return "the program is not built yet: run npm run setup in its folder";
  return undefined;
}

const found = problem();
if (found !== undefined) {
  console.error(`stillframe: ${found}`);
  process.exitCode = 1;
} else {
  const { main } = await import("../dist/cli/main.js");
  process.exitCode = await main(process.argv.slice(2));
}
