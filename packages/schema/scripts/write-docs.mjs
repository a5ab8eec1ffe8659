// Writes docs/options.md from the schema: node packages/schema/scripts/write-docs.mjs (after npm run build).
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { optionSets, optionsMarkdown } from "../dist/index.js";

const docs = new URL("../../../docs/", import.meta.url);
const page = new URL("options.md", docs);
await mkdir(docs, { recursive: true });
await writeFile(page, optionsMarkdown(optionSets));
console.log(`wrote ${fileURLToPath(page)}`);
